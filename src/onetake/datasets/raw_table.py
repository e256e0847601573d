"""A user's raw table in the catalog: any file that `onetake.logs.read_table` reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError
from kedro_datasets._typing import TablePreview

from onetake.logs import RawTable, read_table


class RawTableDataset(AbstractDataset[NoReturn, RawTable]):
    """Loads a Parquet, CSV or JSON-lines file (or a folder of them) together with its name, for refusals to show.

    ```yaml
    thornton_table:
      type: onetake.datasets.raw_table.RawTableDataset
      filepath: data/01_raw/thornton_hiv/thornton.csv
    ```
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> RawTable:
        """Read the table."""
        return read_table(self._filepath)

    def save(self, data: NoReturn) -> None:
        """Refuse: raw data are never written."""
        raise DatasetError(f"{self._filepath}: got a table to save; wanted raw data to be read only")

    def preview(self, nrows: int = 5) -> TablePreview:
        """First rows, for kedro-viz."""
        frame = self.load().frame.head(nrows)
        rows = [[None if value is None else str(value) for value in row] for row in frame.rows()]
        return TablePreview({"index": list(range(len(rows))), "columns": frame.columns, "data": rows})

    def _exists(self) -> bool:
        return self._filepath.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath.as_posix()}
