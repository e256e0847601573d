"""A page as a dataset: one HTML file, written beside and renamed, that kedro-viz previews."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset
from kedro_datasets._typing import HTMLPreview  # kedro-viz knows a preview by this name and kedro-datasets has no other

from onetake.datasets.place import file_beside

SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL | re.IGNORECASE)


class HTMLDataset(AbstractDataset[str, str]):
    """Text of an HTML page in one file.

    Raises:
        DatasetError: where the file cannot be written, caused by an `OutputError`; what was there before stays whole.

    >>> import tempfile
    >>> page = HTMLDataset(filepath=f"{tempfile.mkdtemp()}/report.html")
    >>> page.save("<p>one take</p>")
    >>> page.load()
    '<p>one take</p>'
    """

    def __init__(self, *, filepath: str | os.PathLike[str], metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> str:
        """Return the text of the page."""
        return self._filepath.read_text(encoding="utf-8")

    def save(self, data: str) -> None:
        """Write the page beside its place and rename it there."""
        with file_beside(self._filepath) as beside:
            beside.write_text(data, encoding="utf-8")

    def preview(self) -> HTMLPreview:
        """Return the page without its scripts, which kedro-viz would drop: words and tables stay."""
        return HTMLPreview(SCRIPT.sub("", self.load()))

    def _exists(self) -> bool:
        return self._filepath.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}
