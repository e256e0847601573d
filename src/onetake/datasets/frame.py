"""A Polars frame in the catalog: one Parquet file that is whole or not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
from kedro.io import AbstractDataset
from kedro_datasets._typing import TablePreview

from onetake.datasets.place import file_beside


class FrameDataset(AbstractDataset[pl.DataFrame, pl.DataFrame]):
    """Loads and saves a frame as Parquet; written beside its place and renamed, previewed by kedro-viz.

    >>> import tempfile
    >>> dataset = FrameDataset(filepath=f"{tempfile.mkdtemp()}/scores.parquet")
    >>> dataset.save(pl.DataFrame({"score": [0.5]}))
    >>> dataset.load()["score"].to_list()
    [0.5]
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> pl.DataFrame:
        """Read the frame."""
        return pl.read_parquet(self._filepath)

    def save(self, data: pl.DataFrame) -> None:
        """Write the frame into place."""
        with file_beside(self._filepath) as beside:
            data.write_parquet(beside)

    def preview(self, nrows: int = 10) -> TablePreview:
        """First rows, for kedro-viz."""
        return table_preview(pl.scan_parquet(self._filepath).head(nrows).collect())

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath.as_posix()}


def table_preview(frame: pl.DataFrame) -> TablePreview:
    """Return a frame in the form that kedro-viz shows."""
    rows = [[None if value is None else str(value) for value in row] for row in frame.rows()]
    return TablePreview({"index": list(range(len(rows))), "columns": frame.columns, "data": rows})
