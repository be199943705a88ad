"""Processes, pipes and clocks for chains.py: how a chain of programs is run, fed, watched and ended."""

import contextlib
import hashlib
import os
import random
import re
import select
import signal
import statistics
import subprocess
import time

PIECE = 1 << 20
ENVIRONMENT = {**os.environ, "LC_ALL": "C"}
# What is written to a chain while its latency is measured, and how long a line is waited for.
TRICKLE = 300
PATIENCE = 0.02
# After so many lines of which none came out, a chain counts as one that gives nothing before the end.
SILENT = 25
# Longer than this is not measured but said.
GIVE_UP = 2.0


@contextlib.contextmanager
def chain(
    commands, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, environment=ENVIRONMENT
):
    """Runs the commands with pipes between them; whatever is still running at the end is killed."""
    running, before = [], stdin
    try:
        for command in commands:
            last = len(running) == len(commands) - 1
            process = subprocess.Popen(
                command,
                stdin=before,
                stdout=stdout if last else subprocess.PIPE,
                stderr=stderr,
                env=environment,
                bufsize=0,
                start_new_session=True,
            )
            if running:
                # The reader has it now, and must be the only one who does, or its end would go unnoticed.
                before.close()
            running.append(process)
            before = process.stdout
        yield running
    finally:
        end(running)


