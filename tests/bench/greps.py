#!/usr/bin/env python3
"""cogrep beside GNU grep, ripgrep and ugrep: what users search for, in three texts, from three kinds of input.

usage: greps.py [--cogrep COMMAND] [--rg COMMAND] [--size 64MiB] [--runs 7] [--only TEXT/INPUT/CASE]...
                [--patience SECONDS] [--data DIR] [--json FILE] [--resume FILE] [--svg FILE] [--from FILE]...

texts:  log     lines of an access log, of 170 bytes; as much of them as --size says
        short   lines of about 18 bytes; half as much
        long    lines of about 5 KB; a quarter as much
inputs: file    P ARGUMENTS FILE
        stdin   P ARGUMENTS < FILE
        pipe    cat FILE | P ARGUMENTS
cases:  see CASES; and `start` with `literal` and `regex` in place of a text's: an empty file.

The output goes into a pipe and is read from it. The programs of one case run in turn, run after run, and medians
are compared. In a first turn output and status are compared: one that differs from cogrep's is shown with a `!` and
left out of the ratio. The fastest of the others then runs twice in each turn: what it differs from itself is the
noise. One that took five times as long is not run again, and one that takes longer than --patience is killed in that
first turn. --only takes patterns as the shell's (`log/*/count`).

Each case is told when it is done, and then the raw figures are kept: --resume goes on with a run that was cut off.
--from prints the tables of what was measured before, of several runs together, whole or not.
"""

import argparse
import dataclasses
import datetime
import fnmatch
import hashlib
import json
import math
import os
import pathlib
import random
import shlex
import shutil
import signal
import string
import subprocess
import sys
import time

import access_log
import measure
import report
import texts

TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"))
PIECE = 64 << 10
INPUTS = ("file", "stdin", "pipe")
STARTS = {"literal": ["-E", "needle"], "regex": ["-E", "needle[0-9]+$"]}
START_RUNS = 30
# One that takes so many times what the fastest does is not run again.
SLOW = 5
# A peer that maps its file instead of reading it is not quite the same thing.
MAPS = ("rg",)
# A word in 30 % of the lines, and a whole line of 5 %.
FREQUENT = {"log": "Firefox", "short": "es/", "long": "/swig/doc"}
WHOLE = {"log": r'.*curl/8\.5\.0"', "short": "HEAD .*", "long": r'.*curl/8\.5\.0"'}
WORDS = 100
# What two runs of the same may differ by.
CLOSE = 0.05


def cases(text, words):
    """The arguments of each case; a dict where they are not the same for all."""
    frequent = FREQUENT[text]
    return {
        "rare": ["needle-in-a"],
        "frequent": [frequent],
        "absent": ["haystack-in-a-needle"],
        "ignore-case": ["-i", "Needle-In-A"],
        "five": ["-E", r"wp-admin|phpmyadmin|\.git/|needle-in|/etc/passwd"],
        "words": ["-F", "-f", str(words)],
        "inner": ["-E", "[a-z/]+-in-a-[a-z]+"],
        "no-literal": ["-E", "[0-9]{3} [0-9]{5}$"],
        "invert": ["-v", frequent],
        "count": ["-c", frequent],
        "number": ["-n", frequent],
        "only": ["-o", frequent],
        "word": ["-w", "swig"],
        "line": ["-E", "-x", WHOLE[text]],
        "unicode": {
            "": ["-E", r"\p{Lu}{4} /"],
            "grep": ["-E", "[[:upper:]]{4} /"],
            "grep UTF-8": ["-E", "[[:upper:]]{4} /"],
        },
        "max": ["-m", "1", "needle-in-a"],
        "context": ["-A", "2", "swig/doc"],
    }


@dataclasses.dataclass(frozen=True)
class Program:
    name: str
    command: tuple
    locale: str = "C"

    @property
    def environment(self):
        return {**os.environ, "LC_ALL": self.locale, "GREP_COLORS": "", "GREP_OPTIONS": ""}

    def arguments(self, case):
        own = case if isinstance(case, list) else case.get(self.name, case[""])
        # ripgrep's -E is an encoding; it needs no option for what grep calls extended.
        return [word for word in own if word != "-E"] if self.name == "rg" else own


