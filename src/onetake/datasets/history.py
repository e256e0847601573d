"""A history in the catalog: the folder that the run has spooled, renamed into place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset
from kedro_datasets._typing import PlotlyPreview

from onetake.errors import OutputError
from onetake.evaluation import History


class HistoryDataset(AbstractDataset[History, History]):
    """Loads and saves a `History` as its folder; nothing is copied but across file systems.

    ```yaml
    "evaluation.{suite}.{agent}.history":
      type: onetake.datasets.history.HistoryDataset
      filepath: data/07_model_output/evaluation/{suite}/{agent}/history
    ```
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> History:
        """Open the history; its rows are read when asked for."""
        return History(self._filepath)

    def save(self, data: History) -> None:
        """Rename the folder into place.

        Raises:
            OutputError: the place cannot be written.
        """
        try:
            data.move(self._filepath)
        except OSError as error:
            raise OutputError(
                f"{self._filepath}: got {error.strerror or error}; wanted a directory that can be written"
            ) from error

    def preview(self) -> PlotlyPreview:
        """The first environment, drawn, for kedro-viz."""
        return PlotlyPreview(self.load().plot().to_plotly_json())

    def _exists(self) -> bool:
        return (self._filepath / "history.json").is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath.as_posix()}
