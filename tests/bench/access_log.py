#!/usr/bin/env python3
"""Prints an access log in Apache's combined format, as a site about Python, PLY and SWIG would write it.

usage: access_log.py LINES|SIZE [SEED]

LINES is a number of lines, SIZE a number of bytes with its unit (64KiB, 256MiB, 1GiB): whole lines, at most
so many. The same arguments print the same log. It spans two days, whatever its length; `python` is in about
one line of seven, `ply` and `swig` in fewer, and NEEDLE in one line of 100,000. docs/access-log is
`access_log.py 4000`.
"""

import itertools
import random
import re
import sys
import time

NEEDLE = "/needle-in-a-haystack"
NEEDLE_EVERY = 100_000
NEEDLE_FIRST = 54_321
# Lines are rendered once, all but their times; a longer log repeats them in another order.
RENDERED = 4096
START = 1_741_564_800  # 10 March 2025, 00:00 UTC
SPAN = 2 * 24 * 3600
NETWORKS = ("192.0.2", "198.51.100", "203.0.113")  # for documentation: RFC 5737
CLIENTS = 300

# What is asked for, and how often.
PATHS = {
    "/": 120,
    "/index.html": 40,
    "/favicon.ico": 80,
    "/robots.txt": 50,
    "/style.css": 110,
    "/images/logo.png": 90,
    "/images/pipeline-{n}.png": 60,
    "/about.html": 30,
    "/courses/": 40,
    "/courses/generators/part{n}.html": 50,
    "/courses/coroutines/part{n}.html": 50,
    "/courses/coroutines/Coroutines.pdf": 18,
    "/blog/": 40,
    "/blog/2025/0{n}/": 45,
    "/blog/feed.xml": 70,
    "/search?q=yield&page={n}": 25,
    "/wp-login.php": 20,
    "/.env": 8,
    "/python/": 28,
    "/python/tutorial.html": 12,
    "/python/followsrc/follow{n}.py": 10,
    "/ply/": 18,
    "/ply/ply.html": 16,
    "/ply/ply-3.11.tar.gz": 16,
    "/ply/example/calc{n}.py": 8,
    "/swig/": 12,
    "/swig/doc.html": 12,
    "/swig/swig-4.{n}.tar.gz": 8,
}
AGENTS = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0": 20,
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/135.0": 24,
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_7) AppleWebKit/605.1.15 Safari/605.1.15": 16,
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/133.0.0.0 Safari/537.36": 24,
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": 16,
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)": 8,
    "FeedFetcher-Google; (+http://www.google.com/feedfetcher.html)": 4,
    "curl/8.5.0": 8,
    "Wget/1.21.4": 4,
    "python-requests/2.31": 11,
    "Python-urllib/3.11": 2,
}
REFERERS = {
    "-": 40,
    "https://www.google.com/": 14,
    "https://duckduckgo.com/": 8,
    "https://www.example.com/": 16,
    "https://www.example.com/courses/coroutines/": 12,
    "https://www.example.com/blog/": 8,
    "https://www.example.com/python/": 3,
    "https://news.example.net/item?id=4102{n}77": 4,
}
STATUSES = {200: 80, 304: 9, 301: 3, 206: 2, 403: 1, 500: 1, 503: 1}
MISSING = ("/wp-login.php", "/.env")
METHODS = {"GET": 94, "HEAD": 5, "POST": 1}


def pick(rng, weighted):
    """One of the keys of `weighted`, by its weight, with a digit where it says {n}."""
    (key,) = rng.choices(list(weighted), list(weighted.values()))
    return key.replace("{n}", str(rng.randint(1, 9))) if isinstance(key, str) else key


def render(rng, client, path=None):
    """A line of `client` as what stands before its time and what stands behind."""
    address, agent = client
    path = path or pick(rng, PATHS)
    status = 404 if path in MISSING else pick(rng, STATUSES)
    size = "-" if status == 304 else rng.randint(200, 90_000)
    referer = pick(rng, REFERERS)
    request = f"{pick(rng, METHODS)} {path} HTTP/1.1"
    return f"{address} - - [", f' +0000] "{request}" {status} {size} "{referer}" "{agent}"\n'


def clients(rng):
    for _ in range(CLIENTS):
        yield f"{rng.choice(NETWORKS)}.{rng.randint(1, 254)}", pick(rng, AGENTS)


def endless(rng, rendered):
    """All the rendered lines, then at random ones for ever; a needle now and then."""
    needle = render(rng, ("192.0.2.1", "curl/8.5.0"), NEEDLE)
    rounds = itertools.chain([rendered], (rng.choices(rendered, k=RENDERED) for _ in itertools.repeat(0)))
    for number, line in enumerate(itertools.chain.from_iterable(rounds)):
        yield needle if number % NEEDLE_EVERY == NEEDLE_FIRST else line


def lines(rng, rendered, count):
    """Lines for ever, with times at random intervals such that `count` of them take the whole span."""
    now, second, stamp = float(START), None, ""
    rate = count / SPAN
    for before, behind in endless(rng, rendered):
        now += rng.expovariate(rate)
        if int(now) != second:
            second = int(now)
            stamp = time.strftime("%d/%b/%Y:%H:%M:%S", time.gmtime(second))
        yield f"{before}{stamp}{behind}"


def log(amount, seed=1):
    """The log as pieces of bytes: `amount` as on the command line."""
    rng = random.Random(seed)
    known = list(clients(rng))
    rendered = [render(rng, rng.choice(known)) for _ in range(RENDERED)]
    if amount.isdecimal():
        count, left = int(amount), sys.maxsize
    else:
        left = size_of(amount)
        average = sum(len(before) + len(behind) + 20 for before, behind in rendered) // RENDERED
        count = left // average + 1
    endless_lines = lines(rng, rendered, max(count, 1))
    chosen = itertools.islice(endless_lines, count) if amount.isdecimal() else endless_lines
    while left > 0 and (piece := list(itertools.islice(chosen, RENDERED))):
        text = "".join(piece).encode("ascii")
        if len(text) > left:
            yield text[: text.rfind(b"\n", 0, left) + 1]
            return
        yield text
        left -= len(text)


def size_of(text):
    """The bytes of `1GiB`, `64KiB`."""
    size = re.fullmatch(r"(\d+)(B|KiB|MiB|GiB)", text)
    if size is None:
        raise ValueError(f"{text}: not a number of lines, nor a size such as 64KiB or 1GiB")
    return int(size[1]) << {"B": 0, "KiB": 10, "MiB": 20, "GiB": 30}[size[2]]


def main(arguments):
    if len(arguments) not in (1, 2):
        sys.exit(__doc__.strip())
    try:
        for piece in log(arguments[0], *map(int, arguments[1:])):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    except ValueError as error:
        sys.exit(f"access_log.py: {error}")
    except BrokenPipeError:
        # The reader had enough; the interpreter shall not try to flush the rest.
        sys.stdout = None


if __name__ == "__main__":
    main(sys.argv[1:])
