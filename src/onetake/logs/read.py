"""Files → tables that remember where their rows came from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from onetake.errors import SchemaError
from onetake.logs.origin import Origin


@dataclass(frozen=True)
class RawTable:
    """A user's table as it was read, and the files behind it."""

    frame: pl.DataFrame
    origin: Origin


_READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".parquet": pl.read_parquet,
    ".csv": lambda path: pl.read_csv(path, infer_schema_length=None, try_parse_dates=True),
    ".jsonl": lambda path: pl.read_ndjson(path, infer_schema_length=None),
    ".ndjson": lambda path: pl.read_ndjson(path, infer_schema_length=None),
}


def read_table(source: str | Path) -> RawTable:
    """Read a Parquet, CSV or JSON-lines file, or all of a folder's files in order of name.

    Raises:
        SchemaError: naming the file that is missing, truncated, not what its name says, or unlike the others.
    """
    source = Path(source)
    paths = sorted(path for path in source.iterdir() if path.suffix in _READERS) if source.is_dir() else [source]
    if not paths:
        raise SchemaError(f"{source}: got a folder without tables; wanted {', '.join(_READERS)} files")
    frames = [_read_file(path) for path in paths]
    for path, frame in zip(paths, frames, strict=True):
        if frame.schema != frames[0].schema:
            raise SchemaError(f"{path}: got other columns than {paths[0].name}; wanted the same in all files")
    origin = Origin(tuple(_shown(path) for path in paths), tuple(frame.height for frame in frames))
    return RawTable(pl.concat(frames), origin)


def _read_file(path: Path) -> pl.DataFrame:
    reader = _READERS.get(path.suffix)
    if reader is None:
        raise SchemaError(f"{_shown(path)}: got a {path.suffix or 'nameless'} file; wanted {', '.join(_READERS)}")
    try:
        return reader(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise SchemaError(f"{_shown(path)}: got {reason}; wanted a whole {path.suffix[1:]} file") from error


def _shown(path: Path) -> str:
    """Return the path as it is shown: from the working directory where it lies below it."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()
