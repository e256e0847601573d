"""What an evaluation cost to run. Nothing in here is reproducible, so it never stands in a summary."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from typing import Self

import polars as pl

COSTS_SCHEMA: dict[str, pl.DataType] = {
    "suite": pl.String(),
    "environment": pl.String(),
    "agent": pl.String(),
    "decisions": pl.Int64(),
    "wall_seconds": pl.Float64(),
    "decisions_per_second": pl.Float64(),
    "peak_memory_mib": pl.Float64(),
}


class Stopwatch:
    """Measures wall time and peak memory of a stretch of work.

    Memory is the peak of the whole process: other threads count too. Where the operating system can (Linux), the peak
    is set back at the start; elsewhere it is the peak since the process began.

    >>> with Stopwatch() as watch:
    ...     total = sum(range(1000))
    >>> watch.seconds >= 0 and watch.peak_memory_mib > 0
    True
    """

    seconds: float = 0.0
    peak_memory_mib: float = 0.0

    def __enter__(self) -> Self:
        _forget_peak()
        self._start = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._start
        self.peak_memory_mib = _peak_mib()


def cost_row(suite: str, environment: str, agent: str, decisions: int, watch: Stopwatch) -> pl.DataFrame:
    """Return the costs of one agent on one environment as a frame of one row."""
    rate = decisions / watch.seconds if watch.seconds > 0 else None
    row = (suite, environment, agent, decisions, watch.seconds, rate, watch.peak_memory_mib)
    return pl.DataFrame([row], schema=COSTS_SCHEMA, orient="row")


def _forget_peak() -> None:
    control = Path("/proc/self/clear_refs")
    if control.exists():
        try:
            control.write_text("5")
        except OSError:
            # A container may forbid it; then the peak is that of the process so far.
            return


def _peak_mib() -> float:
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
