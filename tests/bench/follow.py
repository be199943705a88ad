#!/usr/bin/env python3
"""cofollow beside the tails that are installed: what is lost at rotation, and what following takes.

usage: follow.py [OPTIONS] CASE...

The programs take turns, run after run, so that a machine that gets slower gets slower for all of them; medians are
compared. In `speed` each runs twice in every run: what it differs from itself is noise. A program that is not there
is left out.

cases:
  loss     lines lost, repeated, torn and out of order in every scenario of rotation
  latency  a line appended to one of 1 and of 10,000 followed files, until it is out
  idle     what a follower of 1 and of 1,000 files does while nothing comes (system calls need strace)
  speed    a file of 1 GiB and its last million lines into a pipe; a writer at full speed followed live
  memory   peak memory: 10,000 files, a writer at full speed, a line of 1 GiB
  gone     the reader leaves while nothing comes: the time until the follower of 1 and of 1,000 files has exited
  resume   cofollow --resume ended 500 times by SIGKILL and by SIGTERM while its log is written and rotates

scenarios of `loss`:
"""

import argparse
import contextlib
import json
import os
import pathlib
import shlex
import sys

import access_log
import following
import loss
import measure
import report
import resume
import scenarios

TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"))
TOOLS = ("cofollow", "tail", "polling", "busybox", "uutils")
# How those are told to follow by name for whom it is not `-F`.
FOLLOW = {"cofollow": (), "polling": ("-F", "---disable-inotify")}
GIB = 1 << 30
WRONG = ("repeated", "torn", "out of order", "generations out of order")
PIECE = "16MiB"
# Seconds after which a program counts as one that does not do it.
LIMIT = 30


