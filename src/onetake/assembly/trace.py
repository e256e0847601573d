"""What happened in a launch, turn by turn, in a form that replays byte for byte."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from onetake.errors import CheckpointError, ConfigError, OutputError

VERSION = 1


@dataclass(frozen=True)
class Turn:
    """One turn: who took it, what it set (encoded) and removed, and a hash of the parcel after it."""

    participant: str
    wrote: Mapping[str, str]
    removed: tuple[str, ...]
    digest: str


class Trace:
    """Takes down each turn of a launch; what a participant changed inside a value counts as written, too.

    Values may be None, booleans, numbers, text, bytes, NumPy arrays and scalars, and lists, tuples and mappings of
    them. Entries of other kinds, such as an environment that is handed round, must be named in ``ignore``.

    >>> from onetake.assembly import Assembly
    >>> trace = Trace()
    >>> parcel = Assembly(lambda: [lambda p: p.update(x=np.arange(2))]).launch(trace=trace)
    >>> [after["x"].tolist() for name, after in trace.replay()]
    [[0, 1]]
    """

    def __init__(self, ignore: Collection[str] = ()) -> None:
        self._ignore = frozenset(ignore)
        self._initial: dict[str, str] = {}
        self._state: dict[str, str] = {}
        self.turns: list[Turn] = []

    def begin(self, parcel: Mapping[str, Any]) -> None:
        """Start from a parcel; what was taken down before is gone."""
        self._initial = self._encoded(parcel)
        self._state = dict(self._initial)
        self.turns = []

    def turn(self, participant: str, parcel: Mapping[str, Any]) -> None:
        """Take down what a turn changed."""
        after = self._encoded(parcel)
        wrote = {key: value for key, value in after.items() if self._state.get(key) != value}
        removed = tuple(sorted(self._state.keys() - after.keys()))
        self._state = after
        self.turns.append(Turn(participant, wrote, removed, _digest(after)))

    def replay(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each participant's name with the parcel after its turn, rebuilt without calling anyone.

        Raises:
            CheckpointError: if a rebuilt parcel is not the one that was taken down; the turn is named.
        """
        state = dict(self._initial)
        for number, turn in enumerate(self.turns):
            state.update(turn.wrote)
            for key in turn.removed:
                state.pop(key, None)
            if _digest(state) != turn.digest:
                raise CheckpointError(
                    f"trace: got another parcel at turn {number} ('{turn.participant}'); wanted its own"
                )
            yield turn.participant, {key: decode(json.loads(value)) for key, value in state.items()}

    def difference(self, other: Trace) -> str | None:
        """Where another launch first went another way, in one line, or None where every byte is the same."""
        if self._initial != other._initial:
            return "the launches began with different parcels"
        for number, (one, two) in enumerate(zip(self.turns, other.turns, strict=False)):
            if one != two:
                keys = sorted(key for key in {*one.wrote, *two.wrote} if one.wrote.get(key) != two.wrote.get(key))
                who = one.participant if one.participant == two.participant else f"{one.participant}/{two.participant}"
                return f"turn {number} ('{who}'): {', '.join(keys) or 'participants or removed keys'} differ"
        return None if len(self.turns) == len(other.turns) else f"{len(self.turns)} turns against {len(other.turns)}"

    def write(self, path: str | Path) -> None:
        """Write the trace as JSON lines, beside and renamed.

        Raises:
            OutputError: if the place cannot be written.
        """
        head = {"trace": VERSION, "ignore": sorted(self._ignore), "initial": self._initial}
        lines = [head, *({"p": t.participant, "w": t.wrote, "r": list(t.removed), "d": t.digest} for t in self.turns)]
        beside = Path(f"{path}.{os.getpid()}.tmp")
        try:
            beside.write_text("".join(json.dumps(line, sort_keys=True) + "\n" for line in lines))
            beside.replace(path)
        except OSError as error:
            raise OutputError(f"trace: got '{path}', {error.strerror}; wanted a place that can be written") from error

    @classmethod
    def read(cls, path: str | Path) -> Trace:
        """Read a written trace; nothing in it is ever run.

        Raises:
            CheckpointError: a file that is missing, cut, or of another version.
        """
        try:
            head, *rest = [json.loads(line) for line in Path(path).read_text().splitlines()]
            if head["trace"] != VERSION:
                raise CheckpointError(f"{path}: got trace version {head['trace']}; wanted {VERSION}")
            trace = cls(head["ignore"])
            trace._initial = head["initial"]
            trace.turns = [Turn(line["p"], line["w"], tuple(line["r"]), line["d"]) for line in rest]
        except (OSError, ValueError, KeyError, TypeError) as error:
            if isinstance(error, CheckpointError):
                raise
            raise CheckpointError(f"{path}: got no trace ({type(error).__name__}: {error}); wanted one") from error
        return trace

    def _encoded(self, parcel: Mapping[str, Any]) -> dict[str, str]:
        kept = {key: value for key, value in parcel.items() if key not in self._ignore}
        return {key: json.dumps(encode(key, value), sort_keys=True) for key, value in kept.items()}


def encode(path: str, value: Any) -> Any:
    """Return ``value`` in words of JSON from which `decode` makes the same bytes again.

    Raises:
        ConfigError: a kind of value that has no such words; the key is named.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.ndarray | np.generic):
        return _encoded_array(path, value)
    for kind, (of, words) in _WORDS.items():
        if isinstance(value, of):
            return {kind: words(path, value)}
    raise ConfigError(f"trace: got '{path}', a {type(value).__name__}; wanted plain values, or the key in `ignore`")


def _items(path: str, values: Any) -> list[Any]:
    return [encode(f"{path}[{i}]", item) for i, item in enumerate(values)]


_WORDS: dict[str, tuple[type, Callable[[str, Any], Any]]] = {
    "int": (int, lambda path, value: str(value)),
    "float": (float, lambda path, value: value.hex()),
    "bytes": (bytes, lambda path, value: base64.b85encode(value).decode()),
    "list": (list, _items),
    "tuple": (tuple, _items),
    "map": (Mapping, lambda path, value: [[encode(path, k), encode(f"{path}.{k}", v)] for k, v in value.items()]),
}


def decode(words: Any) -> Any:
    """Return the value that `encode` was given.

    >>> decode(encode("x", {"a": (1, 2.5, np.float32(3))}))
    {'a': (1, 2.5, np.float32(3.0))}
    """
    if not isinstance(words, dict):
        return words
    ((kind, held),) = words.items()
    if kind in ("array", "scalar"):
        raw = np.frombuffer(base64.b85decode(held[2]), dtype=np.dtype(held[0])).reshape(held[1]).copy()
        return raw if kind == "array" else raw[()]
    if kind == "map":
        return {decode(key): decode(item) for key, item in held}
    if kind in ("list", "tuple"):
        items = [decode(item) for item in held]
        return items if kind == "list" else tuple(items)
    if kind == "bytes":
        return base64.b85decode(held)
    return int(held) if kind == "int" else float.fromhex(held)


def _encoded_array(path: str, value: Any) -> Any:
    array = np.asarray(value)
    if array.dtype.hasobject or array.dtype.fields:
        raise ConfigError(f"trace: got '{path}', an array of {array.dtype}; wanted numbers, or the key in `ignore`")
    words = [array.dtype.str, list(array.shape), base64.b85encode(array.tobytes()).decode()]
    return {"array" if isinstance(value, np.ndarray) else "scalar": words}


def _digest(state: Mapping[str, str]) -> str:
    text = json.dumps(state, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
