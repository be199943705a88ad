#!/usr/bin/env python3
"""codelay beside the barest timer loop, delay(1), head, cat, pv and SimPy.

usage: delay.py [--bin DIR] [--runs N] [--json FILE] [CASE]...

cargo build --release before it; cc compiles the loop. Peers that are not installed are left out.
"""

import argparse
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

import measure
import report

TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"))
HERE = pathlib.Path(__file__).parent
# Lines a second, written so many together, for so many seconds.
PACES = ((10, 1, 4), (1000, 1, 3), (50_000, 50, 2))
DELAY = 0.05
LINE = b"%020d a line of which the rest is there to make it as long as those of a log are, more or less\n"


def now():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def feed(fd, rate, together, seconds):
    """In a process of its own: writes lines that begin with when they were written."""
    start, written = now(), 0
    while written < rate * seconds:
        wait = start + written * 1_000_000_000 // rate - now()
        if wait > 0:
            time.sleep(wait / 1e9)
        at = now()
        os.write(fd, b"".join(LINE % at for _ in range(together)))
        written += together


def lateness(command, rate, together, seconds, delay=DELAY):
    """Nanoseconds that each line came later than it should, the CPU seconds used, and how many lines are missing."""
    with measure.chain([command], subprocess.PIPE, subprocess.PIPE) as (process,):
        time.sleep(0.1)
        if (feeder := os.fork()) == 0:
            feed(process.stdin.fileno(), rate, together, seconds)
            os._exit(0)
        process.stdin.close()
        late, partial, last = [], b"", 0
        while got := os.read(process.stdout.fileno(), measure.PIECE):
            at = now()
            *lines, partial = (partial + got).split(b"\n")
            for line in lines:
                sent = int(line[:20])
                if sent < last:
                    raise SystemExit(f"{command}: out of order")
                last = sent
                late.append(at - sent - int(delay * 1e9))
        os.waitpid(feeder, 0)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return late, used.ru_utime + used.ru_stime, rate * seconds - len(late)


def accuracy(bench):
    loop = bench.loop()
    millis = str(int(DELAY * 1000))
    contenders = {"codelay": [bench.codelay, f"{millis}ms"], "timer loop": [loop, millis]}
    if report.there(["delay"]):
        contenders["delay(1)"] = ["delay", millis]
    rows, base = [], {}
    for rate, together, seconds in PACES:
        runs = {name: [] for name in contenders}
        for _ in range(bench.runs):
            for name, command in contenders.items():
                runs[name].append(lateness(command, rate, together, seconds))
        for name, results in runs.items():
            late = [value for result in results for value in result[0]]
            if not late:
                continue
            p50, p99 = (measure.percentile(late, share) / 1000 for share in (0.5, 0.99))
            cpu = sum(result[1] for result in results) / (seconds * len(results)) * 100
            missing = sum(result[2] for result in results)
            if name == "timer loop":
                base[rate] = p50, p99
            rows.append([f"{rate}/s", name, f"{min(late) / 1000:.0f}", p50, p99, f"{cpu:.1f}", str(missing)])
            bench.keep("accuracy", f"{rate} {name}", [p50, p99, min(late) / 1000, cpu, missing])
    for row in rows:
        loop = base[int(row[0].removesuffix("/s"))]
        row[3:5] = [f"{value:.0f} ({value / other:.2f})" for value, other in zip(row[3:5], loop, strict=True)]
    print("\n### accuracy\n\nMicroseconds later than 50 ms, and how many times the loop's; negative is early.")
    report.rows(["lines", "program", "earliest", "p50", "p99", "CPU %", "lost"], rows, texts=2)


def lone(bench):
    rows = []
    for name, command in {"codelay": [bench.codelay, "700ms"], "timer loop": [bench.loop(), "700"]}.items():
        late, _, missing = lateness(command, 4, 1, 4, 0.7)
        rows.append([name, *(f"{of(late) / 1000:.0f}" for of in (min, measure.median, max)), str(missing)])
        bench.keep("lone", name, late)
    print("\n### lone\n\nA line each 250 ms, delayed by 700 ms: microseconds late.")
    report.rows(["program", "least", "median", "most", "lost"], rows)


def held_lines(bench):
    """Throughput of a delay in lines: from a process, through it, to a process."""
    log = bench.log()
    size = log.stat().st_size
    for count in (4, 1000, 1_000_000):
        contenders = {
            "cat": ["cat"],
            "cat (again)": ["cat"],
            "codelay": [bench.codelay, str(count)],
            "head -n -N": ["head", "-n", str(-count)],
        }
        chains = {name: [["cat", str(log)], command, ["cat"]] for name, command in contenders.items()}
        figures = report.compare(f"{count} lines", chains, lambda it: measure.throughput(it, log), 2 * bench.runs + 1)
        report.table(f"{count} lines", figures, "ms", 1e3, size=size)
        bench.keep("lines", str(count), figures)