def programs(options):
    ours = Program("cogrep", tuple(shlex.split(options.cogrep)))
    peers = [
        Program("grep", ("grep",)),
        Program("grep UTF-8", ("grep",), "C.UTF-8"),
        Program("rg", tuple(shlex.split(options.rg))),
        Program("ugrep", ("ugrep",), "C.UTF-8"),
    ]
    return [program for program in (ours, *peers) if report.there(program.command)]


@dataclasses.dataclass(frozen=True)
class Search:
    """One program at one case."""

    program: Program
    arguments: list
    path: pathlib.Path
    input: str

    def run(self, take):
        """Seconds until `take` has had all of its output and it has ended, and its status."""
        command = [*self.program.command, *self.arguments]
        commands, stdin = [command], subprocess.DEVNULL
        if self.input == "file":
            command.append(str(self.path))
        elif self.input == "pipe":
            commands = [["cat", str(self.path)], command]
        else:
            stdin = self.path.open("rb", buffering=0)
        environment = self.program.environment
        started = time.perf_counter()
        with measure.chain(commands, stdin, subprocess.PIPE, environment=environment) as running:
            take(running[-1].stdout.fileno())
            status = running[-1].wait()
            took = time.perf_counter() - started
        if self.input == "stdin":
            stdin.close()
        return took, status

    def seconds(self):
        return self.run(throw_away)[0]

    def outcome(self):
        """The status with the sha256 of the output, and the seconds it took."""
        digest = hashlib.sha256()

        def hash_all(fd):
            while piece := os.read(fd, measure.PIECE):
                digest.update(piece)

        took, status = self.run(hash_all)
        return f"{status} {digest.hexdigest()}", took


class Start(Search):
    """A search that is nothing but its start and its end."""

    def seconds(self):
        program = shutil.which(self.program.command[0])
        command = [*self.program.command, *self.arguments, str(self.path)]
        # A subprocess.Popen takes as long as what is measured.
        started = time.perf_counter()
        os.waitpid(os.posix_spawn(program, command, self.program.environment), 0)
        return time.perf_counter() - started


def throw_away(fd):
    piece = [bytearray(PIECE)]
    while os.readv(fd, piece):
        pass


def measure_case(name, searches, runs, patience):
    """What a case gave: seconds of each run by program, whose output or status is not cogrep's, and after how many
    seconds each was killed that took too long."""
    outcomes, warm, too_long = {}, {}, {}
    for program, search in searches.items():
        report.show(f"{name}: {program}")
        try:
            with measure.patience(patience):
                outcomes[program], warm[program] = search.outcome()
        except TimeoutError:
            too_long[program] = patience
    differ = [program for program, outcome in outcomes.items() if outcome != outcomes.get("cogrep")]
    fastest = min((warm[program] for program in warm if program != "cogrep"), default=math.inf)
    slow = [program for program in warm if program != "cogrep" and warm[program] > SLOW * fastest]
    timed = {program: searches[program] for program in warm if program not in slow}
    if peers := [program for program in timed if program != "cogrep" and program not in differ]:
        # Known well enough from the first turn to be the one that runs twice.
        again = min(peers, key=warm.get)
        timed[again + report.AGAIN] = searches[again]
    figures = report.compare(name, timed, Search.seconds, runs)
    return {"seconds": figures | {program: [warm[program]] for program in slow}, "differ": differ, "killed": too_long}


def summary(result):
    """Our median, the fastest peer's name and median, ours in its, and what it differs from itself."""
    if result is None:
        return None
    seconds, differ = result["seconds"], result["differ"]
    median = {program: measure.median(runs) for program, runs in seconds.items()}
    peers = [p for p in median if p != "cogrep" and p not in differ and not p.endswith(report.AGAIN)]
    if not peers or "cogrep" not in median:
        return None
    fastest = min(peers, key=median.get)
    again = next((p for p in median if p.endswith(report.AGAIN)), None)
    noise = median[again] / median[again.removesuffix(report.AGAIN)] if again else None
    ratio = median["cogrep"] / median[fastest]
    return median["cogrep"], fastest, median[fastest], ratio, noise


def killed(result):
    """After how many seconds each was killed that took too long; raw figures from before that was done have none."""
    return result.get("killed", {})


def limit(name, fastest):
    """How many times the fastest peer's time a case may take."""
    text, kind, case = name.split("/")
    if text == "start":
        return 1.2 if case == "literal" else 1.5
    return 1.15 if kind == "file" and fastest in MAPS else 1.05


