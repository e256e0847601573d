"""Raw arrays in the catalog: a NumPy archive by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from kedro.io import AbstractDataset, DatasetError
from numpy.typing import NDArray

from onetake.errors import SchemaError


class ArraysDataset(AbstractDataset[NoReturn, dict[str, NDArray[Any]]]):
    """Loads every array of an ``.npz`` archive; nothing in it is ever run as code.

    >>> import tempfile
    >>> path = f"{tempfile.mkdtemp()}/model.npz"
    >>> np.savez(path, start=np.ones(1))
    >>> ArraysDataset(filepath=path).load()
    {'start': array([1.])}
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> dict[str, NDArray[Any]]:
        """Read the arrays.

        Raises:
            SchemaError: a file that is missing, cut or no archive of plain arrays.
        """
        try:
            with np.load(self._filepath, allow_pickle=False) as archive:
                return dict(archive)
        except (OSError, ValueError, EOFError) as error:
            raise SchemaError(f"{self._filepath}: got {error}; wanted an .npz archive of plain arrays") from error

    def save(self, data: NoReturn) -> None:
        """Refuse: raw data are never written."""
        raise DatasetError(f"{self._filepath}: got arrays to save; wanted raw data to be read only")

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath.as_posix()}
