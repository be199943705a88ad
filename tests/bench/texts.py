"""The texts that greps are compared on: an access log, short lines and long ones, made once and kept."""

import os
import random
import sys

import access_log
import measure

# How much of a text there is, of the size asked for: 1 GiB of log, 512 MiB of short lines, 256 MiB of long ones.
SHARES = {"log": 1, "short": 2, "long": 4}
SHORT_PATH = 15
JOINED = 30


def short_lines(size, seed=1):
    """Pieces of lines of about 18 bytes, `GET /python/tutor`; the needle is whole."""
    rng = random.Random(seed)

    def rendered(path):
        return f"{access_log.pick(rng, access_log.METHODS)} {path}\n"

    known = [rendered(access_log.pick(rng, access_log.PATHS)[:SHORT_PATH]) for _ in range(access_log.RENDERED)]
    needle = rendered(access_log.NEEDLE)
    number = 0
    while size > 0:
        piece = rng.choices(known, k=access_log.RENDERED)
        at = access_log.NEEDLE_FIRST - number % access_log.NEEDLE_EVERY
        if 0 <= at < len(piece):
            piece[at] = needle
        number += len(piece)
        text = "".join(piece).encode("ascii")
        yield text
        size -= len(text)


def long_lines(size, seed=1):
    """Pieces of lines of about 5 KB: so many lines of the access log in one."""
    for piece in access_log.log(f"{size}B", seed):
        lines = piece.splitlines()
        for first in range(0, len(lines), JOINED):
            yield b" ".join(lines[first : first + JOINED]) + b"\n"


def pieces(name, size):
    if name == "log":
        return access_log.log(f"{size}B")
    return short_lines(size) if name == "short" else long_lines(size)


def text(name, size, directory):
    """The file with text `name`, of about its share of `size` bytes; in the page cache."""
    size //= SHARES[name]
    path = directory / f"{name}-{size}"
    if not path.exists():
        print(f"making {path} ...", file=sys.stderr)
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            file.writelines(pieces(name, size))
            os.fsync(file.fileno())
        part.rename(path)
    with path.open("rb", buffering=0) as file:
        while file.read(measure.PIECE):
            pass
    return path
