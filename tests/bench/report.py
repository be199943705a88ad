"""Contenders that take turns, and the tables of what they took."""

import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys

import measure

# What a program is called that runs twice, to show how much it differs from itself.
AGAIN = " (again)"


def there(command):
    return shutil.which(command[0]) is not None


def show(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def compare(case, contenders, measure_one, runs):
    """Runs `measure_one(contender)` of all in turn; what each run gave, by name. None is for good."""
    figures = {name: [] for name in contenders}
    for run in range(runs):
        # Each run begins with another one, for what ran before has an effect: the caches, the clock rate.
        turn = collections.deque(contenders.items())
        turn.rotate(run)
        for name, contender in turn:
            show(f"{case}: run {run + 1} of {runs}: {name}")
            gone = None in figures[name]
            figures[name].append(None if gone else measure_one(contender))
    show("")
    return figures


def table(case, figures, unit, scale, size=None, never="never"):
    """Prints medians, minima, and how many times the first contender's median each takes."""
    print(f"\n### {case}\n\n| program | median {unit} | min {unit} |{' GB/s |' if size else ''} times the first |")
    print(f"| --- | ---: | ---: |{' ---: |' if size else ''} ---: |")
    base = None
    for name, runs in figures.items():
        good = [value for value in runs if value is not None]
        if len(good) < len(runs) or not runs:
            print(f"| {cell(name)} | {never} | |{' |' if size else ''} |")
            continue
        middle = measure.median(good)
        base = base or middle
        rate = f" {size / middle / 1e9:.2f} |" if size else ""
        print(f"| {cell(name)} | {middle * scale:.2f} | {min(good) * scale:.2f} |{rate} {middle / base:.2f} |")
    for again in [name for name in figures if name.endswith(AGAIN)]:
        name = again.removesuffix(AGAIN)
        if None not in figures[name] + figures[again]:
            itself = measure.median(figures[again]) / measure.median(figures[name])
            print(f"\n{name} takes {itself:.3f} times what {name} takes: the noise.")


def latency_table(case, figures, never="at the end"):
    """Prints median and p99 of all that the runs gave together."""
    print(f"\n### {case}\n\n| program | median µs | p99 µs | lost |\n| --- | ---: | ---: | ---: |")
    for name, runs in figures.items():
        if any(run is None for run in runs):
            print(f"| {cell(name)} | {never} | | |")
            continue
        values = [value for run in runs for value in run]
        came = [value for value in values if value != float("inf")]
        middle, last = (measure.percentile(came, share) * 1e6 for share in (0.5, 0.99))
        print(f"| {cell(name)} | {middle:.0f} | {last:.0f} | {len(values) - len(came)} |")


def rows(heads, lines, texts=1):
    """Prints a table: so many columns of text to the left, the others, of numbers, to the right."""
    print(f"\n| {' | '.join(map(cell, heads))} |\n|{' --- |' * texts}{' ---: |' * (len(heads) - texts)}")
    for line in lines:
        print(f"| {' | '.join(map(cell, line))} |")
    sys.stdout.flush()


def keep(path, raw):
    """Raw figures as JSON, in one piece: who is cut off while it writes leaves those from before."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(raw, indent=1) + "\n")
    part.replace(path)


def cell(text):
    return text.replace("|", "\\|")


def machine(programs):
    """Where and with which versions of these programs it was measured."""
    versions = {}
    for name in programs:
        if there([name]):
            told = subprocess.run([name, "--version"], capture_output=True, text=True, check=False)
            versions[name] = told.stdout.partition("\n")[0]
    model = "unknown"
    if (info := pathlib.Path("/proc/cpuinfo")).exists():
        fields = [row.partition(":") for row in info.read_text().splitlines()]
        model = next((value.strip() for name, _, value in fields if name.startswith("model name")), model)
    return {"cpu": model, "cpus": os.cpu_count(), "kernel": os.uname().release, "versions": versions}
