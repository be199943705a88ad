"""What following takes: latency, idle wake-ups, speed, memory, and the time to notice that nobody reads."""

import contextlib
import os
import pathlib
import re
import resource
import select
import subprocess
import tempfile
import time

import loss
import measure

MANY = 10_000
# How long a follower of many files may take until it follows them all.
START = 10
# The output has had nothing new for so long: that was all of it. Longer than cofollow holds an unfinished line.
QUIET = 3
END = b"the last line\n"


@contextlib.contextmanager
def logs(count, base):
    """A directory with so many logs of one line, followed last of all the one that is written to."""
    with tempfile.TemporaryDirectory(dir=base) as directory:
        paths = [pathlib.Path(directory, f"{number:05}") for number in range(count)]
        for path in paths:
            path.write_bytes(measure.line(0))
        yield [str(path) for path in paths]


def raise_limit():
    """As many open files as may be had, for the followers that open all they follow."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def latency(follower, count, lines, base):
    """Seconds from append to output of each line, while so many files are followed."""
    with logs(count, base) as paths:
        return measure.follow_latencies([[*follower, *paths]], paths[-1], lines, START)


def gone(follower, count, base):
    """Seconds until the follower has exited whose reader left, nothing being written; None if it stays."""
    with logs(count, base) as paths:
        return measure.exit_when_left([*follower, *paths], settling(count))


def settling(count):
    """Seconds after which a follower of so many files is surely at rest."""
    return 1 + count / 1000


def idle(follower, count, seconds, base):
    """What a quiet follower does in so many seconds: wake-ups, milliseconds of CPU, and, traced, system calls."""
    with logs(count, base) as paths, tempfile.TemporaryDirectory(dir=base) as traces:
        command = [*follower, *paths]
        with measure.chain([command]) as (process,):
            time.sleep(settling(count))
            before = switches(process.pid), cpu(process.pid)
            time.sleep(seconds)
            wakes, used = switches(process.pid) - before[0], cpu(process.pid) - before[1]
        calls = None
        with contextlib.suppress(FileNotFoundError):
            last = os.fsencode(paths[-1]) if count > 1 else measure.line(0)
            calls = measure.idle_calls([command], f"{traces}/trace", seconds, settling(count), last)
    return wakes, used / 1e6, calls


def switches(pid):
    """How often the threads of a process have gone to sleep and woken."""
    statuses = "".join(path.read_text() for path in pathlib.Path(f"/proc/{pid}/task").glob("*/status"))
    return sum(map(int, re.findall(r"^voluntary_ctxt_switches:\s+(\d+)", statuses, re.MULTILINE)))


def cpu(pid):
    """Nanoseconds that the threads of a process have run."""
    return sum(int(path.read_text().split()[0]) for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"))


def peak(pid):
    """The most memory that a process has held, in bytes; 0 once it has ended."""
    with contextlib.suppress(OSError, ProcessLookupError):
        found = re.search(r"^VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        return int(found[1]) << 10 if found else 0
    return 0


def peak_of_many(follower, count, base):
    with logs(count, base) as paths, measure.chain([[*follower, *paths]]) as (process,):
        time.sleep(settling(count))
        return peak(process.pid) if process.poll() is None else None


def live(follower, size, base):
    """A writer at full speed is followed: seconds until its last line is out, and the follower's peak memory."""
    with logs(1, base) as (log,), measure.chain([[*follower, log]], stdout=subprocess.PIPE) as (process,):
        if not measure.Arrivals(process.stdout).wait(0, START):
            return None, None
        writer = loss.FORK.Process(target=flood, args=(log, size))
        started = time.perf_counter()
        writer.start()
        ended, memory = drain(process, lambda tail: tail.endswith(END))
        writer.join()
        return ended - started, memory


def flood(log, size):
    piece = b"".join(measure.line(number) for number in range(800))
    with open(log, "ab", buffering=0) as file:
        for _ in range(size // len(piece)):
            file.write(piece)
        file.write(END)


def one_line(follower, size, base, follow):
    """The peak memory of printing, or following, a line of so many bytes that does not end."""
    with logs(1, base) as (log,):
        if not follow:
            grow(log, size)
        with measure.chain([[*follower, log]], stdout=subprocess.PIPE) as (process,):
            if follow:
                if not measure.Arrivals(process.stdout).wait(0, START):
                    return None
                grow(log, size)
            return drain(process, lambda _: False)[1]


def grow(log, size):
    with open(log, "ab", buffering=0) as file:
        for _ in range(size // measure.PIECE):
            file.write(b"x" * measure.PIECE)


def drain(process, ended):
    """Reads a follower's output until its end, or `ended` says so of what came last, or nothing comes any more.

    When something last came, and the follower's peak memory.
    """
    out, tail, memory, pieces = process.stdout.fileno(), b"", 0, 0
    last = time.perf_counter()
    while select.select([out], [], [], QUIET)[0]:
        piece = os.read(out, measure.PIECE)
        pieces += 1
        # Asking takes time, and the reader must not be the slower one.
        if pieces % 64 == 0:
            memory = max(memory, peak(process.pid))
        if not piece:
            break
        last = time.perf_counter()
        tail = (tail + piece)[-len(END) :]
        if ended(tail):
            break
    return last, max(memory, peak(process.pid))
