"""The Assembly: participants take their turns with one parcel until one of them is `Done`."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

import polars as pl

from onetake.assembly.parcel import Done, Parcel, Participant, as_participant, begin, keys_of, name_of, shown
from onetake.assembly.trace import Trace
from onetake.errors import ConfigError, ParticipantError, StoppedEarly

Item = Participant | Generator[Any, Any, Any] | None
Order = Callable[[], Iterable[Item]]


class Assembly:
    """Hands one parcel round: environments, agents, weather and bookkeeping are all participants.

    Args:
        participants: a list, gone round again and again until `Done` or until nobody is left; or a function that
            returns an iterable (often a generator function), gone through once a launch. A participant is any callable
            on the parcel, a generator that is sent parcels, or None, which is skipped.
        max_turns: launches that take more turns are stopped.
        strict: refuse participants that have not declared their keys.

    Raises:
        ConfigError: participants of another kind, or in strict mode without declared keys.

    >>> def count(parcel):
    ...     parcel["count"] = parcel.get("count", 0) + 1
    ...     if parcel["count"] == 3:
    ...         raise Done
    >>> Assembly([count]).launch()
    {'count': 3}
    """

    def __init__(self, participants: Iterable[Item] | Order, *, max_turns: int = 10_000_000, strict: bool = False):
        if isinstance(max_turns, bool) or not isinstance(max_turns, int) or max_turns < 1:
            raise ConfigError(f"max_turns: got {max_turns!r}; wanted a whole number of at least 1")
        self._order: Order | None = None
        self._ring: list[Participant] = []
        self._max_turns, self._strict = max_turns, strict
        self._left: list[Participant] = []
        self._costs: dict[str, list[float]] = {}
        self._met: dict[int, Participant] = {}
        if callable(participants):
            self._order = participants
        elif isinstance(participants, Iterable):
            self._ring = [self._checked(item) for item in participants if item is not None]
        else:
            raise ConfigError(f"participants: got {participants!r}; wanted a list, or a function that returns them")

    @property
    def participants(self) -> list[Participant]:
        """Who goes round now; empty where a function decides."""
        return list(self._ring)

    @property
    def met(self) -> list[Participant]:
        """Everyone who goes round now, and everyone else who took a turn in the last launch."""
        return list({**{id(participant): participant for participant in self._ring}, **self._met}.values())

    def join(self, participant: Item, *, after: Participant | None = None) -> None:
        """Let a participant join the round, at its end or after another; it plays from the next round on."""
        if self._order is not None:
            raise ConfigError("join: got an assembly whose function decides; wanted one that was given a list")
        if participant is None:
            return
        place = len(self._ring) if after is None else self._place(after) + 1
        self._ring.insert(place, self._checked(participant))

    def leave(self, participant: Participant | str) -> None:
        """Let a participant, or the one of that name, leave; it takes no further turn, not even in this round.

        Raises:
            ConfigError: if it does not go round.
        """
        self._left.append(self._ring.pop(self._place(participant)))

    def launch(self, *, trace: Trace | None = None, **initial: Any) -> Parcel:
        """Go round until `Done`, until the function's iterable ends, or until nobody is left.

        Args:
            trace: takes down every turn.
            initial: first entries of the parcel.

        Returns:
            The parcel as it stood at the end.

        Raises:
            ParticipantError: a participant failed; the text names it, the turn and the parcel.
            KeyScopeError: a participant read or wrote a key that it had not declared.
            StoppedEarly: the launch took more than ``max_turns`` turns; the text names who would have been next.
        """
        parcel: Parcel = dict(initial)
        self._left, self._costs, self._met = [], {}, {}
        for participant in self._ring:
            begin(participant)
        if trace is not None:
            trace.begin(parcel)
        try:
            for turn, whose in enumerate(self._turns()):
                if turn >= self._max_turns:
                    named = "nobody" if whose is None else f"participant '{name_of(whose)}'"
                    raise StoppedEarly(f"max_turns: got more than {self._max_turns} turns, next {named}; wanted Done")
                if whose is not None:
                    self._turn(turn, whose, parcel, trace)
        except Done:
            pass
        return parcel

    def costs(self) -> pl.DataFrame:
        """Turns and seconds of each participant in the last launch, by name."""
        rows = [{"participant": name, "turns": int(n), "seconds": s} for name, (n, s) in self._costs.items()]
        return pl.DataFrame(rows, schema={"participant": pl.String, "turns": pl.Int64, "seconds": pl.Float64})

    def _turns(self) -> Iterator[Participant | None]:
        if self._order is not None:
            seen: set[int] = set()
            for item in self._order():
                participant = None if item is None else self._checked(item)
                if participant is not None and id(participant) not in seen:
                    seen.add(id(participant))
                    begin(participant)
                yield participant
            return
        while self._ring:
            for participant in list(self._ring):
                if not any(participant is gone for gone in self._left):
                    yield participant

    def _turn(self, turn: int, participant: Participant, parcel: Parcel, trace: Trace | None) -> None:
        name = name_of(participant)
        self._met.setdefault(id(participant), participant)
        cost = self._costs.setdefault(name, [0, 0.0])
        start = time.perf_counter()
        try:
            participant(parcel)
        except Exception as error:  # a participant is someone's code and may raise anything
            if not isinstance(error, Done | ParticipantError):
                words = " ".join(str(error).split())
                raise ParticipantError(
                    f"participant '{name}', turn {turn}: {type(error).__name__}: {words}; parcel {shown(parcel)}"
                ) from error
            raise
        finally:
            cost[0] += 1
            cost[1] += time.perf_counter() - start
            if trace is not None:
                trace.turn(name, parcel)
        if getattr(participant, "over", False) and any(participant is own for own in self._ring):
            self.leave(participant)

    def _checked(self, item: object) -> Participant:
        participant = as_participant(item)
        if self._strict and keys_of(participant) is None:
            raise ConfigError(f"participant '{name_of(participant)}': got no declared keys; wanted them, being strict")
        return participant

    def _place(self, participant: Participant | str) -> int:
        for place, own in enumerate(self._ring):
            if participant is own or (isinstance(participant, str) and name_of(own) == participant):
                return place
        named = participant if isinstance(participant, str) else name_of(participant)
        raise ConfigError(
            f"participant: got '{named}', who does not go round; wanted one of {', '.join(map(name_of, self._ring))}"
        )
