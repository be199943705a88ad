"""What can happen to a log while it is followed: each scenario a generator that plays it with a hot writer.

What stands before its `yield` is done before the follower starts; it yields the names to be followed. What stands
behind it is played, in a process of its own, as soon as the first line has come out. It waits for the follower
only where `until_out` says so.
"""

import contextlib
import os
import pathlib
import signal
import time

import numbered

# Lines of a generation: a few milliseconds of writing.
HOT = 40_000
# A generation in a burst.
SMALL = 500
# Lines of a file that is rewritten: the same size in every stream.
REWRITTEN = 16 * numbered.LENGTHS
# The steady rate of what is written by the clock, 20 MB/s: hot, but counted in reasonable time.
RATE = 200
# Long enough for a follower that looks when something happens to have looked, with both cores loaded.
LOOKED = 0.15
# How long `until_out` waits.
PATIENCE = 3
TARGETS = [f"log-202611{day:02}01" for day in range(24, 31)]

SCENARIOS = {}


class Scene(numbered.Pen):
    """A directory with logs, a pen, and a grip on the follower."""

    def __init__(self, directory, output):
        super().__init__()
        self.directory = pathlib.Path(directory)
        self.output = output
        self.follower = None

    def path(self, name):
        return self.directory / name

    def create(self, name):
        """Opens it for appending; it must not be there."""
        return os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)

    def next(self, fd, name="log"):
        """Closes the old file and creates the next one."""
        os.close(fd)
        return self.create(name)

    def rename(self, old, new):
        os.rename(self.path(old), self.path(new))

    def shift(self, name="log"):
        """Renames log.1 to log.2 and so on, the oldest first, and the log to log.1."""
        self.make_room(name)
        self.rename(name, f"{name}.1")

    def make_room(self, name="log"):
        """Renames the rotated logs so that log.1 is free."""
        oldest = 1
        while self.path(f"{name}.{oldest}").exists():
            oldest += 1
        for number in range(oldest, 1, -1):
            self.rename(f"{name}.{number - 1}", f"{name}.{number}")

    def link(self, target, name):
        """Makes the name a symlink to the target, in one step."""
        os.symlink(target, self.path("link.new"))
        self.rename("link.new", name)

    def until_out(self, stream):
        """Waits until the last line written to the stream has come out."""
        last = numbered.line(stream, self.lines[stream] - 1)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and last not in self.output.read_bytes():
            time.sleep(0.002)

    @contextlib.contextmanager
    def stopped(self):
        """The follower is stopped while this goes on."""
        os.kill(self.follower, signal.SIGSTOP)
        while state(self.follower) not in "TZ":
            time.sleep(0.000_5)
        yield
        os.kill(self.follower, signal.SIGCONT)


def state(pid):
    """Running, sleeping, stopped (T), dead (Z) and so on; T where the system does not say."""
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return "T"


class Scenario:
    def __init__(self, play, ordered, slow_reader):
        self.play, self.ordered, self.slow_reader = play, ordered, slow_reader
        self.title = play.__doc__.strip().rstrip(".")


def scenario(ordered=True, slow_reader=False):
    """Adds a scenario; `ordered`: there is one writer, and so one order of all lines."""

    def add(play):
        SCENARIOS[play.__name__.replace("_", "-")] = Scenario(play, ordered, slow_reader)
        return play

    return add


def begin(scene, name="log"):
    """A log with its first line."""
    fd = scene.create(name)
    scene.write(0, fd, 1)
    return fd


def rotations(scene, fd, count):
    """Hot generations, each renamed away the moment it is written and followed by the next at once."""
    prepare(scene, range(count + 1))
    for stream in range(count):
        scene.write(stream, fd, HOT)
        scene.shift()
        fd = scene.next(fd)
    scene.write(count, fd, HOT)


def prepare(scene, streams, lines=HOT):
    """Makes the next lines of these streams, so that nothing is between their writes but the writes."""
    for stream in streams:
        first = scene.lines.get(stream, 0)
        numbered.batches(stream, first, first + lines)


def truncate(scene, size_of, rounds, stopped=contextlib.nullcontext):
    """Truncates and rewrites the log, after what was there has come out."""
    fd = begin(scene)
    yield ["log"]
    scene.write(0, fd, REWRITTEN - 1)
    for stream in range(1, rounds + 1):
        lines = size_of(stream)
        # One write, as of `cp new log`: nobody sees the file while it is shorter.
        numbered.batches(stream, 0, lines, lines)
        scene.until_out(stream - 1)
        with stopped():
            os.ftruncate(fd, 0)
            scene.write(stream, fd, lines, lines)


def while_stopped(scene, count):
    """So many rotations while the follower is stopped."""
    fd = begin(scene)
    yield ["log"]
    scene.write(0, fd, HOT)
    scene.until_out(0)
    with scene.stopped():
        for stream in range(count):
            scene.write(stream, fd, HOT)
            scene.shift()
            fd = scene.next(fd)
        scene.write(count, fd, HOT)
    scene.write(count, fd, HOT)


