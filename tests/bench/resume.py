"""cofollow --resume, ended again and again while its log is written and rotates: what is lost, what is repeated.

The contract: stopped by SIGTERM, not one line lost or repeated; killed, nothing lost, at most what came out in the
last 100 ms before the kill repeated, and at most one line torn, at the cut.
"""

import array
import bisect
import pathlib
import random
import signal
import subprocess
import tempfile
import time

import loss
import measure
import numbered
import scenarios

# Seconds that a follower lives and stays away, at most: with and without a save, with and without a rotation.
LIFE = 0.25
AWAY = 0.1
# Lines a millisecond, and seconds between rotations.
RATE = 20
ROTATION = (0.03, 0.3)
# Rotated logs that are kept: more than rotate while an overloaded machine lets no follower come to read.
KEPT = 500
# What may come again, in seconds, and what measuring it may be wrong by: the output is looked at every millisecond.
BOUND = 0.1
SLACK = 0.02
# How long a start and an end may take.
PATIENCE = 10
SIGNALS = {"SIGKILL": signal.SIGKILL, "SIGTERM": signal.SIGTERM}


class Life:
    """What one run of the follower put out, and when."""

    def __init__(self, start):
        self.start = self.end = start
        self.ended = None
        # When the output was seen to have which size.
        self.times, self.sizes = [], []
        # The lines that came out, numbered through, and where in the output.
        self.lines, self.offsets = array.array("q"), array.array("q")

    def look(self, out):
        size = out.stat().st_size
        if not self.sizes or size != self.sizes[-1]:
            self.times.append(time.monotonic())
            self.sizes.append(size)

    def age(self, line):
        """How long before the end of this life a line came out, in seconds; None if it did not."""
        index = bisect.bisect_left(self.lines, line)
        if index == len(self.lines) or self.lines[index] != line:
            return None
        seen = bisect.bisect_right(self.sizes, self.offsets[index])
        return self.ended - self.times[min(seen, len(self.times) - 1)]


def write(scene, fd, done, result):
    """Writes and rotates until told that it is enough."""
    chance = random.Random(1)
    stream = 0
    while not done.is_set():
        scene.write_for(chance.uniform(*ROTATION), stream, fd, RATE)
        scene.shift()
        scene.path(f"log.{KEPT + 1}").unlink(missing_ok=True)
        fd, stream = scene.next(fd), stream + 1
        scene.write(stream, fd, 1)
    result.send(scene.lines)


def resume(cofollow, ends, how, base):
    """The account of so many ends by the signal `how`, of one log and one state; None if it ended by itself."""
    chance = random.Random(2)
    with tempfile.TemporaryDirectory(dir=base) as directory:
        logs, out, state = (pathlib.Path(directory, name) for name in ("logs", "out", "state"))
        logs.mkdir()
        out.touch()
        command = [*cofollow, "-n", "+1", "--resume", str(state), str(logs / "log")]
        scene = scenarios.Scene(logs, out)
        fd = scenarios.begin(scene)
        # Before the first rotation there must be a state, or the start would be at the log of that moment.
        first, ran = live(command, out, lambda: state.exists() and out.stat().st_size > 0, signal.SIGTERM)
        if not ran or not state.exists():
            return None
        lives = [first]
        done = loss.FORK.Event()
        ours, theirs = loss.FORK.Pipe(duplex=False)
        writer = loss.FORK.Process(target=write, args=(scene, fd, done, theirs))
        writer.start()
        try:
            while ran and len(lives) <= ends:
                end = time.monotonic() + chance.uniform(0, LIFE)
                life, ran = live(command, out, lambda end=end: time.monotonic() >= end, how)
                lives.append(life)
                time.sleep(chance.choice((0, chance.uniform(0, AWAY))))
        finally:
            done.set()
            written = ours.recv()
            writer.join()
        if not ran:
            return None
        last = Life(out.stat().st_size)
        with out.open("ab") as stdout, measure.chain([command], stdout=stdout):
            loss.settle(out, -1)
        last.end = out.stat().st_size
        return judge(out.read_bytes(), [*lives, last], written)


def live(command, out, enough, how):
    """One life of the follower: what it put out, and whether it ran until it was ended, and ended then."""
    life = Life(out.stat().st_size)
    give_up = time.monotonic() + PATIENCE
    with out.open("ab") as stdout, measure.chain([command], stdout=stdout) as (process,):
        while not enough() and process.poll() is None and time.monotonic() < give_up:
            life.look(out)
            time.sleep(0.001)
        ran = process.poll() is None
        life.look(out)
        life.ended = time.monotonic()
        if ran:
            process.send_signal(how)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            ran = False
    life.look(out)
    life.end = out.stat().st_size
    return life, ran


def judge(output, lives, written):
    """Goes through the lives in order: what is lost, what came again and how long after it had come, what is torn."""
    first, total = {}, 0
    for stream in sorted(written):
        first[stream], total = total, total + written[stream]
    seen = bytearray(total)
    torn = cuts = backwards = repeated = 0
    ages = []
    for number, life in enumerate(lives):
        *texts, cut = output[life.start : life.end].split(b"\n")
        cuts += bool(cut)
        offset = life.start
        for text in texts:
            known = numbered.numbers(text)
            if known is None or known[1] >= written.get(known[0], 0):
                torn += 1
            else:
                line = first[known[0]] + known[1]
                repeated += seen[line]
                if seen[line] and not life.lines:
                    before = (earlier.age(line) for earlier in reversed(lives[:number]))
                    ages.append(next(age for age in before if age is not None))
                if life.lines and line <= life.lines[-1]:
                    backwards += 1
                else:
                    life.lines.append(line)
                    life.offsets.append(offset)
                seen[line] = 1
            offset += len(text) + 1
    return {
        "ends": len(lives) - 2,
        "written": total,
        "lost": total - sum(seen),
        "repeated": repeated,
        "repeated, older than 100 ms": sum(age > BOUND + SLACK for age in ages),
        "oldest repeated, ms": round(max(ages, default=0) * 1e3),
        "cut at the end": cuts,
        "torn": torn,
        "out of order": backwards,
    }