def parse(arguments):
    listed = "".join(f"  {name:<20}{scenario.title}\n" for name, scenario in scenarios.SCENARIOS.items())
    parser = argparse.ArgumentParser(
        description=__doc__ + listed, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS
    )
    parser.add_argument("--runs", type=int, default=5, help="of each program in each case (default 5)")
    parser.add_argument("--only", action="append", metavar="TOOL", help=f"of the tools: {', '.join(TOOLS)}")
    parser.add_argument("--scenario", action="append", choices=scenarios.SCENARIOS, metavar="NAME", help="of loss")
    parser.add_argument("--load", action="store_true", help="keep all processors busy during loss and resume")
    parser.add_argument("--bin", type=pathlib.Path, default=TARGET / "release", help="where cofollow is")
    parser.add_argument("--cofollow", metavar="COMMAND", help="this command instead of cofollow")
    parser.add_argument("--uutils", default="uu_tail", metavar="PATH", help="uutils' tail (default: uu_tail)")
    parser.add_argument("--size", type=int, default=GIB, metavar="BYTES", help="of speed and memory (default 1 GiB)")
    parser.add_argument("--lines", type=int, default=500, help="of each run of latency (default 500)")
    parser.add_argument("--seconds", type=int, default=10, help="of idle (default 10)")
    parser.add_argument("--ends", type=int, default=500, help="of each signal in resume (default 500)")
    parser.add_argument("--dir", type=pathlib.Path, default=directory(), help="for the logs (default: %(default)s)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="where the raw figures go")
    parser.add_argument("cases", nargs="+", choices=CASES, metavar="CASE", help=" ".join(CASES))
    options = parser.parse_args(arguments)
    if unknown := set(options.only or ()) - set(TOOLS):
        parser.error(f"no such tool: {' '.join(unknown)}")
    return options


def directory():
    """Where logs are written at the speed of memory, if there is such a place."""
    memory = pathlib.Path("/dev/shm")
    return pathlib.Path(os.environ.get("TMPDIR") or (memory if memory.is_dir() else "/tmp"))


class Bench:
    """The programs that are there, and where results go."""

    def __init__(self, options):
        self.options = options
        self.base = options.dir
        own = options.cofollow and shlex.split(options.cofollow)
        self.cofollow = own or [str((options.bin / "cofollow").resolve())]
        named = {
            "cofollow": ("cofollow", self.cofollow),
            "tail": ("tail -F", ["tail"]),
            "polling": ("tail -F ---disable-inotify", ["tail"]),
            "busybox": ("busybox tail -F", ["busybox", "tail"]),
            "uutils": ("uutils tail -F", [options.uutils]),
        }
        gnu = "GNU" in report.machine(["tail"])["versions"].get("tail", "")
        known = [tool for tool in options.only or TOOLS if gnu or tool != "polling"]
        self.tools = {tool: named[tool] for tool in known if report.there(named[tool][1])}
        self.results = {}

    def followers(self):
        """What follows by name, by the name in the tables."""
        return {name: [*command, *FOLLOW.get(tool, ("-F",))] for tool, (name, command) in self.tools.items()}

    def printers(self, *start):
        """What prints from `start` on without following: GNU's once, for how it would follow is no matter."""
        return {
            name.removesuffix(" -F"): [*command, *(("--no-follow",) if tool == "cofollow" else ()), *start]
            for tool, (name, command) in self.tools.items()
            if tool != "polling"
        }

    def compare(self, case, contenders, measure_one):
        self.results[case] = report.compare(case, contenders, measure_one, self.options.runs)
        return self.results[case]


def again(contenders):
    """Each twice."""
    return {**contenders, **{name + report.AGAIN: command for name, command in contenders.items()}}


def loaded(bench):
    return loss.load() if bench.options.load else contextlib.nullcontext()


def loss_case(bench):
    """One table of the shares lost, one of what else went wrong."""
    followers, lost, wrong = bench.followers(), [], []
    with loaded(bench):
        for name in bench.options.scenario or scenarios.SCENARIOS:
            scenario = scenarios.SCENARIOS[name]
            figures = bench.compare(f"loss {name}", followers, lambda it, of=scenario: loss.lose(it, of, bench.base))
            lost.append([scenario.title, *map(lost_text, figures.values())])
            wrong += [[scenario.title, tool, *wrong_texts(runs)] for tool, runs in figures.items() if any_wrong(runs)]
            print(f"{name}: {dict(zip(figures, lost[-1][1:]))}", file=sys.stderr)
    print(f"\n### loss\n\nLines lost of those written: median (worst) of {bench.options.runs} runs.")
    report.rows(["scenario", *followers], lost)
    print("\nMedian (worst) of the lines that came out wrong. Clean: runs with nothing lost or wrong. Told: of the")
    print("runs that lost lines, those in which standard error told of a gap. Who is not here only lost lines.")
    report.rows(["scenario", "program", "clean", *WRONG, "told"], wrong, texts=2)


def any_wrong(runs):
    """Whether there is more to say than what was lost."""
    return None not in runs and any(run[what] for run in runs for what in (*WRONG, "told"))


def clean(run):
    return not any(run[what] for what in ("lost", *WRONG))


def lost_text(runs):
    if None in runs:
        return "nothing came"
    shares = [run["lost"] / run["written"] for run in runs]
    return spread(shares, percent)


def percent(share):
    """Never a 0 that is none."""
    return "0" if share == 0 else f"{share * 100:.1f} %" if share >= 0.001 else "< 0.1 %"


def wrong_texts(runs):
    lossy = [run for run in runs if run["lost"]]
    told = f"{sum(run['told'] for run in lossy)} of {len(lossy)}" if lossy else ""
    counts = [spread([run[what] for run in runs], lambda count: f"{count:.0f}") for what in WRONG]
    return [f"{sum(map(clean, runs))} of {len(runs)}", *counts, told]


def spread(values, text):
    return f"{text(measure.median(values))} ({text(max(values))})"


def latency_case(bench):
    following.raise_limit()
    for count in (1, following.MANY):
        case = f"latency, {count:,} files" if count > 1 else "latency, 1 file"
        figures = bench.compare(
            case,
            bench.followers(),
            lambda it, count=count: following.latency(it, count, bench.options.lines, bench.base),
        )
        report.latency_table(case, figures, never="polls")


def idle_case(bench):
    following.raise_limit()
    seconds = bench.options.seconds
    for count in (1, 1000):
        case = f"idle, {count:,} files" if count > 1 else "idle, 1 file"
        # It takes long, and what does nothing does nothing every time.
        figures = report.compare(
            case, bench.followers(), lambda it, count=count: following.idle(it, count, seconds, bench.base), 1
        )
        bench.results[case] = figures
        print(f"\n### {case}\n\nIn {seconds} s, all threads together.")
        lines = [
            [name, str(wakes), f"{cpu:.2f}", "no strace" if calls is None else str(calls)]
            for name, ((wakes, cpu, calls),) in figures.items()
        ]
        report.rows(["program", "wake-ups", "CPU ms", "system calls"], lines)


def speed_case(bench):
    log = bench.base / f"follow-speed-{os.getpid()}"
    try:
        size = big_log(log, bench.options.size)
        for case, start in (("print all of it", "+1"), ("print the last million lines", "1000000")):
            chains = {name: [[*it, str(log)], ["cat"]] for name, it in again(bench.printers("-n", start)).items()}
            figures = bench.compare(case, chains, lambda it: measure.throughput(it, log, LIMIT))
            size_read = size if start == "+1" else None
            report.table(case, figures, "ms", 1e3, size=size_read, never=f"> {LIMIT} s")
    finally:
        log.unlink(missing_ok=True)
    case = "a writer at full speed, until its last line is out"
    size = bench.options.size
    figures = bench.compare(case, again(bench.followers()), lambda it: following.live(it, size, bench.base)[0])
    report.table(case, figures, "ms", 1e3, size=size, never="nothing came")


def big_log(path, size):
    """An access log of at least this size, of one piece again and again."""
    piece = b"".join(access_log.log(PIECE))
    with path.open("wb", buffering=0) as file:
        for _ in range(-(-size // len(piece))):
            file.write(piece)
    return path.stat().st_size


def memory_case(bench):
    following.raise_limit()
    size, base, follow, prints = bench.options.size, bench.base, bench.followers(), bench.printers("-n", "+1")
    for case, contenders, measure_one in (
        (f"{following.MANY:,} files", follow, lambda it: following.peak_of_many(it, following.MANY, base)),
        ("a writer at full speed", follow, lambda it: following.live(it, size, base)[1]),
        (f"a line of {size >> 20} MiB, printed", prints, lambda it: following.one_line(it, size, base, follow=False)),
        (f"a line of {size >> 20} MiB, followed", follow, lambda it: following.one_line(it, size, base, follow=True)),
    ):
        case = f"peak memory: {case}"
        report.table(case, bench.compare(case, contenders, measure_one), "MiB", 1 / (1 << 20), never="failed")


def gone_case(bench):
    following.raise_limit()
    for count in (1, 1000):
        case = f"the reader leaves, {count:,} files" if count > 1 else "the reader leaves, 1 file"
        figures = bench.compare(case, bench.followers(), lambda it, count=count: following.gone(it, count, bench.base))
        report.table(case, figures, "ms", 1e3, never="> 2 s")


def resume_case(bench):
    print("\n### resume")
    with loaded(bench):
        accounts = {
            name: resume.resume(bench.cofollow, bench.options.ends, how, bench.base)
            for name, how in resume.SIGNALS.items()
        }
    bench.results["resume"] = accounts
    for name in [name for name, account in accounts.items() if account is None]:
        print(f"\n{name}: cofollow --resume did not run until it was ended.")
    ran = {name: account for name, account in accounts.items() if account}
    if ran:
        heads = list(next(iter(ran.values())))
        report.rows(["ended by", *heads], [[name, *map(str, account.values())] for name, account in ran.items()])


CASES = {
    "loss": loss_case,
    "latency": latency_case,
    "idle": idle_case,
    "speed": speed_case,
    "memory": memory_case,
    "gone": gone_case,
    "resume": resume_case,
}


def main(arguments):
    options = parse(arguments)
    bench = Bench(options)
    for case in options.cases:
        CASES[case](bench)
    if options.json:
        about = {"machine": report.machine(["tail", bench.options.uutils]), "runs": options.runs}
        options.json.write_text(json.dumps({**about, "results": bench.results}, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
