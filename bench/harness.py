"""Ours and a peer in turn, several times; what is kept is the ratio of the medians and how far it strayed."""

from __future__ import annotations

import gc
import json
import os
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

Work = Callable[[], object]


@dataclass(frozen=True)
class Size:
    """How much work a row does: the sizes of DESIGN's table, or tiny ones that only show that the harness works."""

    tiny: bool = False

    def of(self, full: int, tiny: int) -> int:
        return tiny if self.tiny else full

    @property
    def repeats(self) -> int:
        return self.of(7, 2)


@dataclass(frozen=True)
class Measurement:
    """One line of the table.

    `ours` and `theirs` are medians in `unit`; `ratio` is theirs ÷ ours, so that more is better for us; `low` and `high`
    are the smallest and largest ratio of one repeat. The goal is a least ratio. `why` says why there is no ratio.
    """

    row: str
    peer: str
    threads: int
    ours: float | None
    theirs: float | None
    unit: str
    ratio: float | None
    low: float | None
    high: float | None
    goal: float
    met: bool | None
    why: str = ""


def in_turn(
    row: str, peer: str, *, threads: int, goal: float, ours: Work, theirs: Work, units: tuple[int, int], repeats: int
) -> Measurement:
    """Time both sides in turn, one untimed round first; `units` is how many units of work a call of each does."""
    own, other = [], []
    ours(), theirs()
    for _ in range(repeats):
        own.append(seconds(ours) / units[0] * 1e9)
        other.append(seconds(theirs) / units[1] * 1e9)
    ratios = [b / a for a, b in zip(own, other, strict=True)]
    return judged(row, peer, threads, goal, statistics.median(own), statistics.median(other), "ns/unit", ratios)


def against_limit(row: str, what: str, *, threads: int, measured: list[float], limit: float, unit: str) -> Measurement:
    """Hold measured figures to a limit: the limit stands where a peer would, the goal is a ratio of 1."""
    ratios = [limit / figure for figure in measured]
    return judged(row, what, threads, 1.0, statistics.median(measured), limit, unit, ratios)


def judged(
    row: str, peer: str, threads: int, goal: float, ours: float, theirs: float, unit: str, ratios: list[float]
) -> Measurement:
    ratio = theirs / ours
    return Measurement(row, peer, threads, ours, theirs, unit, ratio, min(ratios), max(ratios), goal, ratio >= goal)


def missing(row: str, peer: str, *, threads: int, goal: float, unit: str, why: str) -> Measurement:
    """A line for what could not be measured: neither met nor missed."""
    return Measurement(row, peer, threads, None, None, unit, None, None, None, goal, None, why)


def seconds(work: Work) -> float:
    """Wall time of one call, the garbage collector held still."""
    gc.disable()
    start = time.perf_counter()
    work()
    taken = time.perf_counter() - start
    gc.enable()
    return taken


def write(measurements: Iterable[Measurement], path: Path) -> None:
    """Write the lines as a JSON list, beside and renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(f".{os.getpid()}.tmp")
    beside.write_text(json.dumps([asdict(line) for line in measurements], indent=1) + "\n")
    beside.replace(path)


def table(measurements: Iterable[Measurement]) -> str:
    """The lines as text in columns."""
    heads = ("row", "peer", "threads", "ours", "theirs", "unit", "ratio", "low", "high", "goal", "met")
    rows = [heads]
    for line in measurements:
        values = asdict(line)
        met = {True: "yes", False: "NO", None: f"– {line.why}"}[line.met]
        rows.append(tuple(met if head == "met" else _shown(values[head]) for head in heads))
    widths = [max(len(row[i]) for row in rows) for i in range(len(heads) - 1)]
    widths.append(0)
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def _shown(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