def memory(bench):
    """What a held line takes, beyond the program itself."""
    rows = []
    for writes, text in ((1, "1 line a write"), (1000, "1000 lines a write")):
        lines = 100_000 if writes == 1 else 1_000_000
        for arguments in (["100000000"], ["1h"], ["1h", "--dist", "exponential"]):
            with measure.chain([[bench.codelay, *arguments]], subprocess.PIPE) as (process,):
                time.sleep(0.1)
                before = resident(process.pid)
                line = LINE % 0
                for _ in range(lines // writes):
                    os.write(process.stdin.fileno(), line * writes)
                    if writes == 1:
                        time.sleep(0)
                time.sleep(0.3)
                each = (resident(process.pid) - before) / lines
            rows.append([" ".join(arguments), text, f"{len(line)}", f"{each:.1f}", f"{each / len(line):.2f}"])
    print("\n### memory")
    report.rows(["delay", "written", "bytes a line", "held a line", "ratio"], rows, texts=2)


def resident(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(row.split()[1]) << 10 for row in file if row.startswith("Private_Dirty"))


def rate(bench):
    """Lines that come out in each 100 ms of a paced flood, also after silence."""
    rows = []
    for per_second in (1000, 100_000):
        for silence in (0, 2):
            counts, seconds, total = paced([bench.codelay, "--rate", f"{per_second}/s"], silence, 3)
            share = per_second / 10
            rows.append([f"{per_second}/s", f"{silence} s", f"{total / seconds / per_second:.4f}", f"{max(counts) / share:.3f}"])
    print("\n### rate\n\nOf what was asked; the most in any 100 ms as its share.")
    report.rows(["rate", "after silence of", "in all", "most in 100 ms"], rows, texts=2)
    bench.keep("rate", "codelay", rows)


def paced(command, silence, seconds):
    with measure.chain([command], subprocess.PIPE, subprocess.PIPE) as (process,):
        write = process.stdin
        write.write(b"x\n")
        os.read(process.stdout.fileno(), 10)
        time.sleep(silence)
        if (feeder := os.fork()) == 0:
            try:
                while True:
                    os.write(write.fileno(), b"x\n" * 1000)
            except OSError:
                os._exit(0)
        arrivals, start = [], None
        while not start or arrivals[-1][0] - start < seconds * 1e9:
            got = os.read(process.stdout.fileno(), measure.PIECE)
            arrivals.append((now(), got.count(b"\n")))
            start = start or arrivals[0][0]
        os.kill(feeder, signal.SIGKILL)
        os.waitpid(feeder, 0)
    # Of any 100 ms that begin with an arrival.
    most, first, inside = [], 0, 0
    for at, count in arrivals:
        inside += count
        while at - arrivals[first][0] >= 1e8:
            inside -= arrivals[first][1]
            first += 1
        most.append(inside)
    total = sum(count for _, count in arrivals[1:])
    return most, (arrivals[-1][0] - start) / 1e9, total


def round_trip(bench):
    """A line in, the same line out, and the next."""
    contenders = {"cat": ["cat"], "cat (again)": ["cat"], "codelay": [bench.codelay], "codelay 0s": [bench.codelay, "0s"]}
    figures = report.compare("round trip", contenders, ping, 9)
    report.table("round trip", figures, "µs", 1e6)
    bench.keep("round trip", "all", figures)


def ping(command, lines=3000):
    with measure.chain([command], subprocess.PIPE, subprocess.PIPE) as (process,):
        write, read = process.stdin.fileno(), process.stdout.fileno()
        times = []
        for _ in range(lines):
            started = time.perf_counter()
            os.write(write, b"a line\n")
            os.read(read, 100)
            times.append(time.perf_counter() - started)
    return measure.median(times)


def end(bench):
    """Seconds from a signal until every line held is out and the program gone."""
    rows = []
    for arguments in (["1h"], ["1000000000"], ["1h", "--dist", "exponential"]):
        for name in ("SIGTERM", "SIGINT"):
            lines = 100_000
            with measure.chain([[bench.codelay, *arguments]], subprocess.PIPE, subprocess.PIPE) as (process,):
                process.stdin.write(LINE % 0 * lines + b"unfinished")
                time.sleep(0.3)
                started = time.perf_counter()
                process.send_signal(getattr(signal, name))
                out = []
                while got := os.read(process.stdout.fileno(), measure.PIECE):
                    out.append(got)
                took = time.perf_counter() - started
            whole = b"".join(out) == LINE % 0 * lines + b"unfinished"
            rows.append([" ".join(arguments), name, f"{took * 1000:.0f}", "all" if whole else "NOT ALL"])
    print(f"\n### end\n\n{lines} lines held, one more unfinished; the writer stays.")
    report.rows(["codelay", "signal", "ms", "lines out"], rows, texts=2)


def idle(bench):
    """System calls in five seconds in which nothing comes."""
    with tempfile.TemporaryDirectory() as traces:
        made = measure.idle_calls([[bench.codelay, "50ms"]], os.path.join(traces, "trace"), 5)
    print(f"\n### idle\n\n{made} system calls in 5 s.")


SIMPY = """
import sys, time
import simpy

def channel(env, out, delay, payload):
    yield env.timeout(delay)
    yield out.put(payload)

def producer(env, out, delay, count):
    for payload in range(count):
        env.process(channel(env, out, delay, payload))
        yield env.timeout(1)

def consumer(env, out, count):
    for _ in range(count):
        yield out.get()

count = int(sys.argv[1])
env = simpy.Environment()
out = simpy.Store(env)
env.process(producer(env, out, 4, count))
env.process(consumer(env, out, count))
started = time.perf_counter()
env.run()
print(time.perf_counter() - started)
"""


def virtual(bench):
    """The course's channel, delay 4, a million payloads: a second for each."""
    count = 1_000_000
    with tempfile.TemporaryDirectory() as directory:
        lines = pathlib.Path(directory, "lines")
        lines.write_text("".join(f"{number}\n" for number in range(count)))
        ways = {
            "codelay --trace 4": ["--trace", "4"],
            "codelay --virtual --interval 1s 4s": ["--virtual", "--interval", "1s", "4s"],
            "codelay --virtual --interval 1s --trace 4s": ["--virtual", "--interval", "1s", "--trace", "4s"],
            "codelay --virtual … --trace 4s --dist exponential": [
                "--virtual", "--interval", "1s", "--trace", "4s", "--dist", "exponential",
            ],
        }
        chains = {name: [[bench.codelay, *arguments]] for name, arguments in ways.items()}
        figures = report.compare("virtual", chains, lambda it: measure.throughput(it, lines), 2 * bench.runs + 1)
    medians = {name: measure.median(runs) for name, runs in figures.items()}
    command = [sys.executable, "-c", SIMPY, str(count)]
    simpy = [subprocess.run(command, capture_output=True, text=True, check=False) for _ in range(3)]
    rates = [count / float(run.stdout) for run in simpy if run.returncode == 0]
    base = measure.median(rates) if rates else None
    rows = [[name, f"{took * 1e3:.0f}", f"{count / took / 1e6:.1f}", f"{count / took / base:.0f}" if base else "?"] for name, took in medians.items()]
    if base:
        rows.append(["SimPy", f"{count / base * 1e3:.0f}", f"{base / 1e6:.3f}", "1"])
    print("\n### virtual\n\nA million payloads, each sent and received: two events.")
    report.rows(["program", "ms", "million payloads/s", "times SimPy"], rows)
    bench.keep("virtual", "all", [medians, rates])


CASES = {
    "accuracy": accuracy,
    "lone": lone,
    "lines": held_lines,
    "memory": memory,
    "rate": rate,
    "round-trip": round_trip,
    "end": end,
    "idle": idle,
    "virtual": virtual,
}


class Bench:
    """What the cases need."""

    def __init__(self, options, directory):
        self.codelay = str((options.bin / "codelay").resolve())
        self.runs = options.runs
        self.directory = pathlib.Path(directory)
        self.results = {}

    def loop(self):
        path = self.directory / "delay_loop"
        if not path.exists():
            subprocess.run(["cc", "-O2", "-o", path, HERE / "delay_loop.c"], check=True)
        return str(path)

    def log(self):
        """Lines of 80 to 120 bytes, 256 MiB, in the page cache."""
        path = self.directory / "log"
        if not path.exists():
            lengths = random.Random(1)
            piece = b"".join(b"x" * lengths.randrange(79, 120) + b"\n" for _ in range(10_000))
            with path.open("wb") as file:
                for _ in range((256 << 20) // len(piece)):
                    file.write(piece)
        return path

    def keep(self, case, name, figures):
        self.results.setdefault(case, {})[name] = figures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS)
    parser.add_argument("--bin", type=pathlib.Path, default=TARGET / "release", help="where codelay is")
    parser.add_argument("--runs", type=int, default=3, help="of each program; a short one is run twice as often")
    parser.add_argument("--json", type=pathlib.Path, help="where the raw figures go")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=" ".join(CASES))
    options = parser.parse_args()
    if unknown := set(options.cases) - set(CASES):
        parser.error(f"no such case: {' '.join(unknown)}")
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(options, directory)
        for name in options.cases or CASES:
            CASES[name](bench)
        if options.json:
            raw = {"machine": report.machine(["cat", "head", "delay"]), "results": bench.results}
            options.json.write_text(json.dumps(raw, indent=1))


if __name__ == "__main__":
    main()
