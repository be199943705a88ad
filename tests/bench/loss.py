"""What a follower loses: it follows a scenario's logs, and its output is compared with what was written."""

import contextlib
import multiprocessing
import os
import pathlib
import re
import sys
import tempfile
import time

import measure
import numbered
import scenarios

# The first line must come out within this.
START = 10
# Nothing has come for so long: the follower is done. Twice the second that tails poll at, and some.
QUIET = 3
# All that was written has come, and for so long nothing more: nothing is repeated.
SETTLED = 0.2
# A gap is told by its size, or as what may be lost where nobody can tell.
TOLD = re.compile(rb"\d+ bytes|if more was written")
SLOW_READER = """
import os, time
while piece := os.read(0, 65536):
    os.write(1, piece)
    time.sleep(0.01)
"""
FORK = multiprocessing.get_context("fork")


def lose(follower, scenario, base):
    """The account of one run, and whether standard error told of a gap; None if nothing ever came out."""
    with tempfile.TemporaryDirectory(dir=base) as directory:
        logs, out, err = (pathlib.Path(directory, name) for name in ("logs", "out", "err"))
        logs.mkdir()
        scene = scenarios.Scene(logs, out)
        play = scenario.play(scene)
        commands = [[*follower, *(str(logs / name) for name in next(play))]]
        if scenario.slow_reader:
            commands.append([sys.executable, "-c", SLOW_READER])
        with out.open("wb") as stdout, err.open("wb") as stderr, measure.chain(
            commands, stdout=stdout, stderr=stderr
        ) as running:
            scene.follower = running[0].pid
            if not grown(out, 0, START):
                return None
            lines, size = played(play, scene)
            settle(out, size)
        with out.open("rb") as file:
            account = numbered.account(iter(lambda: file.read(measure.PIECE), b""), lines, scenario.ordered)
        return {**account, "told": bool(TOLD.search(err.read_bytes()))}


def played(play, scene):
    """Plays the rest of the scenario in a process of its own: lines of each stream, and bytes in all."""
    ours, theirs = FORK.Pipe(duplex=False)

    def write():
        for _ in play:
            pass
        theirs.send((scene.lines, scene.bytes))

    writer = FORK.Process(target=write)
    writer.start()
    theirs.close()
    try:
        return ours.recv()
    finally:
        writer.join()
        ours.close()


def grown(path, size, seconds):
    """Waits until the file is larger than this, but not longer than so many seconds; is it?"""
    deadline = time.monotonic() + seconds
    while path.stat().st_size <= size and time.monotonic() < deadline:
        time.sleep(0.005)
    return path.stat().st_size > size


def settle(path, expected):
    """Waits until the file has the expected size for good, or has not grown for long."""
    while True:
        size = path.stat().st_size
        if not grown(path, size, SETTLED if size == expected else QUIET):
            return


@contextlib.contextmanager
def load():
    """As many busy processes as there are processors."""

    def spin():
        while True:
            pass

    busy = [FORK.Process(target=spin) for _ in range(os.cpu_count())]
    try:
        for process in busy:
            process.start()
        yield
    finally:
        for process in busy:
            process.kill()
            process.join()
