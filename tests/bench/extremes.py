#!/usr/bin/env python3
"""cogrep beside GNU grep, ripgrep and ugrep where it gets large: time and peak memory.

usage: extremes.py [--cogrep COMMAND] [--rg COMMAND] [--size 1GiB] [--runs 3] [--data DIR] [--json FILE] [CASE...]

cases:
  line      P -c swig FILE: one line, of as much as --size says
  log       P -c python FILE: an access log of that size
  patterns  P -c -F -f FILE LOG: 100,000 words, in an access log of a sixteenth of that
  regexes   P -c -E -f FILE LOG: the same words, not said to be plain text
  pattern   P -c -F -f FILE LOG: one text of 1 MB
  explodes  P -c -E '(a{0,500}){500}' on an empty file

Each program has 4 GiB of address space beyond the size, and 20 seconds. The peak memory is what /usr/bin/time tells.
"""

import argparse
import dataclasses
import datetime
import os
import pathlib
import random
import resource
import shlex
import string
import subprocess
import sys
import time

import access_log
import greps
import measure
import report
import texts

GIVE_UP = 20.0
SPACE = 4 << 30
PATTERNS = 100_000
TEXT = 1_000_000
# The log that patterns are searched for in is this part of the others.
SHARE = 16


@dataclasses.dataclass(frozen=True)
class Run:
    seconds: float
    kib: int | None
    status: int


class Bench:
    def __init__(self, options):
        self.data = options.data.resolve()
        self.data.mkdir(parents=True, exist_ok=True)
        self.size = access_log.size_of(options.size)

    def made(self, name, pieces):
        """The file `name`, made of these bytes the first time, and in the page cache."""
        path = self.data / name
        if not path.exists():
            part = path.with_suffix(".part")
            with part.open("wb") as file:
                file.writelines(pieces)
            part.rename(path)
        with path.open("rb", buffering=0) as file:
            while file.read(measure.PIECE):
                pass
        return str(path)

    def line(self):
        lines = (piece.replace(b"\n", b" ") for piece in access_log.log(f"{self.size}B"))
        return ["-c", "swig", self.made(f"one-line-{self.size}", lines)]

    def log(self):
        return ["-c", "python", str(texts.text("log", self.size, self.data))]

    def patterns(self, kind="-F"):
        rng = random.Random(1)
        words = ("".join(rng.choices(string.ascii_lowercase, k=rng.randint(8, 16))) for _ in range(PATTERNS))
        words = self.made(f"words-{PATTERNS}", (f"{word}\n".encode() for word in words))
        return ["-c", kind, "-f", words, str(texts.text("log", self.size // SHARE, self.data))]

    def regexes(self):
        return self.patterns("-E")

    def pattern(self):
        text = self.made(f"text-{TEXT}", [b"access-log" * (TEXT // 10)])
        return ["-c", "-F", "-f", text, str(texts.text("log", self.size // SHARE, self.data))]

    def explodes(self):
        return ["-c", "-E", "(a{0,500}){500}", self.made("empty", [])]


CASES = ("line", "log", "patterns", "regexes", "pattern", "explodes")


def run_once(program, arguments, space, told):
    """What one run took; None if it did not end in time."""
    command = [*program.command, *program.arguments(arguments)]
    if report.there(["/usr/bin/time"]):
        command = ["/usr/bin/time", "-f", "%M", "-o", str(told), *command]

    def bounded():
        resource.setrlimit(resource.RLIMIT_AS, (space, space))

    started = time.perf_counter()
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=program.environment,
        preexec_fn=bounded,
        start_new_session=True,
    ) as process:
        try:
            status = process.wait(GIVE_UP)
        except subprocess.TimeoutExpired:
            measure.end([process])
            return None
    took = time.perf_counter() - started
    # Above it stands what it says of a status that is not 0.
    kib = int(told.read_text().split()[-1]) if told.exists() else None
    return Run(took, kib, status)


def show(case, figures):
    lines = []
    for name, runs in figures.items():
        if None in runs:
            lines.append([name, f"> {GIVE_UP * 1e3:.0f}", "", ""])
            continue
        kib = [run.kib for run in runs if run.kib is not None]
        mib = f"{max(kib) / 1024:.1f}" if kib else ""
        took = measure.median([run.seconds for run in runs])
        lines.append([name, f"{took * 1e3:.1f}", mib, str(runs[-1].status)])
    print(f"\n### {case}")
    report.rows(["program", "ms", "peak MiB", "status"], lines)


def main(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS
    )
    release = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target")) / "release"
    parser.add_argument("--cogrep", default=str((release / "cogrep").resolve()), help="this command")
    parser.add_argument("--rg", default="rg", help="this command for ripgrep")
    parser.add_argument("--size", default="1GiB", help="of the line and of the log")
    parser.add_argument("--runs", type=int, default=3, help="of each program in each case")
    parser.add_argument("--data", type=pathlib.Path, default=release.parent / "bench-data", help="where texts are kept")
    parser.add_argument("--json", type=pathlib.Path, help="where the raw figures go")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=" ".join(CASES))
    options = parser.parse_args(arguments)
    if unknown := set(options.cases) - set(CASES):
        parser.error(f"no such case: {' '.join(unknown)}")
    bench, results = Bench(options), {}
    contenders = {program.name: program for program in greps.programs(options)}
    date = f"{datetime.datetime.now():%Y-%m-%d-%H%M%S}"
    path = options.json or bench.data / f"extremes-{date}.json"
    raw = {"date": date, "size": options.size, "runs": options.runs, "cogrep": options.cogrep, "results": results}
    raw["machine"] = report.machine(["grep", shlex.split(options.rg)[0], "ugrep"])
    for case in options.cases or CASES:
        words = getattr(bench, case)()
        told = bench.data / "told"

        def once(program, words=words, told=told):
            return run_once(program, words, SPACE + bench.size, told)

        figures = report.compare(case, contenders, once, options.runs)
        show(case, figures)
        results[case] = {name: [run and dataclasses.asdict(run) for run in runs] for name, runs in figures.items()}
        report.keep(path, raw)
    print(f"\nraw figures: {path}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
