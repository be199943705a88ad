#!/usr/bin/env python3
"""cobroadcast beside the tees that are installed, and its branches beside pee's.

usage: broadcast.py [--cobroadcast COMMAND] [--cogrep COMMAND] [--tee NAME=COMMAND]... [--size 1GiB] [--runs 7]
                    [--dir /dev/shm] [--json FILE] [CASE]...

GNU's tee and mbuffer are there if they are installed; another tee is named: --tee uutils=/path/to/tee. Of each
case a peer runs twice in each turn: what it differs from itself is the noise.

cases:
  pipe/N     from a pipe to N pipes; its writer writes the same 128 KiB again and again, its readers splice(2) what
             comes into /dev/null
  read/N     the same to readers of 64 KiB
  file/N     from a file in --dir to N pipes that are spliced from
  files/N    from a pipe to N files in --dir
  copies/N   from a file in --dir to N files there
  branches   three greps of an access log as commands: cobroadcast with cogrep, and with grep, pee with grep; and how many of the lines
             that come out are none that went in
  latency    of one line through it, to standard output and a file in --dir
  memory     the most that it holds while pipe/3 runs, its reader stopping for a moment
  stalled    the most that it holds, and the processor time, when of 1, 8 and 64 pipes nobody reads and up to 20 MiB
             may wait for each: 60 MiB in writes of 4 KB, or as many as it takes
Without a case it is all of them, with N of 1, 2, 3, 8 and 16. The larger N, the less is copied.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import shlex
import subprocess
import sys
import time

import access_log
import measure
import report

TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"))
COUNTS = (1, 2, 3, 8, 16)
FANS = ("pipe", "read", "file", "files", "copies")
CASES = (*(f"{fan}/{count}" for fan in FANS for count in COUNTS), "branches", "latency", "memory", "stalled")
WRITTEN = 128 << 10
READ = 64 << 10
SPLICED = 1 << 20
STALLED = (1, 8, 64)
POLICIES = ("block", "drop-oldest", "drop-newest", "spill")
WORDS = ("python", "ply", "swig")


@dataclasses.dataclass
class Run:
    """What one run took."""

    seconds: float
    cpu: float
    memory: int | None


def fork(work, keep):
    """Does `work` in a process of its own, which has none but these pipes' ends."""
    if pid := os.fork():
        return pid
    try:
        highest = max(map(int, os.listdir("/proc/self/fd")))
        for fd in range(3, highest + 1):
            if fd not in keep:
                with contextlib.suppress(OSError):
                    os.close(fd)
        work()
    finally:
        os._exit(0)


