"""A Plotly figure in the catalog: one JSON file that is whole or not there, drawn by kedro-viz."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io import AbstractDataset
from kedro_datasets._typing import PlotlyPreview

from onetake.datasets.place import file_beside

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


class FigureDataset(AbstractDataset["Figure", "Figure"]):
    """Loads and saves a figure as Plotly's JSON; written beside its place and renamed, previewed by kedro-viz.

    >>> import tempfile
    >>> from plotly.graph_objects import Figure
    >>> dataset = FigureDataset(filepath=f"{tempfile.mkdtemp()}/scores.json")
    >>> dataset.save(Figure({"data": [{"type": "scatter", "y": [0.5]}]}))
    >>> dataset.load().data[0].y
    (0.5,)
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> Figure:
        """Read the figure."""
        from plotly.io import from_json

        figure: Figure = from_json(self._filepath.read_text(encoding="utf-8"))
        return figure

    def save(self, data: Figure) -> None:
        """Write the figure into place."""
        with file_beside(self._filepath) as beside:
            beside.write_text(data.to_json(), encoding="utf-8")

    def preview(self) -> PlotlyPreview:
        """The figure as kedro-viz draws it."""
        return PlotlyPreview(json.loads(self._filepath.read_text(encoding="utf-8")))

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath.as_posix()}
