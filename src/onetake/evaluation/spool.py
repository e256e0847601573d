"""Writes the rows of a history as they come; what is in memory never depends on the horizon."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from onetake.errors import OutputError
from onetake.types import BatchSpec, Bool, Float32, Float64, Int64

ROWS_PER_GROUP = 1 << 16
_LATENT = (
    ("latent_expected_reward", pa.float64()),
    ("latent_best_reward", pa.float64()),
    ("latent_best_action", pa.int64()),
    ("latent_greedy_action", pa.int64()),
)


class ParquetSpool:
    """A Parquet file whose bytes depend only on the rows, not on the pieces they came in.

    Args:
        path: file to write; it appears when the spool is closed.
        schema: columns.
        rows_per_group: rows of a row group, or None for one group per piece.
    """

    def __init__(self, path: Path, schema: pa.Schema, rows_per_group: int | None = ROWS_PER_GROUP) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._part = path, path.with_name(f".{path.name}")
        self._rows_per_group = rows_per_group
        self._waiting: list[pa.Table] = []
        self._count = 0
        self._writer = pq.ParquetWriter(self._part, schema, compression="zstd")

    def add(self, piece: pa.Table) -> None:
        """Append rows."""
        if self._rows_per_group is None:
            self._writer.write_table(piece)
            return
        self._waiting.append(piece)
        self._count += piece.num_rows
        if self._count >= self._rows_per_group:
            self._flush(self._count - self._count % self._rows_per_group)

    def _flush(self, rows: int) -> None:
        table = pa.concat_tables(self._waiting)
        if rows:
            self._writer.write_table(table.slice(0, rows).combine_chunks(), row_group_size=self._rows_per_group)
        # The rest is copied, so that the pieces it came from can be freed.
        rest = table.slice(rows).combine_chunks()
        self._waiting, self._count = [rest], rest.num_rows

    def close(self) -> None:
        """Write what is waiting and give the file its name."""
        if self._count:
            self._flush(self._count)
        self._writer.close()
        self._part.rename(self._path)

    def abandon(self) -> None:
        """Close without giving the file its name."""
        self._writer.close()
        self._part.unlink(missing_ok=True)


@dataclass(frozen=True)
class Latent:
    """What the evaluator knows of one step; one number per environment ``(n,)``."""

    expected_reward: Float64
    best_reward: Float64
    best_action: Int64
    greedy_action: Int64


class BlockSpool:
    """Spools one block of replicates into a folder.

    Args:
        folder: gets ``observable.parquet`` and ``latent.parquet``.
        spec: of the block; names the observations and numbers the environments.
        per_step: one row group a step, for blocks that will be merged.
    """

    def __init__(self, folder: Path, spec: BatchSpec, *, per_step: bool = False) -> None:
        self._folder = folder
        self._replicate = np.repeat(spec.replicate_ids, len(spec.entity_ids))
        self._entity = np.tile(spec.entity_ids, len(spec.replicate_ids))
        self._names = [f"obs_{name}" for name in spec.observation_names]
        fields = [("step", pa.int32()), ("replicate", pa.uint32()), ("entity", pa.uint32())]
        fields += [("action", pa.int64()), ("reward", pa.float64())]
        fields += [("terminated", pa.bool_()), ("truncated", pa.bool_())]
        fields += [(name, pa.float32()) for name in self._names]
        self._schema, self._hidden = pa.schema(fields), pa.schema(_LATENT)
        rows = None if per_step else ROWS_PER_GROUP
        self._observable = ParquetSpool(folder / "observable.parquet", self._schema, rows)
        self._latent = ParquetSpool(folder / "latent.parquet", self._hidden, rows)

    def reset(self, obs: Float32) -> None:
        """Write the rows of the reset: observations ``(n, d)`` and nothing done."""
        count = len(obs)
        no = np.zeros(count, dtype=np.bool_)
        empty = {"action": pa.nulls(count, pa.int64()), "reward": pa.nulls(count, pa.float64())}
        self._write(0, obs, empty | {"terminated": no, "truncated": no})
        self._latent.add(pa.table({name: pa.nulls(count, kind) for name, kind in _LATENT}, schema=self._hidden))

    def step(self, step: int, action: Int64, reward: Float64, ended: tuple[Bool, Bool], obs: Float32) -> None:
        """Write the observable rows after ``step`` steps; ``ended`` is terminated and truncated."""
        done = {"action": action, "reward": reward, "terminated": ended[0], "truncated": ended[1]}
        self._write(step, obs, done)

    def know(self, latent: Latent) -> None:
        """Write the latent rows of the same step."""
        values = (latent.expected_reward, latent.best_reward, latent.best_action, latent.greedy_action)
        columns = {name: pa.array(value) for (name, _), value in zip(_LATENT, values, strict=True)}
        self._latent.add(pa.table(columns, schema=self._hidden))

    def _write(self, step: int, obs: Float32, done: Mapping[str, NDArray[Any] | pa.Array]) -> None:
        columns: dict[str, Any] = {"step": np.full(len(obs), step, dtype=np.int32)}
        columns |= {"replicate": self._replicate, "entity": self._entity, **done}
        columns |= {name: np.ascontiguousarray(obs[:, i]) for i, name in enumerate(self._names)}
        self._observable.add(pa.table(columns, schema=self._schema))

    def close(self) -> None:
        """Finish both files."""
        self._observable.close()
        self._latent.close()

    def abandon(self) -> None:
        """Give both files up."""
        self._observable.abandon()
        self._latent.abandon()


def merge_blocks(blocks: list[Path], folder: Path) -> None:
    """Weave blocks of replicates, one row group a step, into the files that one batch would have written."""
    if len(blocks) == 1 and blocks[0] == folder:
        return
    for name in ("observable.parquet", "latent.parquet"):
        files = [pq.ParquetFile(block / name) for block in blocks]
        spool = ParquetSpool(folder / name, files[0].schema_arrow)
        for group in _groups(files):
            spool.add(group)
        spool.close()
        for file in files:
            file.close()
    for block in blocks:
        shutil.rmtree(block)


def _groups(files: list[pq.ParquetFile]) -> Iterator[pa.Table]:
    for step in range(files[0].num_row_groups):
        for file in files:
            yield file.read_row_group(step)


def check_replaceable(folder: Path, mark: str) -> None:
    """Refuse to take the place of anything but an older output of the same kind, known by a file named like ``mark``.

    Raises:
        OutputError: a file, or a folder with something else in it.
    """
    if not folder.exists() or (folder.is_dir() and (any(folder.glob(mark)) or not any(folder.iterdir()))):
        return
    raise OutputError(f"{folder}: got something else there; wanted nothing, an empty folder, or one with {mark}")
