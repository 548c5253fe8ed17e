"""Alternating measurement, and tapedeck as a contestant through its own program."""
import csv
import json
import os
import re
import resource
import statistics
import subprocess
import tempfile
import time

EXIT_TIME = re.compile(r"Maximum resident set size \(kbytes\): (\d+)")


class Contestant:
    """A name and what one measurement of it is: (seconds, processor seconds)."""

    def __init__(self, name, work, measure):
        self.name, self.work, self.measure = name, work, measure
        self.seconds, self.cpu = [], []

    def median(self):
        return statistics.median(self.seconds)

    def cpu_median(self):
        return statistics.median(self.cpu)

    def spread(self):
        """Distance of the quartiles over the median."""
        if len(self.seconds) < 2:
            return float("nan")
        quartiles = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return (quartiles[2] - quartiles[0]) / self.median()


def timed(function):
    """A measurement of a Python function: its time inside this process, compiled and warm."""
    def measure():
        began, cpu = time.perf_counter(), time.process_time()
        function()
        return time.perf_counter() - began, time.process_time() - cpu
    return measure


def alternate(contestants, rounds):
    """Everyone once a round, in turning order, so that slow and fast minutes of the machine fall on all alike."""
    for i in range(rounds):
        for k in range(len(contestants)):
            contestant = contestants[(i + k) % len(contestants)]
            seconds, cpu = contestant.measure()
            contestant.seconds.append(seconds)
            contestant.cpu.append(cpu)
    return contestants


class Program:
    """The tapedeck program."""

    def __init__(self, path):
        self.path = os.path.abspath(path)

    def run(self, *arguments, **more):
        found = subprocess.run([self.path, *arguments], capture_output=True, text=True, check=False, **more)
        if found.returncode != 0:
            raise SystemExit(f"tapedeck {' '.join(arguments)} ended with {found.returncode}:\n{found.stderr}")
        return found.stdout

    def timed(self, *arguments, repetitions=3):
        """A measurement of what `bench` measures, one thing, by its own clock: process start, making and warming up are outside it."""
        def measure():
            document = self.run("bench", *arguments, "--repetitions", str(repetitions), "--min-time", "0", "--json")
            entries = json.loads(document)["benchmarks"]
            return tuple(statistics.median(e[key] for e in entries) / 1e3 for key in ("real_time", "cpu_time"))
        return measure

    def ended(self, *arguments):
        """What every set ended in: name -> list of numbers."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "cells.csv")
            self.run("bench", *arguments, "--once", "--cells", path)
            with open(path, newline="", encoding="ascii") as file:
                rows = list(csv.DictReader(file))
        return {key: [float(row[key]) for row in rows] for key in rows[0] if key != "hash"}

    def scene(self, name, data=None):
        return self.timed("--filter", f"^{re.escape(name)}$", *(["--data", data] if data else []))

    def cells(self, name, data):
        return self.ended("--filter", f"^{re.escape(name)}$", "--data", data)

    def played(self, config, engine):
        """The same of a configuration on an engine."""
        return self.timed("--play", config, "--engine", engine)

    def cells_of(self, config):
        return self.ended("--play", config, "--engine", "lanes")

    def engines_of(self, config):
        """Engines that can play it, slowest first: name -> bar-evaluations of a step."""
        document = self.run("bench", "--play", config, "--repetitions", "1", "--min-time", "0", "--json")
        entries = json.loads(document)["benchmarks"]
        return {e["name"].split("/")[2]: e["bar_evaluations_per_second"] * e["real_time"] / 1e3 for e in entries}

    def process(self, *arguments):
        """One run as a process of its own: (seconds on the wall, processor seconds, peak resident bytes, what it printed)."""
        began = time.perf_counter()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = subprocess.run(["/usr/bin/time", "-v", self.path, *arguments], capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if found.returncode != 0:
            raise SystemExit(f"tapedeck {' '.join(arguments)} ended with {found.returncode}:\n{found.stderr}")
        peak = 1024 * int(EXIT_TIME.search(found.stderr).group(1))
        return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak, found.stdout


def markdown(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def put_into(path, name, text):
    """Replaces what stands between the markers of a contest in a document."""
    with open(path, encoding="utf-8") as file:
        document = file.read()
    begin, end = f"<!-- contest: {name} -->\n", f"\n<!-- end of contest: {name} -->"
    head, found, rest = document.partition(begin)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"{path} has no place for the contest {name}: {begin.strip()} ... {end.strip()}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(head + begin + text + end + tail)
