"""The whole thing at size, each measured in a process of its own: a million cohorts for a year, and a warm run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.harness import Measurement, Size, against_limit, missing

ROOT = Path(__file__).resolve().parents[1]
CORES = os.cpu_count() or 1


def million(size: Size) -> Iterator[Measurement]:
    """1,000,000 entities × 365 days, two actions, a Beta-Thompson learner each, regret kept: time and peak memory."""
    entities, steps = size.of(1_000_000, 1_000), size.of(365, 5)
    times, peaks = [], []
    for _ in range(size.of(3, 1)):
        done = _python("-m", "bench.million", str(entities), str(steps))
        if done.returncode:
            why = done.stderr.strip().splitlines()[-1]
            yield missing("million", "60 s", threads=CORES, goal=1.0, unit="s", why=why)
            return
        found = json.loads(done.stdout.splitlines()[-1])
        times.append(found["seconds"])
        peaks.append(found["peak_gib"])
    yield against_limit("million", "60 s", threads=CORES, measured=times, limit=60.0, unit="s")
    yield against_limit("million", "2 GiB", threads=CORES, measured=peaks, limit=2.0, unit="GiB")


def warm(size: Size) -> Iterator[Measurement]:
    """A second `kedro run` when nothing has changed: the whole process, start to end."""
    where = {"row": "warm", "threads": CORES}
    if shutil.which("kedro") is None:
        yield missing(peer="3 s", goal=1.0, unit="s", why="kedro is not on the path", **where)
        return
    command = ["kedro", "run", *(["--env", "ci", "--pipelines", "ingestion"] if size.tiny else [])]
    times = []
    for turn in range(size.of(5, 1) + 1):
        start = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            why = f"kedro run ended with {done.returncode}: {(done.stderr or done.stdout).strip().splitlines()[-1]}"
            yield missing(peer="3 s", goal=1.0, unit="s", why=why, **where)
            return
        # The first run may have work to do.
        if turn:
            times.append(time.perf_counter() - start)
    yield against_limit(**where, what="3 s", measured=times, limit=3.0, unit="s")


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
