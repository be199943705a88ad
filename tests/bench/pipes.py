#!/usr/bin/env python3
"""How large cogrep's input pipe and its reads had best be: whole chains with different writers.

usage: pipes.py [--cogrep COMMAND] [--size 128MiB] [--runs 7] [--data DIR] [--json FILE] [WRITER...]

Every chain is `W | cogrep python | cat > /dev/null`, `three` one of three cogreps. cogrep is the same program each
time: pipe_size.c, which cc compiles, changes what it asks the system for. All combinations of one writer run in turn.

writers:
  cat      cat LOG
  seq      seq NUMBER: lines of 7 bytes
  python   a loop over the lines of LOG that writes each to its standard output
  lines    grep --line-buffered: one write a line
  cogrep   cogrep GET LOG
  three    cogrep GET LOG | cogrep HTTP, and both pipes are changed
  tail     tail -c +1 -f LOG, which the last line ends (cogrep -m1)
"""

import argparse
import datetime
import os
import pathlib
import shlex
import subprocess
import sys
import time

import access_log
import measure
import report
import texts

HERE = pathlib.Path(__file__).resolve().parent
# What a full pipe is made to hold, and how much is read at once, in KiB; 0: the pipe is left as it is, at 64.
SIZES = ((0, 64), (256, 64), (256, 256), (1024, 64), (1024, 256))
COPY = "import sys\nfor line in open(sys.argv[1]): sys.stdout.write(line)"
LAST = "the-last-line"
WRITERS = ("cat", "seq", "python", "lines", "cogrep", "three", "tail")


def chains(cogrep, log, last, size):
    """The writer and the filter behind it, by name."""
    find = [[*cogrep, "python"]]
    return {
        "cat": [["cat", log], *find],
        "seq": [["seq", "1000000", str(1_000_000 + size // 8)], [*cogrep, "77"]],
        "python": [["python3", "-c", COPY, log], *find],
        "lines": [["grep", "--line-buffered", "HTTP", log], *find],
        "cogrep": [[*cogrep, "GET", log], *find],
        "three": [[*cogrep, "GET", log], [*cogrep, "HTTP"], *find],
        "tail": [["tail", "-c", "+1", "-f", last], [*cogrep, "-m1", LAST]],
    }


def seconds(commands, environment):
    """Until all but the writer have ended: `tail -f` does not end by itself."""
    started = time.perf_counter()
    with measure.chain([*commands, ["cat"]], environment=environment) as running:
        for process in running[1:]:
            process.wait()
        return time.perf_counter() - started


def main(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS
    )
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"))
    parser.add_argument("--cogrep", default=str((target / "release" / "cogrep").resolve()), help="this command")
    parser.add_argument("--size", default="128MiB", help="of the log")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--data", type=pathlib.Path, default=target / "bench-data", help="where the log is kept")
    parser.add_argument("--json", type=pathlib.Path, help="where the raw figures go")
    parser.add_argument("writers", nargs="*", metavar="WRITER", help=" ".join(WRITERS))
    options = parser.parse_args(arguments)
    if unknown := set(options.writers) - set(WRITERS):
        parser.error(f"no such writer: {' '.join(unknown)}")
    data = options.data.resolve()
    data.mkdir(parents=True, exist_ok=True)
    library = data / "pipe_size.so"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, HERE / "pipe_size.c", "-ldl"], check=True)
    size = access_log.size_of(options.size)
    log = texts.text("log", size, data)
    last = data / f"log-{size}-with-an-end"
    if not last.exists():
        last.write_bytes(log.read_bytes() + f"{LAST}\n".encode())
    known = chains(shlex.split(options.cogrep), str(log), str(last), size)
    results, lines = {}, []
    date = f"{datetime.datetime.now():%Y-%m-%d-%H%M%S}"
    path = options.json or data / f"pipes-{date}.json"
    raw = {"date": date, "size": options.size, "runs": options.runs, "results": results}
    raw["machine"] = report.machine(["grep", "tail"])
    for writer in options.writers or WRITERS:
        contenders = {
            f"{pipe or 64} / {read}": {
                **measure.ENVIRONMENT,
                "LD_PRELOAD": str(library),
                "PIPE_SIZE": str(pipe << 10),
                "READ_SIZE": str(read << 10),
            }
            for pipe, read in SIZES
        }
        first = next(iter(contenders))
        contenders[first + report.AGAIN] = contenders[first]
        figures = report.compare(writer, contenders, lambda it, writer=writer: seconds(known[writer], it), options.runs)
        results[writer] = figures
        report.keep(path, raw)
        medians = {name: measure.median(runs) * 1e3 for name, runs in figures.items()}
        noise = medians.pop(first + report.AGAIN) / medians[first]
        lines.append([writer, *(f"{median:.0f}" for median in medians.values()), f"{noise:.2f}"])
    print("\n### what a full pipe is made to hold / what is read at once, KiB; ms")
    report.rows(["writer", *(f"{pipe or 64} / {read}" for pipe, read in SIZES), "noise"], lines)
    print(f"\nraw figures: {path}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
