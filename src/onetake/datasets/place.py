"""Output that is whole or not there: written beside its place, then renamed."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from onetake.errors import OutputError


@contextlib.contextmanager
def file_beside(place: Path) -> Iterator[Path]:
    """Give a path to write a file to; it takes the name of ``place`` when the block ends well.

    Raises:
        OutputError: the place cannot be written; what was there before stays whole.
    """
    with _beside(place, "a file") as beside:
        try:
            yield beside
            beside.replace(place)
        finally:
            with contextlib.suppress(OSError):
                beside.unlink()


@contextlib.contextmanager
def folder_beside(place: Path) -> Iterator[Path]:
    """Give an empty folder to fill; it takes the name of ``place``, whatever was there, when the block ends well.

    Raises:
        OutputError: the place cannot be written.
    """
    with _beside(place, "a directory") as beside:
        try:
            beside.mkdir()
            yield beside
            if place.exists():
                shutil.rmtree(place)
            beside.rename(place)
        finally:
            shutil.rmtree(beside, ignore_errors=True)


@contextlib.contextmanager
def _beside(place: Path, kind: str) -> Iterator[Path]:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        yield place.with_name(f".{place.name}.{os.getpid()}.tmp")
    except OSError as error:
        raise OutputError(f"{place}: got {error.strerror or error}; wanted {kind} that can be written") from error
