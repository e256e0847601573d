"""Fingerprints of values and of files: equal content gives equal text, on every machine and in every process."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from datetime import time as clock
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Any

# A file written within this time of being hashed may change again without a visible change of its time stamp.
RACY_NS = 2_000_000_000
PLAIN = (PurePath, Decimal, date, clock, timedelta)
CHUNK = 1 << 20
LEFT_BY_SYSTEMS = {".DS_Store", "Thumbs.db", "desktop.ini"}


class NoFingerprint(TypeError):
    """A value whose content cannot be told from outside."""


def digest(*texts: str) -> str:
    """Return 32 hexadecimal digits for a sequence of texts; where one ends and the next begins counts.

    >>> digest("ab", "c") == digest("a", "bc")
    False
    """
    hashed = hashlib.blake2b(digest_size=16)
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        hashed.update(len(data).to_bytes(8, "little") + data)
    return hashed.hexdigest()


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield `(path, text)` for every leaf of a value, in an order that depends on nothing but the content.

    Mappings, sequences, sets, dataclasses and Pydantic models are walked; typed parameters give the same leaves as the
    plain mapping that they were made of, so a type annotation alone changes nothing.

    Raises:
        NoFingerprint: at a leaf whose content cannot be told from outside.

    >>> list(leaves({"b": [1, 0.5], "a": None}, "params:x"))
    [('params:x.a', 'None'), ('params:x.b.0', '1'), ('params:x.b.1', '0.5')]
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
    elif callable(getattr(value, "model_dump", None)) and not isinstance(value, type):
        value = value.model_dump()
    if isinstance(value, Mapping):
        # Keys of other kinds than text keep their kind: 1 and "1" are two keys.
        keyed = sorted((key if isinstance(key, str) else repr(key), key) for key in value)
        for name, key in keyed:
            yield from leaves(value[key], f"{path}.{name}")
        if not value:
            yield path, "{}"
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield from leaves(item, f"{path}.{position}")
        if not value:
            yield path, "[]"
    elif isinstance(value, set | frozenset):
        yield path, "{" + ", ".join(sorted(leaf(item) for item in value)) + "}"
    else:
        yield path, leaf(value)


def leaf(value: Any) -> str:
    """Return the text of a value that has no parts.

    Raises:
        NoFingerprint: if its content cannot be told from outside.
    """
    if isinstance(value, enum.Enum):
        return f"{type(value).__qualname__}.{value.name}"
    # NumPy scalars are numbers too, some of them by inheritance, and this package does not import NumPy.
    if type(value).__module__ == "numpy" and callable(getattr(value, "item", None)) and not getattr(value, "shape", ()):
        return leaf(value.item())
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return repr(value)
    if isinstance(value, PLAIN):
        return f"{type(value).__name__}({str(value)!r})"
    raise NoFingerprint(f"a {type(value).__module__}.{type(value).__qualname__} has no fingerprint")


def file_state(path: Path) -> list[int]:
    """Return what changes when a file changes: size, times of content and of inode, inode."""
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]


def same_files(states: Mapping[Path, list[int]]) -> bool:
    """Return whether every file still is in the state that was seen."""
    try:
        return all(file_state(path) == state for path, state in states.items())
    except FileNotFoundError:
        return False


class Memo:
    """A JSON file of values that were worked out from files, good for as long as those files look the same.

    Args:
        path: of the JSON file; None to keep nothing.
        reader: what worked the values out; those of another reader are not used.
    """

    def __init__(self, path: Path | None, reader: str = "") -> None:
        self._path = path
        self._reader = reader
        self._changed = False
        self._entries: dict[str, list[Any]] = {}
        if path is not None:
            with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
                noted = json.loads(path.read_text("utf-8"))
                self._entries = dict(noted["entries"]) if noted["reader"] == reader else {}

    def recall(self, path: Path, state: list[int]) -> Any:
        """Return what was noted for a file in this state, or None."""
        noted = self._entries.get(str(path))
        return noted[2] if noted and noted[0] == state and noted[1] - state[1] > RACY_NS else None

    def note(self, path: Path, state: list[int], value: Any) -> None:
        """Note a value for a file in this state."""
        self._entries[str(path)] = [state, time.time_ns(), value]
        self._changed = True

    def save(self) -> None:
        """Write what was noted, beside the file and renamed over it; drop what no longer exists."""
        if self._changed and self._path is not None:
            kept = {path: entry for path, entry in self._entries.items() if os.path.exists(path)}
            text = json.dumps({"reader": self._reader, "entries": kept}, separators=(",", ":"))
            write_atomically(self._path, text)
            self._changed = False


def write_atomically(path: Path, text: str) -> None:
    """Write a text so that a reader sees the old one or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.{time.monotonic_ns()}.tmp")
    beside.write_text(text, "utf-8")
    os.replace(beside, path)


class FileDigests:
    """Digests of files and folders; a file is read again only when its size, times or inode have changed."""

    def __init__(self, memo: Path | None = None) -> None:
        self._memo = Memo(memo)

    def of(self, path: Path) -> str | None:
        """Return the digest of a file, or of every file under a folder with its name; None where nothing is."""
        try:
            if not path.is_dir():
                return self._file(path)
            inside = sorted(p for p in path.rglob("*") if p.is_file() and p.name not in LEFT_BY_SYSTEMS)
            return digest("folder", *(t for p in inside for t in (p.relative_to(path).as_posix(), self._file(p))))
        except FileNotFoundError:
            return None

    def _file(self, path: Path) -> str:
        state = file_state(path)
        known = self._memo.recall(path, state)
        if known is None:
            known = content_digest(path)
            self._memo.note(path, state, known)
        return str(known)

    def save(self) -> None:
        """Keep what was read for the next process."""
        self._memo.save()


def content_digest(path: Path) -> str:
    """Return the digest of the bytes of a file."""
    hashed = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(CHUNK):
            hashed.update(block)
    return hashed.hexdigest()
