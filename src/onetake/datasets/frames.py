"""Several Polars frames that belong together: one folder, one Parquet file for each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
from kedro.io import AbstractDataset
from kedro_datasets._typing import TablePreview

from onetake.datasets.frame import table_preview
from onetake.datasets.place import folder_beside
from onetake.evaluation.history import slug
from onetake.evaluation.spool import check_replaceable


class FramesDataset(AbstractDataset[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]):
    """Loads and saves a mapping from name to frame as a folder of Parquet files.

    Names must be plain: lower case, digits, ``.``, ``_`` and ``-``. The folder is written beside its place and renamed,
    so that it never holds frames of two runs.

    ```yaml
    scorecard_truman:
      type: onetake.datasets.frames.FramesDataset
      filepath: data/07_model_output/scorecards/truman
      shown: leaderboard          # the frame that kedro-viz previews
    ```

    >>> import tempfile
    >>> dataset = FramesDataset(filepath=f"{tempfile.mkdtemp()}/card")
    >>> dataset.save({"scores": pl.DataFrame({"score": [0.5]})})
    >>> list(dataset.load())
    ['scores']
    """

    def __init__(self, *, filepath: str, shown: str | None = None, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self._shown = shown
        self.metadata = metadata

    def load(self) -> dict[str, pl.DataFrame]:
        """Read all frames, by name."""
        return {path.stem: pl.read_parquet(path) for path in sorted(self._filepath.glob("*.parquet"))}

    def save(self, data: dict[str, pl.DataFrame]) -> None:
        """Write all frames into place.

        Raises:
            ValueError: a name that is no plain file name.
            OutputError: something that is no folder of frames lies there.
        """
        check_replaceable(Path(self._filepath), "*.parquet")
        for name in data:
            if slug(name) != name:
                raise ValueError(f"frame: got the name {name!r}; wanted lower case, digits, '.', '_' and '-'")
        with folder_beside(self._filepath) as folder:
            for name, frame in data.items():
                frame.write_parquet(folder / f"{name}.parquet")

    def preview(self, nrows: int = 20) -> TablePreview:
        """First rows of the frame that is shown, for kedro-viz."""
        frames = self.load()
        return table_preview(frames[self._shown or min(frames)].head(nrows))

    def _exists(self) -> bool:
        return self._filepath.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath.as_posix(), "shown": self._shown}