@contextlib.contextmanager
def patience(seconds):
    """Raises `TimeoutError` in what takes longer."""

    def give_up(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def end(running):
    for process in running:
        # Its group: a tracer's program outlives the tracer.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()
        process.wait()


def throughput(commands, log, limit=None):
    """Seconds that the chain takes from the file `log` to its end, output thrown away.

    None if one fails, or takes longer than the limit.
    """
    with open(log, "rb") as file:
        started = time.perf_counter()
        with chain(commands, stdin=file) as running:
            try:
                statuses = [process.wait(limit) for process in running]
            except subprocess.TimeoutExpired:
                return None
        took = time.perf_counter() - started
    return took if not any(statuses) else None


def output_of(commands, log):
    """The sha256 of what the chain makes of `log`."""
    digest = hashlib.sha256()
    with open(log, "rb") as file, chain(commands, stdin=file, stdout=subprocess.PIPE) as running:
        while piece := running[-1].stdout.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


class Arrivals:
    """Lines `... NUMBER` that come out of a chain, and when."""

    def __init__(self, pipe):
        self.fd = pipe.fileno()
        self.poll = select.poll()
        self.poll.register(self.fd, select.POLLIN)
        self.partial = b""
        self.at = {}

    def wait(self, number, seconds):
        """Waits until line `number` has come out, but not longer than this; has it?"""
        deadline = time.perf_counter() + seconds
        while number not in self.at and (left := deadline - time.perf_counter()) > 0:
            if self.poll.poll(left * 1000) and not self.read():
                break
        return number in self.at

    def read(self):
        got = os.read(self.fd, PIECE)
        now = time.perf_counter()
        *lines, self.partial = (self.partial + got).split(b"\n")
        for line in lines:
            # Headers of several files have no number.
            if (number := line.rpartition(b" ")[2]).isdigit():
                self.at.setdefault(int(number), now)
        return bool(got)


def line(number):
    return b'192.0.2.1 - - [10/Mar/2025:00:00:00 +0000] "GET /python/ HTTP/1.1" 200 %d\n' % number


def trickle(write, arrivals, first, lines=TRICKLE):
    """Writes lines one at a time, from number `first`; seconds from in to out for each, None if too late."""
    sent, seen = {}, 0
    pauses = random.Random(1)
    for number in range(first, first + lines):
        # Not in step with anyone's timer.
        time.sleep(pauses.uniform(0, 0.004))
        sent[number] = time.perf_counter()
        try:
            write(line(number))
        except BrokenPipeError:
            return None
        seen += arrivals.wait(number, PATIENCE)
        if not seen and number - first >= SILENT:
            return None
    arrivals.wait(first + lines - 1, GIVE_UP)
    return [arrivals.at.get(number, float("inf")) - when for number, when in sent.items()]


def latencies(commands):
    """Through a chain fed by a pipe: seconds for each line, or None if nothing comes before the end."""
    with chain(commands, subprocess.PIPE, subprocess.PIPE) as running:
        return trickle(running[0].stdin.write, Arrivals(running[-1].stdout), 0)


def follow_latencies(commands, log, lines=TRICKLE, start=GIVE_UP / 2):
    """Through a chain that follows `log` and needs so long to start: from the line's append to its coming out."""
    with open(log, "wb", buffering=0) as file:
        file.write(line(0))
        with chain(commands, stdout=subprocess.PIPE) as running:
            arrivals = Arrivals(running[-1].stdout)
            # The follower is at work once what was in the file has come out, and what is appended.
            if arrivals.wait(0, start):
                file.write(line(1))
                arrivals.wait(1, start)
            return trickle(file.write, arrivals, 2, lines)


def first_byte(source, commands):
    """Seconds until something comes out while `source` writes for ever; None if nothing does in time."""
    started = time.perf_counter()
    with chain([source, *commands], stdout=subprocess.PIPE) as running:
        ready, _, _ = select.select([running[-1].stdout], [], [], GIVE_UP)
        return time.perf_counter() - started if ready else None


def exit_after(commands, log, text):
    """Seconds from appending `text` to `log`, which the chain follows, until all of it has exited."""
    with open(log, "wb", buffering=0) as file, chain(commands) as running:
        time.sleep(0.3)
        if any(process.poll() is not None for process in running):
            return None
        started = time.perf_counter()
        file.write(text)
        return wait_all(running, started)


def exit_of(commands):
    """Seconds from the start of a chain until all of it has exited."""
    started = time.perf_counter()
    with chain(commands) as running:
        return wait_all(running, started)


def exit_at(commands, text, start=0.3):
    """Seconds from writing `text` to a chain until all of it has exited, while its writer stays and is quiet."""
    with chain(commands, subprocess.PIPE) as running:
        time.sleep(start)
        started = time.perf_counter()
        running[0].stdin.write(text)
        return wait_all(running, started)


def exit_when_left(command, start=0.3):
    """Seconds until a filter exits, once started, whose reader leaves while nothing comes; None if it stays."""
    with chain([command], subprocess.PIPE, subprocess.PIPE) as running:
        out, deadline = running[0].stdout, time.perf_counter() + start
        # What it begins with is taken, so that it is not the writing of that which fails.
        while (left := deadline - time.perf_counter()) > 0:
            if select.select([out], [], [], left)[0] and not os.read(out.fileno(), PIECE):
                return None
        started = time.perf_counter()
        running[0].stdout.close()
        return wait_all(running, started)


def wait_all(running, started):
    ended = {}
    while len(ended) < len(running) and time.perf_counter() < started + GIVE_UP:
        for process in running:
            if process.poll() is not None:
                ended.setdefault(process.pid, time.perf_counter())
        time.sleep(0.000_2)
    return max(ended.values()) - started if len(ended) == len(running) else None


def idle_calls(commands, trace, seconds, start=1, last=b""):
    """System calls that the chain makes, once started, in so many seconds in which nothing comes.

    It has started so many seconds after it has printed `last`: traced, it takes long to come so far.
    """
    traced = [
        ["strace", "-f", "-qq", "-ttt", "-o", f"{trace}.{number}", *command]
        for number, command in enumerate(commands)
    ]
    with chain(traced, stdout=subprocess.PIPE) as running:
        printed = b""
        while last not in printed and (piece := os.read(running[-1].stdout.fileno(), PIECE)):
            printed += piece
        time.sleep(start)
        since = time.time()
        time.sleep(seconds)
        until = time.time()
    return sum(calls_between(f"{trace}.{number}", since, until) for number in range(len(traced)))


def calls_between(trace, since, until):
    with open(trace, errors="replace") as file:
        begun = re.findall(r"^\d+ +(\d+\.\d+) (?!<\.\.\.|---|\+\+\+)", file.read(), re.MULTILINE)
    return sum(since <= float(at) < until for at in begun)


def percentile(values, share):
    """The smallest value that `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values):
    return statistics.median(values)
