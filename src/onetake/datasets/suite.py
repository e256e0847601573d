"""A suite of environments in the catalog: its folder of settings and parameter columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
from kedro.io import AbstractDataset
from kedro_datasets._typing import TablePreview

from onetake.datasets.frame import table_preview
from onetake.envs.suite import Suite


class SuiteDataset(AbstractDataset[Suite, Suite]):
    """Loads and saves a `Suite`; written beside its place and renamed.

    ```yaml
    "suite_{name}":
      type: onetake.datasets.suite.SuiteDataset
      filepath: data/03_primary/suites/{name}
    ```
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> Suite:
        """Read the suite."""
        return Suite.load(self._filepath)

    def save(self, data: Suite) -> None:
        """Write the suite into place."""
        data.save(self._filepath)

    def preview(self, nrows: int = 20) -> TablePreview:
        """The environments, one a row, for kedro-viz."""
        suite = self.load()
        rows = [
            {
                "environment": entry.name,
                "family": entry.family,
                "entities": entry.entities,
                "replicates": entry.replicates,
                "steps": entry.steps,
                "parameter draws": entry.draws,
                "own columns": ", ".join(entry.columns or ()),
            }
            for entry in suite.environments[:nrows]
        ]
        return table_preview(pl.DataFrame(rows))

    def _exists(self) -> bool:
        return (self._filepath / "suite.json").is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath.as_posix()}
