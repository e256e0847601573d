"""The parcel that goes round, and the part of it that a participant has declared to read and write."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from functools import partial
from types import GeneratorType, MappingProxyType
from typing import Any

import numpy as np

from onetake.errors import ConfigError, KeyScopeError

Parcel = MutableMapping[str, Any]
Participant = Callable[[Parcel], object]
Names = tuple[str, ...] | list[str] | Mapping[str, str]


class Done(Exception):
    """Raised by a participant to end the launch."""


@dataclass(frozen=True)
class Keys:
    """What a participant reads and writes: its own names, each with the key of the parcel that it stands for."""

    reads: Mapping[str, str]
    writes: Mapping[str, str]


@dataclass(frozen=True)
class Declared:
    """A participant with its name and declared keys; `declared` makes them."""

    play: Participant
    name: str
    keys: Keys

    def __call__(self, parcel: Parcel) -> object:
        """Take a turn with the declared part of the parcel."""
        return self.play(Scope(parcel, self.keys, self.name))

    def begin(self) -> None:
        """Start afresh, since a new launch begins."""
        begin(self.play)


class Scope(MutableMapping[str, Any]):
    """The part of a parcel that one participant has declared; all else is out of its sight and reach.

    Arrays that are read and not written are handed out read-only.

    Raises:
        KeyScopeError: on reading, writing or deleting a key that was not declared.
    """

    def __init__(self, parcel: Parcel, keys: Keys, name: str) -> None:
        self._parcel, self._keys, self._name = parcel, keys, name

    def _place(self, key: str, mode: str) -> str:
        known: Mapping[str, str] = getattr(self._keys, mode)
        if key not in known:
            declared = ", ".join(sorted(known)) or "none"
            raise KeyScopeError(f"participant '{self._name}': {mode} got '{key}'; wanted a declared key ({declared})")
        return known[key]

    def __getitem__(self, key: str) -> Any:
        value = self._parcel[self._place(key, "reads")]
        if isinstance(value, np.ndarray) and key not in self._keys.writes:
            value = value.view()
            value.flags.writeable = False
        return value

    def __setitem__(self, key: str, value: Any) -> None:
        self._parcel[self._place(key, "writes")] = value

    def __delitem__(self, key: str) -> None:
        del self._parcel[self._place(key, "writes")]

    def __iter__(self) -> Iterator[str]:
        return (key for key, place in self._keys.reads.items() if place in self._parcel)

    def __contains__(self, key: object) -> bool:
        return key in self._keys.reads and self._keys.reads[str(key)] in self._parcel

    def __len__(self) -> int:
        return sum(1 for _ in self)


def declared(
    participant: Participant | Generator[Any, Any, Any], *, reads: Names = (), writes: Names = (), name: str = ""
) -> Declared:
    """Return ``participant`` so that it sees the keys in ``reads`` and may set those in ``writes``, and no others.

    Args:
        participant: any callable on a parcel, or a generator that is sent parcels.
        reads: keys, or its own names for keys: ``{"obs": "hunter_obs"}`` lets one policy serve several seats.
        writes: likewise.
        name: what errors, traces and pictures call it; its own name where none is given.

    Raises:
        ConfigError: a participant that cannot be called, or two names for one key.

    >>> follow = declared(lambda p: p.update(action=p["obs"]), reads={"obs": "seen"}, writes=["action"], name="follow")
    >>> parcel = {"seen": 3, "secret": 7}
    >>> follow(parcel)
    >>> parcel
    {'seen': 3, 'secret': 7, 'action': 3}
    """
    play = as_participant(participant)
    keys = Keys(_named("reads", reads), _named("writes", writes))
    return Declared(play, name or name_of(play), keys)


def keys(*, reads: Names = (), writes: Names = ()) -> Callable[[Participant], Declared]:
    """Declare keys where a participant is written; see `declared`.

    >>> @keys(reads=["count"], writes=["count"])
    ... def counter(parcel):
    ...     parcel["count"] = parcel.get("count", 0) + 1
    >>> counter.name
    'counter'
    """
    return partial(declared, reads=reads, writes=writes)


def keys_of(participant: object) -> Keys | None:
    """The declared keys of a participant, also where it stands inside a rate, or None where it declares nothing."""
    while participant is not None:
        if isinstance(participant, Declared):
            return participant.keys
        participant = getattr(participant, "play", None)
    return None


def name_of(participant: object) -> str:
    """What a participant is called: its ``name``, else the name of the function or class.

    >>> name_of(print)
    'print'
    """
    name = getattr(participant, "name", None) or getattr(participant, "__name__", None)
    return name if isinstance(name, str) else type(participant).__name__


def begin(participant: object) -> None:
    """Tell a participant that a launch begins, if it wants to know."""
    start = getattr(participant, "begin", None)
    if callable(start):
        start()


class FromGenerator:
    """A generator as a participant: it is sent the parcel at each turn, and has left when it returns.

    >>> def prey():
    ...     parcel = yield
    ...     parcel["prey"] = "left"
    >>> turn = FromGenerator(prey())
    >>> parcel = {}
    >>> turn(parcel), parcel, turn.over
    (None, {'prey': 'left'}, True)
    """

    def __init__(self, generator: Generator[Any, Any, Any]) -> None:
        self.name = str(getattr(generator, "__name__", "generator"))
        self.over = False
        self._generator = generator
        self._started = False

    def __call__(self, parcel: Parcel) -> None:
        """Send the parcel; the generator's first turn begins at its first ``yield``."""
        try:
            if not self._started:
                self._started = True
                next(self._generator)
            self._generator.send(parcel)
        except StopIteration:
            self.over = True


def as_participant(participant: object) -> Participant:
    """Return what can be called with a parcel, or refuse it by name."""
    if isinstance(participant, GeneratorType):
        return FromGenerator(participant)
    if not callable(participant):
        raise ConfigError(f"participant: got {participant!r}; wanted a callable on a parcel, a generator or None")
    return participant


def shown(parcel: Mapping[str, Any]) -> str:
    """The parcel in one line: arrays by kind and shape, long values cut.

    >>> shown({"obs": np.zeros(4, np.float32), "action": 1})
    '{obs: float32 (4,), action: 1}'
    """
    return "{" + ", ".join(f"{key}: {_short(value)}" for key, value in parcel.items()) + "}"


def _short(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _named(what: str, names: Names | str) -> Mapping[str, str]:
    if isinstance(names, str):
        raise ConfigError(f"{what}: got the text '{names}'; wanted a list of keys")
    known = dict(names) if isinstance(names, Mapping) else {name: name for name in names}
    if len(set(known.values())) < len(known):
        raise ConfigError(f"{what}: got two names for one key in {known}; wanted one each")
    return MappingProxyType(known)