def told(name, result):
    """What a case gave, in a line."""
    found = summary(result)
    if found is None:
        return f"{name}: nothing to compare"
    ours, fastest, theirs, ratio, noise = found
    itself = f", which differs from itself by {abs(noise - 1):.0%}" if noise else ""
    over = ", above the limit" if ratio > limit(name, fastest) else ""
    return f"{name}: {ours * 1e3:.1f} ms, {ratio:.2f} times the {theirs * 1e3:.1f} of {fastest}{itself}{over}"


def tables(results):
    """Prints a table for each text and input, and what all cases come to."""
    ratios, noises, over = {}, [], []
    for group in dict.fromkeys(name.rpartition("/")[0] for name in results):
        lines = []
        of_group = {name: result for name, result in results.items() if name.rpartition("/")[0] == group}
        all_of = (program for result in of_group.values() for program in (*result["seconds"], *killed(result)))
        heads = list(dict.fromkeys(program for program in all_of if not program.endswith(report.AGAIN)))
        for name, result in of_group.items():
            line = [name.rpartition("/")[2]]
            for program in heads:
                runs = result["seconds"].get(program)
                wrong = "!" if program in result["differ"] else ""
                if runs:
                    line.append(f"{measure.median(runs) * 1e3:.1f}{wrong}")
                else:
                    after = killed(result).get(program)
                    line.append(f"> {after * 1e3:.0f}" if after else "")
            if found := summary(result):
                _, fastest, _, ratio, noise = found
                ratios[name] = ratio
                itself = f"{noise:.2f}" if noise else ""
                noises += [noise] if noise else []
                line += [f"{ratio:.2f}", fastest, itself]
                if ratio > limit(name, fastest):
                    over.append(f"{name} {ratio:.2f} ({fastest}, noise {itself})")
            else:
                line += ["", "", ""]
            lines.append(line)
        print(f"\n### {group}, ms")
        report.rows(["case", *heads, "ratio", "to", "noise"], lines)
    searches = {name: ratio for name, ratio in ratios.items() if not name.startswith("start/")}
    if searches:
        print("\n### Geometric means of the ratios to the fastest other\n")
    for part in ("", *(f"{text}/" for text in texts.SHARES), *(f"/{kind}/" for kind in INPUTS)):
        if some := [ratio for name, ratio in searches.items() if part in name]:
            print(f"- {part.strip('/') or 'all'}: {geometric_mean(some):.3f} of {len(some)} cases")
    if noises:
        apart = [abs(noise - 1) for noise in noises]
        close = sum(share <= CLOSE for share in apart)
        print(f"\nthe fastest other differed from itself by {CLOSE:.0%} or less in {close} of {len(apart)} cases, "
              f"by {max(apart):.0%} at most")
    print(f"\nabove the limit: {'; '.join(over) or 'none'}")


