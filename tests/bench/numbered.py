"""Numbered lines: a pen that writes them, and the account of those that came out of a follower.

A line is `gSTREAM:NUMBER:PADDING`. A stream is what is written to one file, a generation of a log; streams are
numbered in the order in which they are begun, and lines from 0 within each.
"""

import functools
import os
import re
import time

# Lines written in one write(2).
BATCH = 32
# The padding has many lengths, and another one in each stream, so that bytes read from a wrong offset never make a
# right line. As many lines in a row as there are lengths have the same size in every stream.
LENGTHS = 64
PADDINGS = [b"x" * (17 + 37 * number % 113) for number in range(LENGTHS)]
HEADER = re.compile(rb"==> .* <==")


def line(stream, number):
    return b"g%d:%d:%s\n" % (stream, number, padding_of(stream, number))


def padding_of(stream, number):
    return PADDINGS[(number + 7 * stream) % LENGTHS]


# So many as a scenario prepares.
@functools.lru_cache(maxsize=64)
def batches(stream, first, end, size=BATCH):
    """The lines from `first` up to `end`, as they are written: making them takes longer than writing them."""
    return [
        b"".join([line(stream, number) for number in range(start, min(start + size, end))])
        for start in range(first, end, size)
    ]


class Pen:
    """Writes numbered lines and counts them."""

    def __init__(self):
        # Lines of each stream, and bytes in all.
        self.lines = {}
        self.bytes = 0

    def write(self, stream, fd, lines, batch=BATCH):
        """Appends so many lines as fast as it goes."""
        first = self.lines.get(stream, 0)
        prepared = batches(stream, first, first + lines, batch)
        for batch in prepared:
            os.write(fd, batch)
        self.lines[stream] = first + lines
        self.bytes += sum(map(len, prepared))

    def write_for(self, seconds, stream, fd, lines_a_ms):
        """Appends at a steady rate for so long."""
        started, written = time.perf_counter(), 0
        while (passed := time.perf_counter() - started) < seconds:
            due = int(passed * 1000 * lines_a_ms) - written
            if due < BATCH:
                time.sleep(0.000_5)
                continue
            self.write(stream, fd, due)
            written += due

    def begin_line(self, stream, fd):
        """Appends the first half of the next line."""
        text = line(stream, self.lines.get(stream, 0))
        self.bytes += os.write(fd, text[: len(text) // 2])

    def end_line(self, stream, fd):
        """Appends the second half of the line begun."""
        number = self.lines.get(stream, 0)
        text = line(stream, number)
        self.bytes += os.write(fd, text[len(text) // 2 :])
        self.lines[stream] = number + 1


def numbers(text):
    """The stream and number of a line (without its newline), or None if nobody wrote this."""
    try:
        stream, number, padding = text.split(b":")
        stream, number = int(stream.removeprefix(b"g")), int(number)
    except ValueError:
        return None
    # Without the letter, a line that has lost its first digit would be another one.
    return (stream, number) if text[:1] == b"g" and padding == padding_of(stream, number) else None


def account(pieces, written, ordered):
    """What became of the lines written: counts of lines lost, repeated, torn, and out of order.

    `pieces` are the output; `written` has the number of lines of each stream; with `ordered` the streams were
    written one after the other, and a line that comes after one of a later stream counts as out of order too.
    """
    seen = {stream: bytearray(lines) for stream, lines in written.items()}
    last = dict.fromkeys(written, -1)
    newest = 0
    torn = repeated = disordered = swapped = 0
    for text in whole_lines(pieces):
        known = numbers(text)
        if known is None or known[0] not in seen or known[1] >= written[known[0]]:
            # Headers of several files are no lines, nor are the empty ones before them.
            torn += bool(text) and HEADER.fullmatch(text) is None
            continue
        stream, number = known
        if seen[stream][number]:
            repeated += 1
            continue
        seen[stream][number] = 1
        if number < last[stream]:
            disordered += 1
        elif stream < newest and ordered:
            swapped += 1
        last[stream] = max(last[stream], number)
        newest = max(newest, stream)
    total = sum(written.values())
    came = sum(map(sum, seen.values()))
    return {
        "written": total,
        "lost": total - came,
        "repeated": repeated,
        "torn": torn,
        "out of order": disordered,
        "generations out of order": swapped,
    }


def whole_lines(pieces):
    """The lines in pieces of text, without their newlines; what is left at the end counts as one."""
    left = b""
    for piece in pieces:
        *lines, left = (left + piece).split(b"\n")
        yield from lines
    if left:
        yield left
