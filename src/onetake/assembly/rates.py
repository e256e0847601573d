"""How often a participant plays: every n turns, only after n, or on days of a calendar."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Container
from typing import Any

from onetake.assembly.parcel import Parcel, Participant, as_participant, begin, name_of
from onetake.errors import ConfigError

Calendar = Container[Any] | Callable[[Any], bool]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Rated:
    """A participant that plays on some of its turns only.

    Attributes:
        play: the participant. name: what it is called. words: how often it plays, in words.
    """

    def __init__(self, play: Participant, due: Callable[[int, Parcel], bool], words: str) -> None:
        self.play, self.words = as_participant(play), words
        self.name = name_of(self.play)
        self._due = due
        self._turns = 0

    @property
    def over(self) -> bool:
        """Whether the participant is a generator that has returned."""
        return bool(getattr(self.play, "over", False))

    def begin(self) -> None:
        """Count turns from 0 again, since a new launch begins."""
        self._turns = 0
        begin(self.play)

    def __call__(self, parcel: Parcel) -> object:
        """Play if it is time to."""
        turn, self._turns = self._turns, self._turns + 1
        return self.play(parcel) if self._due(turn, parcel) else None


def every(n: int, participant: Participant) -> Rated:
    """Play on the first turn and then on each n-th.

    >>> played = []
    >>> slow = every(3, lambda parcel: played.append(parcel["t"]))
    >>> for t in range(7):
    ...     _ = slow({"t": t})
    >>> played
    [0, 3, 6]
    """
    _check("n", n, 1)
    return Rated(participant, lambda turn, _: turn % n == 0, f"every {n}")


def after(n: int, participant: Participant) -> Rated:
    """Sit out the first n turns, then play on every one."""
    _check("n", n, 0)
    return Rated(participant, lambda turn, _: turn >= n, f"after {n}")


def on(calendar: Calendar, participant: Participant, *, key: str | None = None) -> Rated:
    """Play on the turns of a calendar.

    Args:
        calendar: turns to play on, as a set, range or list, or a function that says yes or no.
        participant: who plays.
        key: the entry of the parcel that is looked up in the calendar, such as a date; None for the number of the turn.

    >>> played = []
    >>> weekly = on(weekdays("mon"), lambda parcel: played.append(str(parcel["date"])), key="date")
    >>> for day in range(1, 15):
    ...     _ = weekly({"date": datetime.date(2026, 6, day)})
    >>> played
    ['2026-06-01', '2026-06-08']
    """
    if not callable(calendar) and not hasattr(calendar, "__contains__"):
        raise ConfigError(f"calendar: got {calendar!r}; wanted numbers, dates or a function")

    def due(turn: int, parcel: Parcel) -> bool:
        now = turn if key is None else parcel[key]
        return bool(calendar(now)) if callable(calendar) else now in calendar

    return Rated(participant, due, "by calendar" if key is None else f"by calendar of {key}")


def weekdays(*days: str) -> Callable[[datetime.date], bool]:
    """A calendar of days of the week, such as ``weekdays("mon", "thu")``.

    Raises:
        ConfigError: a day that is none of mon, tue, wed, thu, fri, sat, sun.
    """
    for day in days:
        if day not in DAYS:
            raise ConfigError(f"weekdays: got '{day}'; wanted one of {', '.join(DAYS)}")
    return lambda date: DAYS[date.weekday()] in days


def _check(name: str, value: object, low: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise ConfigError(f"{name}: got {value!r}; wanted a whole number of at least {low}")
