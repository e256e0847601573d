"""Decision logs on disk: a folder of two Parquet tables and a record of what they hold."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import polars as pl

from onetake.errors import OutputError, SchemaError
from onetake.logs.checks import check_log
from onetake.logs.origin import Origin
from onetake.logs.schema import SCHEMA_VERSION, DecisionLog, LogMeta

_RECORD = "log.json"
_TABLES = ("decisions.parquet", "outcomes.parquet")


def write_log(log: DecisionLog, folder: str | Path) -> None:
    """Write ``decisions.parquet``, ``outcomes.parquet`` and ``log.json``; the folder appears whole or not at all.

    Each table also carries schema version and meta among its Parquet key-values, so that it explains itself alone.

    Raises:
        OutputError: if the place cannot be written, or holds anything but a log; what was there before then stays.
    """
    folder = Path(folder)
    try:
        _check_place(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"{folder}: got {error.strerror}; wanted a folder that can be written") from error
    try:
        _fill(beside, log)
        beside.chmod(0o755)
        _swap(beside, folder)
    except OSError as error:
        raise OutputError(f"{folder}: got {error.strerror}; wanted a folder that can be written") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def read_log(folder: str | Path) -> DecisionLog:
    """Read what `write_log` wrote.

    Raises:
        SchemaError: naming the file that is missing, of another schema version, or not as it was written.
    """
    folder = Path(folder)
    record = _record(folder / _RECORD)
    frames: list[pl.DataFrame] = []
    for name in _TABLES:
        path = folder / name
        try:
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise SchemaError(f"{path}: got {error.strerror}; wanted a table of a decision log") from error
        if found != record["files"].get(name):
            raise SchemaError(f"{path}: got a file with digest {found[:12]}; wanted the one that {_RECORD} names")
        frames.append(pl.read_parquet(path, glob=False))
    log = DecisionLog(frames[0], frames[1], LogMeta.from_mapping(record["meta"]))
    origins = [Origin((str(folder / name),)) for name in _TABLES]
    return check_log(log, origins[0], origins[1])


def _check_place(folder: Path) -> None:
    """Refuse a place whose contents a log must not take away."""
    if not folder.exists() or (folder.is_dir() and ((folder / _RECORD).is_file() or not any(folder.iterdir()))):
        return
    got = "a folder that holds something else" if folder.is_dir() else "a file"
    raise OutputError(f"{folder}: got {got}; wanted a new or empty folder, or that of a decision log")


def _fill(folder: Path, log: DecisionLog) -> None:
    head = {"onetake_schema_version": str(SCHEMA_VERSION), "onetake_meta": log.meta.to_json()}
    for name, frame in zip(_TABLES, (log.decisions, log.outcomes), strict=True):
        frame.write_parquet(folder / name, metadata=head)
    digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in _TABLES}
    record = {"schema_version": SCHEMA_VERSION, "meta": json.loads(log.meta.to_json()), "files": digests}
    (folder / _RECORD).write_text(json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")


def _swap(new: Path, place: Path) -> None:
    """Put the folder ``new`` at ``place``: a folder cannot be renamed over a full one, so the old one steps aside."""
    if not place.exists():
        new.rename(place)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=place.parent)) / "old"
    place.rename(old)
    try:
        new.rename(place)
    except OSError:
        old.rename(place)
        raise
    finally:
        shutil.rmtree(old.parent, ignore_errors=True)


def _record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SchemaError(f"{path}: got {error.strerror}; wanted the record of a decision log") from error
    except ValueError as error:
        raise SchemaError(f"{path}: got text that is no JSON; wanted the record of a decision log") from error
    if not isinstance(record, dict) or record.get("schema_version") != SCHEMA_VERSION:
        version = record.get("schema_version") if isinstance(record, dict) else None
        raise SchemaError(f"{path}: got schema version {version!r}; wanted {SCHEMA_VERSION}")
    if not isinstance(record.get("files"), dict) or not isinstance(record.get("meta"), dict):
        raise SchemaError(f"{path}: got no files or meta; wanted the record of a decision log")
    return record