def old_written_on(scene, seconds):
    """The old inode is written on after its rename, then the new one."""
    fd = begin(scene)
    yield ["log"]
    for stream in range(2):
        scene.write(stream, fd, HOT)
        scene.shift()
        new = scene.create("log")
        scene.write_for(seconds, stream, fd, RATE)
        os.close(fd)
        fd = new
    scene.write_for(max(seconds, LOOKED), 2, fd, RATE)


def bursts(scene, name_of):
    """Three bursts of ten rotations without a gap."""
    fd = begin(scene)
    yield ["log"]
    for burst in range(3):
        streams = range(10 * burst, 10 * burst + 10)
        prepare(scene, streams, SMALL)
        for stream in streams:
            scene.write(stream, fd, SMALL)
            if name_of:
                scene.rename("log", name_of(stream + 1))
            else:
                scene.shift()
            fd = scene.next(fd)
        scene.write(10 * burst + 10, fd, HOT)
        time.sleep(LOOKED)


@scenario()
def rename(scene):
    """rename + create, the writer reopens a moment later."""
    fd = begin(scene)
    yield ["log"]
    for stream in range(5):
        scene.write_for(LOOKED, stream, fd, RATE)
        scene.write(stream, fd, HOT // 2)
        prepare(scene, [stream], HOT // 10)
        scene.shift()
        scene.write(stream, fd, HOT // 10)
        fd = scene.next(fd)
    scene.write_for(LOOKED, 5, fd, RATE)


@scenario()
def rename_hot(scene):
    """rename + create, every few milliseconds."""
    fd = begin(scene)
    yield ["log"]
    rotations(scene, fd, 8)


@scenario()
def old_50ms(scene):
    """old inode written on for 50 ms."""
    yield from old_written_on(scene, 0.05)


@scenario()
def old_2s(scene):
    """old inode written on for 2 s."""
    fd = begin(scene)
    yield ["log"]
    scene.write(0, fd, HOT)
    scene.shift()
    new = scene.create("log")
    scene.write_for(2, 0, fd, RATE)
    scene.write_for(1, 1, new, RATE)


@scenario(ordered=False)
def two_writers(scene):
    """two writers at once, on old and new."""
    fd = begin(scene)
    yield ["log"]
    for stream in range(4):
        scene.write(stream, fd, HOT)
        scene.shift()
        new = scene.create("log")
        for _ in range(100):
            scene.write(stream, fd, 100)
            scene.write(stream + 1, new, 100)
            time.sleep(0.001)
        os.close(fd)
        fd = new
    scene.write(4, fd, HOT)


@scenario(ordered=False)
def split_line(scene):
    """a line split across the rotation."""
    fd = begin(scene)
    yield ["log"]
    for stream in range(10):
        scene.write(stream, fd, 5000)
        scene.begin_line(stream, fd)
        scene.shift()
        new = scene.create("log")
        time.sleep(0.02)
        scene.write(stream + 1, new, 5000)
        time.sleep(0.02)
        scene.end_line(stream, fd)
        os.close(fd)
        fd = new


@scenario()
def burst_dated(scene):
    """bursts of ten rotations, dated names."""
    yield from bursts(scene, lambda number: f"log-20261124-{number:02}")


@scenario()
def burst_shifted(scene):
    """bursts of ten rotations, .1 .2 .3 shifted."""
    yield from bursts(scene, None)


@scenario()
def burst_ascending(scene):
    """bursts of ten rotations, ascending log.1 log.2."""
    yield from bursts(scene, lambda number: f"log.{number}")


@scenario()
def delete(scene):
    """delete + recreate."""
    fd = begin(scene)
    yield ["log"]
    for stream in range(5):
        scene.write_for(LOOKED, stream, fd, RATE)
        scene.write(stream, fd, HOT)
        os.unlink(scene.path("log"))
        fd = scene.next(fd)
    scene.write_for(LOOKED, 5, fd, RATE)


@scenario()
def symlink_dated(scene):
    """symlink to a dated target, swapped."""
    fd = begin(scene, TARGETS[0])
    scene.link(TARGETS[0], "log")
    yield ["log"]
    for stream, target in enumerate(TARGETS[1:]):
        scene.write_for(LOOKED, stream, fd, RATE)
        fd = scene.next(fd, target)
        scene.link(target, "log")
    scene.write_for(LOOKED, len(TARGETS) - 1, fd, RATE)


@scenario()
def symlink_fixed(scene):
    """fixed symlink to a log that rotates."""
    scene.path("real").mkdir()
    fd = begin(scene, "real/log")
    scene.link("real/log", "log")
    yield ["log"]
    for stream in range(5):
        scene.write_for(LOOKED, stream, fd, RATE)
        scene.shift("real/log")
        fd = scene.next(fd, "real/log")
    scene.write_for(LOOKED, 5, fd, RATE)


@scenario()
def symlink_data(scene):
    """Kubernetes' ..data swapped, the old directory removed."""
    scene.path("..0").mkdir()
    fd = begin(scene, "..0/log")
    scene.link("..0", "..data")
    scene.link("..data/log", "log")
    yield ["log"]
    for stream in range(6):
        scene.write_for(LOOKED, stream, fd, RATE)
        scene.path(f"..{stream + 1}").mkdir()
        fd = scene.next(fd, f"..{stream + 1}/log")
        scene.link(f"..{stream + 1}", "..data")
        os.unlink(scene.path(f"..{stream}/log"))
        scene.path(f"..{stream}").rmdir()
    scene.write_for(LOOKED, 6, fd, RATE)


@scenario()
def late_file(scene):
    """late file."""
    begin(scene, "there")
    yield ["there", "log"]
    time.sleep(LOOKED)
    fd = scene.create("log")
    scene.write(1, fd, HOT)


@scenario()
def late_directory(scene):
    """late directory."""
    begin(scene, "there")
    yield ["there", "late/er/log"]
    time.sleep(LOOKED)
    scene.path("late/er").mkdir(parents=True)
    fd = scene.create("late/er/log")
    scene.write(1, fd, HOT)


@scenario()
def late_rotated(scene):
    """late file, already rotated when it is seen."""
    begin(scene, "there")
    yield ["there", "log"]
    time.sleep(LOOKED)
    with scene.stopped():
        fd = scene.create("log")
        scene.write(1, fd, HOT)
        scene.shift()
        fd = scene.next(fd)
        scene.write(2, fd, HOT)


@scenario()
def rewritten_larger(scene):
    """truncated and rewritten larger."""
    yield from truncate(scene, lambda stream: REWRITTEN + 400 * stream, 8)


@scenario()
def rewritten_same(scene):
    """truncated and rewritten to the same size."""
    # No more streams than one digit has numbers, or the text would become larger.
    yield from truncate(scene, lambda _: REWRITTEN, 8)


@scenario()
def rewritten_stopped(scene):
    """truncated and rewritten larger while stopped."""
    yield from truncate(scene, lambda stream: REWRITTEN + 400 * stream, 4, scene.stopped)


@scenario()
def rotated_stopped(scene):
    """one rotation while stopped."""
    yield from while_stopped(scene, 1)


@scenario()
def rotated_stopped_3(scene):
    """three rotations while stopped."""
    yield from while_stopped(scene, 3)


@scenario(slow_reader=True)
def slow_reader(scene):
    """rotations under a slow reader."""
    fd = begin(scene)
    yield ["log"]
    rotations(scene, fd, 5)


@scenario(ordered=False)
def half_lines(scene):
    """two files, half lines written in turn."""
    fds = begin(scene, "log"), scene.create("other")
    yield ["log", "other"]
    for _ in range(150):
        for step in (scene.begin_line, scene.end_line):
            for stream, fd in enumerate(fds):
                step(stream, fd)
                time.sleep(0.002)


@scenario()
def overflow(scene):
    """overflowing event queue."""
    fd = begin(scene)
    yield ["log"]
    scene.write(0, fd, HOT)
    with scene.stopped():
        touch_more_than_fits(scene)
        for stream in range(2):
            scene.write(stream, fd, HOT)
            scene.shift()
            fd = scene.next(fd)
        scene.write(2, fd, HOT)
    scene.write_for(0.5, 2, fd, RATE)
    scene.shift()
    fd = scene.next(fd)
    scene.write(3, fd, HOT)


def touch_more_than_fits(scene):
    """More events in the directory than an event queue has room for."""
    limit = pathlib.Path("/proc/sys/fs/inotify/max_queued_events")
    room = int(limit.read_text()) if limit.exists() else 16384
    for number in range(64):
        scene.path(f"touched.{number}").touch()
    for number in range(room + 1000):
        # Another file each time: the same event twice in a row would count once.
        os.utime(scene.path(f"touched.{number % 64}"))


@scenario()
def copy_truncate(scene):
    """hot copy-and-truncate."""
    yield from copied_and_truncated(scene)


@scenario(slow_reader=True)
def copy_truncate_slow(scene):
    """hot copy-and-truncate under a slow reader."""
    yield from copied_and_truncated(scene)


def copied_and_truncated(scene):
    """One process writes, another copies and truncates: what is written between the two is in no file."""
    fd = begin(scene)
    yield ["log"]
    rotator = os.fork()
    if rotator == 0:
        for _ in range(10):
            time.sleep(0.03)
            scene.make_room()
            scene.path("log.1").write_bytes(scene.path("log").read_bytes())
            os.truncate(scene.path("log"), 0)
        os._exit(0)
    for _ in range(60):
        scene.write(0, fd, HOT // 4)
    os.waitpid(rotator, 0)
