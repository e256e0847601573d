"""Participants that watch: collectors, a step tracker with a progress bar, and one that prints."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console
from rich.progress import Progress, TaskID

from onetake.assembly.parcel import Declared, Done, Keys, Parcel, Participant, as_participant, begin, declared, name_of
from onetake.errors import ConfigError


class Collector:
    """Takes down entries of the parcel, a row a turn.

    Args:
        keys: which entries; each must be there on every turn.
        newest: keep that many of the newest rows only (a replay list), or None for all.

    >>> collect = Collector(["t"], newest=2)
    >>> for t in range(3):
    ...     collect({"t": t})
    >>> collect.frame()["t"].to_list()
    [1, 2]
    """

    def __init__(self, keys: Sequence[str], *, newest: int | None = None, name: str = "collector") -> None:
        if isinstance(keys, str) or not keys:
            raise ConfigError(f"keys: got {keys!r}; wanted a list of at least one key")
        self.name = name
        self.wanted = tuple(keys)
        self.rows: deque[dict[str, Any]] = deque(maxlen=newest)

    def __call__(self, parcel: Parcel) -> None:
        """Take down a row; arrays are copied, since others may go on writing into them."""
        self.rows.append({key: _kept(parcel[key]) for key in self.wanted})

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def clear(self) -> None:
        """Forget all rows."""
        self.rows.clear()

    def column(self, key: str) -> np.ndarray[Any, Any]:
        """The entries of one key, stacked along time ``(T, ...)``."""
        return np.stack([np.asarray(row[key]) for row in self.rows])

    def frame(self) -> pl.DataFrame:
        """The rows as a Polars frame; arrays become array columns."""
        return pl.DataFrame({key: self.column(key) if self.rows else [] for key in self.wanted})


def collector(keys: Sequence[str], *, newest: int | None = None, name: str = "collector") -> tuple[Collector, Declared]:
    """Return a `Collector`, and beside it the same with its keys declared, which is what goes round."""
    own = Collector(keys, newest=newest, name=name)
    return own, declared(own, reads=list(keys), name=name)


class StepTracker:
    """Counts its turns, shows how far they are, and is `Done` after so many.

    On a terminal it draws a bar; elsewhere it prints a plain line each tenth of the way.

    Args:
        total: turns until `Done`.
        show: False shows nothing.
    """

    def __init__(self, total: int, *, name: str = "steps", show: bool = True) -> None:
        if isinstance(total, bool) or not isinstance(total, int) or total < 1:
            raise ConfigError(f"total: got {total!r}; wanted a whole number of at least 1")
        self.name, self.total, self.steps = name, total, 0
        self._show = show
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def begin(self) -> None:
        """Count from 0 again, since a new launch begins."""
        self.close()
        self.steps = 0

    def __call__(self, parcel: Parcel) -> None:
        """Count a step; `Done` after the last."""
        self.steps += 1
        if self._show:
            self._tell()
        if self.steps >= self.total:
            self.close()
            raise Done

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _tell(self) -> None:
        if not sys.stderr.isatty():
            tenth = self.steps * 10 // self.total
            if tenth > (self.steps - 1) * 10 // self.total:
                sys.stderr.write(f"{self.name}: {self.steps} of {self.total}\n")
            return
        if self._bar is None:
            self._bar = Progress(console=Console(stderr=True))
            self._task = self._bar.add_task(self.name, total=self.total)
            self._bar.start()
        if self._task is not None:
            self._bar.update(self._task, completed=self.steps)


class Together:
    """Several participants that take one turn together, in their order."""

    def __init__(self, *participants: Participant, name: str = "") -> None:
        self.parts = [as_participant(part) for part in participants if part is not None]
        self.name = name or " + ".join(name_of(part) for part in self.parts)

    def begin(self) -> None:
        """Tell each that a new launch begins."""
        for part in self.parts:
            begin(part)

    def __call__(self, parcel: Parcel) -> None:
        """Let each play."""
        for part in self.parts:
            part(parcel)


def printer(keys: Sequence[str] | None = None) -> Participant:
    """A participant that prints the parcel, or some of its keys."""

    def print_parcel(parcel: Parcel) -> None:
        shown = {key: value for key, value in parcel.items() if keys is None or key in keys}
        sys.stdout.write(f"{shown}\n")

    return print_parcel if keys is None else Declared(print_parcel, "print_parcel", Keys({k: k for k in keys}, {}))


def _kept(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value
