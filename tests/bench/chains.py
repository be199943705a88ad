#!/usr/bin/env python3
"""Whole chains of cofollow and cogrep beside the same chains of GNU grep, ripgrep, ugrep and tail.

usage: chains.py [--bin DIR] [--rg COMMAND] [--size 1GiB] [--runs 9] [--data DIR] [--json FILE] [CASE...]

The programs of one case run in turn, run after run, so that a machine that gets slower gets slower for all of
them; medians are compared. GNU grep and ripgrep run twice in every run: what one differs from itself is noise.
A program that is not there is left out. Everything runs with LC_ALL=C.

cases:
  file     P python < log | cat > /dev/null
  pipe     cat log | P python | cat > /dev/null
  chain    P GET < log | P python | P 200 | cat > /dev/null
  latency  one line in, one line out, through three filters
  follow   one line appended to a file, one line out: cofollow log | cogrep x
  flood    (echo hit; yes) | P hit: the time to the first byte
  exit     cofollow log | cogrep a | cogrep -m1 b: from the line that ends it to the end of all three
  max      yes | P -m1 y: from its start to the end of both
  stop     a quiet writer | P a | P -m1 b: from the line that ends it to the end of both filters
  leave    P a, whose reader leaves while nothing comes: the time until it exits
  idle     system calls of cofollow log | cogrep a | cogrep b in ten seconds without a line (needs strace)

A version can be compared with another, or the script tried out, with --cogrep 'old/cogrep' and
--cofollow 'tail -F'.
"""

import argparse
import datetime
import os
import pathlib
import shlex
import sys

import access_log
import measure
import report
from report import cell, latency_table, table, there

TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"))
GREPS = {"rg": ["rg"], "grep": ["grep"], "ugrep": ["ugrep"]}
AGAIN = {name + report.AGAIN: GREPS[name] for name in ("rg", "grep")}
LINE_BUFFERED = {f"{name} --line-buffered": [name, "--line-buffered"] for name in GREPS}
# Whose versions go with the figures.
PROGRAMS = ("grep", "ugrep", "tail")
# Short measurements are repeated so often.
SHORT_RUNS = 5
IDLE = 10


def parse(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS
    )
    parser.add_argument("--bin", type=pathlib.Path, default=TARGET / "release", help="where our programs are")
    parser.add_argument("--size", default="1GiB", help="of the log of the throughput cases")
    parser.add_argument("--runs", type=int, default=9, help="of each program in the throughput cases")
    parser.add_argument("--data", type=pathlib.Path, default=TARGET / "bench-data", help="where the log is kept")
    parser.add_argument("--json", type=pathlib.Path, help="where the raw figures go")
    parser.add_argument("--cogrep", help="this command instead of cogrep")
    parser.add_argument("--rg", default="rg", help="this command for ripgrep")
    parser.add_argument("--cofollow", help="this command instead of cofollow")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=" ".join(CASES))
    options = parser.parse_args(arguments)
    if unknown := set(options.cases) - set(CASES):
        parser.error(f"no such case: {' '.join(unknown)}")
    return options


class Bench:
    """What the cases need: the programs that are there, the log, and where results go."""

    def __init__(self, options):
        self.options = options
        self.data = options.data.resolve()
        self.data.mkdir(parents=True, exist_ok=True)
        self.cogrep = self.own("cogrep", options.cogrep)
        self.cofollow = self.own("cofollow", options.cofollow)
        self.results = {}

    def own(self, name, instead):
        return shlex.split(instead) if instead else [str((self.options.bin / name).resolve())]

    def greps(self, peers):
        """The filters that are there, ours first, by name."""
        rg = shlex.split(self.options.rg)
        peers = {name: [*rg, *words] if program == "rg" else [program, *words] for name, (program, *words) in peers.items()}
        return {name: command for name, command in {"cogrep": self.cogrep, **peers}.items() if there(command)}

    def followers(self, *filters):
        """Following chains by name: ours, `tail -F` into grep as a user writes it, and unbuffered."""
        log = str(self.quiet_log())
        follow = [[*self.cofollow, log], *([*self.cogrep, *words] for words in filters)]
        chains = {"cofollow | cogrep": follow}
        for grep in (["grep"], ["grep", "--line-buffered"]):
            chains[f"tail -F | {' '.join(grep)}"] = [["tail", "-F", log], *([*grep, *words] for words in filters)]
        return {name: commands for name, commands in chains.items() if all(map(there, commands))}

    def quiet_log(self):
        path = self.data / "quiet-log"
        path.write_bytes(b"")
        return path

    def log(self):
        """The big log, made the first time."""
        path = self.data / f"access-log-{self.options.size}"
        if not path.exists():
            print(f"making {path} ...", file=sys.stderr)
            part = path.with_suffix(".part")
            with part.open("wb") as file:
                file.writelines(access_log.log(self.options.size))
                os.fsync(file.fileno())
            part.rename(path)
        with path.open("rb", buffering=0) as file:
            while file.read(measure.PIECE):
                pass  # it is in the page cache now
        return path

    def compare(self, case, contenders, measure_one, runs):
        """What `report.compare` gives, kept for the raw figures."""
        self.results[case] = report.compare(case, contenders, measure_one, runs)
        return self.results[case]

    def throughput(self, case, chain_of):
        """Compares `chain_of(filter)` over the big log, after a run in which the outputs are checked."""
        log = self.log()
        contenders = {name: chain_of(command, str(log)) for name, command in self.greps(GREPS | AGAIN).items()}
        outputs = {name: measure.output_of(commands, log) for name, commands in contenders.items()}
        if len(set(outputs.values())) > 1:
            print(f"{case}: the outputs differ: {outputs}", file=sys.stderr)
        figures = self.compare(case, contenders, lambda it: measure.throughput(it, log), self.options.runs)
        table(case, figures, "ms", 1e3, size=log.stat().st_size)


