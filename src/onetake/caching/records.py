"""One small file for each output: the fingerprint under which it was made, and the digest of its bytes."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from onetake.caching.fingerprint import digest, write_atomically
from onetake.caching.options import CacheError

SCHEMA = 1
"""Written into every record and every key; raise it when the meaning of either changes."""


@dataclass(frozen=True)
class Record:
    """What is known of an output.

    Attributes:
        node: who made it. key: the fingerprint of that node. digest: of the bytes that it wrote.
        parts: what the key was made of, so that a later run can say what changed.
    """

    node: str
    key: str
    digest: str
    parts: dict[str, str]


@dataclass(frozen=True)
class Records:
    """The records of a project.

    A dataset that two environments of conf keep at two places has two records.
    """

    folder: Path
    root: Path

    def path(self, dataset: str, location: Path) -> Path:
        """Return where the record of a dataset at a place lies."""
        place = location.relative_to(self.root) if location.is_relative_to(self.root) else location
        return self.folder / f"{re.sub(r'[^A-Za-z0-9._-]', '_', dataset)}-{digest(dataset, place.as_posix())[:8]}.json"

    def read(self, dataset: str, location: Path) -> Record | None:
        """Return a record; None where there is none that can be read."""
        try:
            plain = json.loads(self.path(dataset, location).read_text("utf-8"))
            if plain.pop("schema") != SCHEMA:
                return None
            return Record(**plain)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def write(self, dataset: str, location: Path, record: Record) -> None:
        """Write a record, complete or not at all.

        Raises:
            CacheError: if the folder cannot be written.
        """
        text = json.dumps({"schema": SCHEMA, **asdict(record)}, indent=1)
        try:
            write_atomically(self.path(dataset, location), text)
        except OSError as error:
            raise unwritable(self.folder, error) from error

    def forget(self, dataset: str, location: Path) -> None:
        """Remove a record.

        Raises:
            CacheError: if the folder cannot be written.
        """
        try:
            self.path(dataset, location).unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            raise unwritable(self.folder, error) from error


def unwritable(folder: Path, error: OSError) -> CacheError:
    """Return the refusal for a cache folder that cannot be written."""
    return CacheError(
        f"cache folder: got {folder} ({error.strerror or error}); wanted a folder that can be written, or cache=off"
    )