def write(fd, size):
    piece = bytes(range(256)) * (WRITTEN // 256)
    with contextlib.suppress(BrokenPipeError):
        while size > 0:
            size -= os.write(fd, piece[:size])


def splice(fd):
    null = os.open(os.devnull, os.O_WRONLY)
    while os.splice(fd, null, SPLICED):
        pass


def read(fd):
    piece = [bytearray(READ)]
    while os.readv(fd, piece):
        pass


def most_held(pid):
    """The most memory that it has held so far, in bytes; what wait4 tells is also that of before the exec."""
    fields = pathlib.Path(f"/proc/{pid}/status").read_text().split()
    return int(fields[fields.index("VmHWM:") + 1]) << 10


def timed(command, stdin, stdout, fds, others, look_after=None):
    """Runs the command until it and the other processes have ended, the descriptors passed on."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdin=stdin, stdout=stdout, pass_fds=fds, env=measure.ENVIRONMENT)
    for fd in {stdin, stdout, *fds}:
        os.close(fd)
    memory = None
    if look_after:
        time.sleep(look_after)
        memory = most_held(process.pid)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    for pid in others:
        os.waitpid(pid, 0)
    took = time.perf_counter() - started
    if process.returncode:
        return None
    return Run(took, usage.ru_utime + usage.ru_stime, memory)


def source(kind, size, file):
    """Where it reads from, and the process that writes to that."""
    if kind in ("file", "copies"):
        return os.open(file, os.O_RDONLY), []
    reader, writer = os.pipe()
    pid = fork(lambda: write(writer, size), {writer})
    os.close(writer)
    return reader, [pid]


def fan_out(command, kind, count, size, file):
    stdin, others = source(kind, size, file)
    if kind in ("files", "copies"):
        copies = [file.with_suffix(f".copy{number}") for number in range(count)]
        for copy in copies:
            copy.unlink(missing_ok=True)
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            return timed([*command(copies)], stdin, null, [], others)
        finally:
            for copy in copies:
                copy.unlink(missing_ok=True)
    take = read if kind == "read" else splice
    pipes = [os.pipe() for _ in range(count)]
    for reader, _ in pipes:
        others.append(fork(lambda reader=reader: take(reader), {reader}))
    for reader, _ in pipes:
        os.close(reader)
    first, *rest = [writer for _, writer in pipes]
    return timed([*command([f"/dev/fd/{fd}" for fd in rest])], stdin, first, rest, others)


def contenders(options, kind):
    """The programs of a case, as functions from the names of the targets but standard output."""
    tees = {"cobroadcast": options.cobroadcast, "GNU tee": "tee"}
    tees |= dict(text.partition("=")[::2] for text in options.tee)
    found = {
        name: lambda targets, words=tuple(shlex.split(text)): (*words, *map(str, targets))
        for name, text in tees.items()
        if report.there(shlex.split(text))
    }
    if kind in ("files", "copies") and report.there(["mbuffer"]):
        found["mbuffer"] = lambda targets: ("mbuffer", "-q", *(word for name in targets for word in ("-o", str(name))))
    again = [name for name in found if name != "cobroadcast"]
    # The last that was named: the one that matters most.
    preferred = next((name for name in reversed(again) if name != "mbuffer"), None)
    if preferred:
        found[preferred + report.AGAIN] = found[preferred]
    return found


def fan(case, options, results):
    kind, _, count = case.partition("/")
    count = int(count)
    size = options.size // max(1, count // 2)
    file = options.dir / "broadcast.input"
    if kind in ("file", "copies") and (not file.exists() or file.stat().st_size != size):
        with file.open("wb") as out:
            write(out.fileno(), size)
    runs = report.compare(
        case,
        contenders(options, kind),
        lambda command: fan_out(command, kind, count, size, file),
        options.runs,
    )
    seconds = {name: [run and run.seconds for run in of] for name, of in runs.items()}
    report.table(case, seconds, "ms", 1000, size)
    gib = size / (1 << 30)
    cpu = {name: [run and run.cpu / gib for run in of] for name, of in runs.items()}
    report.table(f"{case}: the program's own CPU time per GiB", cpu, "ms", 1000)
    results[case] = {"seconds": seconds, "cpu per GiB": cpu}


def branches(options, results):
    log = options.dir / "broadcast.log"
    if not log.exists():
        with log.open("wb") as out:
            out.writelines(access_log.log("256MiB"))
    greps = {
        "cobroadcast -c cogrep": [*shlex.split(options.cobroadcast), *commands(options.cogrep, "-c")],
        "cobroadcast -c grep": [*shlex.split(options.cobroadcast), *commands("grep", "-c")],
        "pee grep": ["pee", *commands("grep")],
    }
    greps["pee grep" + report.AGAIN] = greps["pee grep"]
    out = options.dir / "broadcast.output"
    known = set(log.read_bytes().split(b"\n"))
    torn = {}

    def once(command):
        with log.open("rb") as stdin, out.open("wb") as stdout:
            started = time.perf_counter()
            # pee's is that of the greps.
            subprocess.run(command, stdin=stdin, stdout=stdout, check=False)
            took = time.perf_counter() - started
        lines = out.read_bytes().split(b"\n")
        torn.setdefault(command[0], []).append(sum(line not in known for line in lines))
        return took

    figures = report.compare("branches", greps, once, options.runs)
    report.table("branches", figures, "ms", 1000, log.stat().st_size)
    for name, counts in torn.items():
        print(f"\n{pathlib.Path(name).name}: {min(counts)} to {max(counts)} lines torn")
    results["branches"] = {"seconds": figures, "torn": torn}


def commands(grep, option=None):
    words = [f"{grep} {word}" for word in WORDS]
    return [part for word in words for part in ((option, word) if option else (word,))]


def latency(options, results):
    file = options.dir / "broadcast.copy"
    figures = report.compare(
        "latency",
        contenders(options, "latency"),
        lambda command: measure.latencies([[*command([file])]]),
        options.runs,
    )
    report.latency_table("latency", figures)
    results["latency"] = {name: [measure.median(run) if run else None for run in of] for name, of in figures.items()}


def memory(options, results):
    def once(command):
        stdin, others = source("pipe", options.size, None)
        pipes = [os.pipe() for _ in range(3)]

        def slow(fd):
            time.sleep(0.5)
            read(fd)

        for reader, _ in pipes:
            others.append(fork(lambda reader=reader: slow(reader), {reader}))
        for reader, _ in pipes:
            os.close(reader)
        first, *rest = [writer for _, writer in pipes]
        run = timed([*command([f"/dev/fd/{fd}" for fd in rest])], stdin, first, rest, others, 0.4)
        return run and run.memory

    figures = report.compare("memory", contenders(options, "memory"), once, 3)
    report.table("memory", figures, "MiB", 1 / (1 << 20))
    results["memory"] = figures


def feed(fd, size):
    """Writes so much, or what is taken before nothing is for a second."""
    piece = (b"x" * 99 + b"\n") * 40
    os.set_blocking(fd, False)
    sent, last = 0, time.monotonic()
    while sent < size and time.monotonic() - last < 1:
        try:
            # A line that was written in part is finished first.
            sent += os.write(fd, piece[sent % 100 :])
            last = time.monotonic()
        except BlockingIOError:
            time.sleep(0.001)


def hold(command, count, when_full):
    pipes = [os.pipe() for _ in range(count)]
    writers = [writer for _, writer in pipes]
    reader, writer = os.pipe()
    names = [f"/dev/fd/{fd}" for fd in writers]
    words = [*shlex.split(command), "--queue=20M", f"--when-full={when_full}", *names]
    process = subprocess.Popen(
        words, stdin=reader, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=writers
    )
    try:
        feed(writer, 60 << 20)
        held = most_held(process.pid)
    finally:
        process.kill()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        for fd in (reader, writer, *(fd for pipe in pipes for fd in pipe)):
            os.close(fd)
    return held, usage.ru_utime + usage.ru_stime


def stalled(options, results):
    print("\n### stalled\n\n| --when-full | targets | MiB | CPU s |\n| --- | ---: | ---: | ---: |")
    figures = {}
    for when_full in POLICIES:
        for count in STALLED:
            held, cpu = hold(options.cobroadcast, count, when_full)
            print(f"| {when_full} | {count} | {held / (1 << 20):.1f} | {cpu:.2f} |")
            figures[f"{when_full}/{count}"] = {"memory": held, "cpu": cpu}
    results["stalled"] = figures


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS
    )
    parser.add_argument("--cobroadcast", default=str(TARGET / "release" / "cobroadcast"))
    parser.add_argument("--cogrep", default=str(TARGET / "release" / "cogrep"))
    parser.add_argument("--tee", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--size", type=access_log.size_of, default="1GiB")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--dir", type=pathlib.Path, default="/dev/shm")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    options = parser.parse_args()
    results = {}
    for case in options.cases or CASES:
        if "/" in case:
            fan(case, options, results)
        else:
            {"branches": branches, "latency": latency, "memory": memory, "stalled": stalled}[case](options, results)
    if options.json:
        described = report.machine(["tee", "pee", "grep"]) | {"cases": results}
        options.json.write_text(json.dumps(described, indent=1, default=str))


if __name__ == "__main__":
    sys.exit(main())
