"""A plain record in the catalog: one JSON file that is whole or not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset
from kedro_datasets._typing import JSONPreview

from onetake.datasets.place import file_beside


class RecordDataset(AbstractDataset[Any, Any]):
    """Loads and saves mappings and lists as JSON; written beside its place and renamed, previewed by kedro-viz.

    A number that is not finite has no place in JSON and is refused where it is saved.

    >>> import tempfile
    >>> dataset = RecordDataset(filepath=f"{tempfile.mkdtemp()}/fit.json")
    >>> dataset.save({"verdict": "may be used"})
    >>> dataset.load()
    {'verdict': 'may be used'}
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> Any:
        """Read the record."""
        return json.loads(self._filepath.read_text(encoding="utf-8"))

    def save(self, data: Any) -> None:
        """Write the record into place."""
        text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)
        with file_beside(self._filepath) as beside:
            beside.write_text(text, encoding="utf-8")

    def preview(self) -> JSONPreview:
        """The record as text, for kedro-viz."""
        return JSONPreview(self._filepath.read_text(encoding="utf-8"))

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath.as_posix()}