def drawing(results):
    """An SVG: a row for each case, a dot for each text and input at our time in the fastest other's."""
    names = list(dict.fromkeys(name.rpartition("/")[2] for name in results if not name.startswith("start/")))
    left, width, row, low, high = 90, 620, 18, 0.1, 2.0
    height = row * len(names) + 60

    def across(ratio):
        share = math.log(min(max(ratio, low), high) / low) / math.log(high / low)
        return left + share * width

    colors = {"file": "#1b6ca8", "stdin": "#7a9e1f", "pipe": "#c8551b"}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 20} {height}" '
        'font-family="sans-serif" font-size="11">',
        "<title>cogrep's time in that of the fastest other grep</title>",
        f'<rect width="{left + width + 20}" height="{height}" fill="white"/>',
    ]
    for tick in (0.1, 0.2, 0.5, 1, 2):
        at, stroke = across(tick), "#444" if tick == 1 else "#ddd"
        parts.append(f'<line x1="{at:.1f}" y1="24" x2="{at:.1f}" y2="{height - 34}" stroke="{stroke}"/>')
        parts.append(f'<text x="{at:.1f}" y="18" text-anchor="middle">{tick:g}</text>')
    for number, case in enumerate(names):
        y = 36 + number * row
        parts.append(f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{case}</text>')
        for text, shift in zip(texts.SHARES, (-4, 0, 4), strict=True):
            for kind, color in colors.items():
                found = summary(results.get(f"{text}/{kind}/{case}"))
                if found:
                    parts.append(f'<circle cx="{across(found[3]):.1f}" cy="{y + shift}" r="2.5" fill="{color}"/>')
    for number, (kind, color) in enumerate(colors.items()):
        x = left + 110 * number
        parts.append(f'<circle cx="{x}" cy="{height - 16}" r="4" fill="{color}"/>')
        parts.append(f'<text x="{x + 9}" y="{height - 12}">{kind}</text>')
    note = "times the fastest other; in a row: log, short, long"
    parts.append(f'<text x="{left + 330}" y="{height - 12}" fill="#444">{note}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def geometric_mean(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def word_file(directory):
    """A hundred words, of which the first is there."""
    rng = random.Random(1)
    words = [access_log.NEEDLE]
    words += ["".join(rng.choices(string.ascii_lowercase, k=rng.randint(6, 12))) for _ in range(WORDS - 1)]
    path = directory / "words"
    path.write_text("".join(f"{word}\n" for word in words))
    return path


def searches_of(options):
    """All searches asked for: the name of the case, the searches by program, and how often they run."""
    known = programs(options)
    words = word_file(options.data)

    def wanted(name):
        return not options.only or any(fnmatch.fnmatch(name, pattern) for pattern in options.only)

    def of_all(case, path, kind, search=Search):
        return {program.name: search(program, program.arguments(case), path, kind) for program in known}

    for text in texts.SHARES:
        for kind in INPUTS:
            for case, arguments in cases(text, words).items():
                name = f"{text}/{kind}/{case}"
                if wanted(name):
                    path = texts.text(text, access_log.size_of(options.size), options.data)
                    yield name, of_all(arguments, path, kind), options.runs
    empty = options.data / "empty"
    empty.write_bytes(b"")
    for case, arguments in STARTS.items():
        if wanted(f"start/file/{case}"):
            yield f"start/file/{case}", of_all(arguments, empty, "file", Start), options.runs * START_RUNS


def parse(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS
    )
    parser.add_argument("--cogrep", default=str(TARGET.resolve() / "release" / "cogrep"), help="this command")
    parser.add_argument("--rg", default="rg", help="this command for ripgrep")
    parser.add_argument("--size", default="64MiB", help="of the log")
    parser.add_argument("--runs", type=int, default=7, help="of each program in each case")
    parser.add_argument("--patience", type=float, default=10, help="how many seconds one run may take")
    parser.add_argument("--only", action="append", default=[], metavar="TEXT/INPUT/CASE")
    parser.add_argument("--data", type=pathlib.Path, default=TARGET / "bench-data", help="where the texts are kept")
    parser.add_argument("--json", type=pathlib.Path, help="where the raw figures go")
    parser.add_argument("--resume", type=pathlib.Path, metavar="FILE", help="raw figures of a run to go on with")
    parser.add_argument("--svg", type=pathlib.Path, help="where a drawing of the ratios goes")
    parser.add_argument("--from", dest="earlier", action="append", default=[], type=pathlib.Path, metavar="FILE")
    return parser.parse_args(arguments)


def measure_all(options, results):
    """Adds to `results` what is not in them, and keeps the raw figures whenever there are more."""
    options.data = options.data.resolve()
    options.data.mkdir(parents=True, exist_ok=True)
    date = f"{datetime.datetime.now():%Y-%m-%d-%H%M%S}"
    path = options.resume or options.json or options.data / f"greps-{date}.json"
    raw = {"date": date, "size": options.size, "runs": options.runs, "cogrep": options.cogrep}
    raw |= {"machine": report.machine(["grep", shlex.split(options.rg)[0], "ugrep"]), "results": results}
    if options.resume:
        earlier = json.loads(path.read_text())
        if differ := [what for what in ("size", "runs", "cogrep") if earlier[what] != raw[what]]:
            sys.exit(f"{path}: was measured with another --{differ[0]}: {earlier[differ[0]]}")
        results |= earlier["results"]
    print(f"raw figures: {path}", file=sys.stderr)
    for name, searches, runs in searches_of(options):
        if name not in results:
            results[name] = measure_case(name, searches, runs, options.patience)
            report.keep(path, raw)
            print(told(name, results[name]), flush=True)


def main(arguments):
    options = parse(arguments)
    # Then what runs is killed, and what was measured is told.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    results = {}
    for path in options.earlier:
        results |= json.loads(path.read_text())["results"]
    try:
        if not options.earlier:
            measure_all(options, results)
    finally:
        if results:
            tables(results)
    if options.svg:
        options.svg.write_text(drawing(results))


if __name__ == "__main__":
    main(sys.argv[1:])