def file_case(bench):
    bench.throughput("file", lambda grep, _: [[*grep, "python"], ["cat"]])


def pipe_case(bench):
    bench.throughput("pipe", lambda grep, log: [["cat", log], [*grep, "python"], ["cat"]])


def chain_case(bench):
    words = ("GET", "python", "200")
    bench.throughput("chain", lambda grep, _: [*([*grep, word] for word in words), ["cat"]])


def latency_case(bench):
    contenders = {
        name: [[*grep, word] for word in ("GET", "python", "200")]
        for name, grep in bench.greps(LINE_BUFFERED | GREPS).items()
    }
    latency_table("latency", bench.compare("latency", contenders, measure.latencies, SHORT_RUNS))


def follow_case(bench):
    contenders, log = bench.followers(["python"]), bench.quiet_log()
    figures = bench.compare("follow", contenders, lambda it: measure.follow_latencies(it, log), SHORT_RUNS)
    latency_table("follow", figures)


def flood_case(bench):
    source = ["sh", "-c", "echo hit; exec yes"]
    contenders = {name: [[*grep, "hit"]] for name, grep in bench.greps(LINE_BUFFERED | GREPS).items()}
    figures = bench.compare("flood", contenders, lambda it: measure.first_byte(source, it), SHORT_RUNS)
    table("flood", figures, "ms", 1e3, never="> 2 s")


def exit_case(bench):
    contenders, log = bench.followers(["a"], ["-m1", "b"]), bench.quiet_log()
    figures = bench.compare("exit", contenders, lambda it: measure.exit_after(it, log, b"a b\n"), SHORT_RUNS)
    table("exit", figures, "ms", 1e3, never="> 2 s")


def max_case(bench):
    contenders = {name: [["yes"], [*grep, "-m1", "y"]] for name, grep in bench.greps(LINE_BUFFERED | GREPS).items()}
    table("max", bench.compare("max", contenders, measure.exit_of, SHORT_RUNS), "ms", 1e3, never="> 2 s")


def stop_case(bench):
    contenders = {
        name: [[*grep, "a"], [*grep, "-m1", "b"]] for name, grep in bench.greps(LINE_BUFFERED | GREPS).items()
    }
    figures = bench.compare("stop", contenders, lambda it: measure.exit_at(it, b"a b\n"), SHORT_RUNS)
    table("stop", figures, "ms", 1e3, never="> 2 s")


def leave_case(bench):
    contenders = {name: [*grep, "a"] for name, grep in bench.greps(LINE_BUFFERED | GREPS).items()}
    figures = bench.compare("leave", contenders, measure.exit_when_left, SHORT_RUNS)
    table("leave", figures, "ms", 1e3, never="> 2 s")


def idle_case(bench):
    if not there(["strace"]):
        print("\n### idle\n\nstrace is not installed.")
        return
    # Not beside the log: a follower watches its directory, and would be woken by its own trace.
    trace = bench.data / "traces" / "trace"
    trace.parent.mkdir(exist_ok=True)
    contenders = bench.followers(["a"], ["b"])
    figures = bench.compare("idle", contenders, lambda it: measure.idle_calls(it, trace, IDLE), 1)
    print(f"\n### idle\n\n| chain | system calls in {IDLE} s |\n| --- | ---: |")
    for name, (calls,) in figures.items():
        print(f"| {cell(name)} | {calls} |")


CASES = {
    "file": file_case,
    "pipe": pipe_case,
    "chain": chain_case,
    "latency": latency_case,
    "follow": follow_case,
    "flood": flood_case,
    "exit": exit_case,
    "max": max_case,
    "stop": stop_case,
    "leave": leave_case,
    "idle": idle_case,
}


def main(arguments):
    options = parse(arguments)
    bench = Bench(options)
    for command in (bench.cogrep, bench.cofollow):
        if not there(command):
            print(f"{command[0]} is not there: without it", file=sys.stderr)
    date = f"{datetime.datetime.now():%Y-%m-%d-%H%M%S}"
    path = options.json or bench.data / f"results-{date}.json"
    settings = {"date": date, "size": options.size, "runs": options.runs, "cogrep": bench.cogrep}
    raw = {**settings, "machine": report.machine((*PROGRAMS, options.rg)), "results": bench.results}
    for case in options.cases or CASES:
        CASES[case](bench)
        report.keep(path, raw)
    print(f"\nraw figures: {path}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
