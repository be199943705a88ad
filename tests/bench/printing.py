#!/usr/bin/env python3
"""cofollow's printing without following beside the tails that are installed.

usage: printing.py [--cofollow COMMAND] [--tail NAME=COMMAND]... [--runs 15] [--log FILE] [CASE...]

The programs of one case run in turn, run after run; medians are compared, and the fastest and slowest run of each
say how much the machine was busy with other things. GNU's tail is there if it is installed; others are named:
--tail busybox='busybox tail' (which takes more than a minute for the case `last`). Without --log it is an access
log of 1 GiB in /dev/shm.

cases, each into a pipe from which this program takes 64 KiB at a time, and again with splice(2) into /dev/null:
  all        -n +1
  bytes      -c +1
  last       -n 1000000
  from       -n +3000000
into other outputs:
  file       -n +1 into a new file beside the log
  socket     -n +1 into a Unix socket from which 64 KiB are taken at a time
"""

import argparse
import os
import pathlib
import shlex
import shutil
import socket
import statistics
import subprocess
import sys
import time

import access_log

TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"))
STARTS = {"all": ["-n", "+1"], "bytes": ["-c", "+1"], "last": ["-n", "1000000"], "from": ["-n", "+3000000"]}
PIECE = 64 << 10
SPLICED = 1 << 20


def take(fd):
    piece = [bytearray(PIECE)]
    while os.readv(fd, piece):
        pass


def splice(fd):
    with open(os.devnull, "wb") as null:
        while os.splice(fd, null.fileno(), SPLICED):
            pass


def run(command, out, consume=None):
    """Seconds from the start of `command`, whose output is `out`, until it has ended and `consume` is done."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL)
    os.close(out)
    if consume:
        consume()
    if process.wait() != 0:
        raise RuntimeError(f"{shlex.join(command)}: status {process.returncode}")
    return time.perf_counter() - started


def into_pipe(command, how):
    reader, writer = os.pipe()
    try:
        return run(command, writer, lambda: how(reader))
    finally:
        os.close(reader)


def into_socket(command):
    ours, theirs = socket.socketpair()
    with ours:
        return run(command, theirs.detach(), lambda: take(ours.fileno()))


def into_file(command, path):
    try:
        return run(command, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
    finally:
        path.unlink()


def measurements(case, log):
    """What a case measures, each as a label, the arguments, and how a command is timed."""
    if case == "file":
        beside = log.with_suffix(".copy")
        yield case, STARTS["all"], lambda command: into_file(command, beside)
    elif case == "socket":
        yield case, STARTS["all"], into_socket
    else:
        yield f"{case}, read", STARTS[case], lambda command: into_pipe(command, take)
        yield f"{case}, spliced", STARTS[case], lambda command: into_pipe(command, splice)


def tails(named):
    found = {"GNU": ["tail"]} if shutil.which("tail") else {}
    for text in named:
        name, _, command = text.partition("=")
        found[name] = shlex.split(command)
    return found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS
    )
    parser.add_argument("--cofollow", default=str(TARGET / "release" / "cofollow"))
    parser.add_argument("--tail", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--log", type=pathlib.Path)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    options = parser.parse_args()
    log = options.log or pathlib.Path("/dev/shm/printing.log")
    if not log.exists():
        with open(log, "wb") as file:
            file.writelines(access_log.log("1GiB"))
    commands = {"cofollow": [*shlex.split(options.cofollow), "--no-follow"], **tails(options.tail)}
    for case in options.cases or [*STARTS, "file", "socket"]:
        for label, arguments, timed in measurements(case, log):
            times = {name: [] for name in commands}
            for _ in range(options.runs):
                for name, command in commands.items():
                    times[name].append(timed([*command, *arguments, str(log)]) * 1000)
            ours = statistics.median(times["cofollow"])
            for name, taken in times.items():
                median = statistics.median(taken)
                spread = f"{min(taken):.0f} to {max(taken):.0f}"
                print(f"{label:14} {name:10} {median:7.0f} ms  {median / ours:5.2f}  {spread}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
