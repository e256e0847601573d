"""A decision log in the catalog: a folder of two Parquet tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset
from kedro_datasets._typing import TablePreview

from onetake.logs import DecisionLog, read_log, write_log


class DecisionLogDataset(AbstractDataset[DecisionLog, DecisionLog]):
    """Loads and saves a `DecisionLog` as ``decisions.parquet``, ``outcomes.parquet`` and ``log.json`` in one folder.

    The folder is written beside its place and renamed; one that was changed since, or has another schema version, is
    refused.

    ```yaml
    thornton_log:
      type: onetake.datasets.decision_log.DecisionLogDataset
      filepath: data/02_intermediate/thornton_log
    ```
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> DecisionLog:
        """Read and check the log."""
        return read_log(self._filepath)

    def save(self, data: DecisionLog) -> None:
        """Write the log into place."""
        write_log(data, self._filepath)

    def preview(self, nrows: int = 5) -> TablePreview:
        """First decisions with their outcomes, for kedro-viz."""
        joined = self.load().joined().head(nrows)
        rows = [[None if value is None else str(value) for value in row] for row in joined.rows()]
        return TablePreview({"index": list(range(len(rows))), "columns": joined.columns, "data": rows})

    def _exists(self) -> bool:
        return (self._filepath / "log.json").is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath.as_posix()}
