"""Where rows came from, so that a refusal can name file, row and column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, time

import numpy as np
import polars as pl

from onetake.errors import SchemaError
from onetake.types import Int64


@dataclass(frozen=True)
class Origin:
    """The files behind a table, which of their rows are still in it, and what its columns were called there.

    Attributes:
        files: names, in the order in which their rows stand.
        sizes: rows of each file.
        rows: for each row of the table its row before anything was dropped ``(n,)``, or None for all in order.
        columns: schema column → column of the file, where they differ.

    >>> print(Origin(("a.csv", "b.csv"), (2, 3)).refusal(3, "propensity", 0.0, "a number in (0, 1]"))
    b.csv, row 2, column propensity: got 0.0; wanted a number in (0, 1]
    """

    files: tuple[str, ...]
    sizes: tuple[int, ...] = ()
    rows: Int64 | None = None
    columns: Mapping[str, str] = field(default_factory=dict)

    def place(self, row: int) -> str:
        """Name the file and the row in it, counted from 1 without a header."""
        row = row if self.rows is None else int(self.rows[row])
        for name, size in zip(self.files, self.sizes, strict=False):
            if row < size:
                return f"{name}, row {row + 1}"
            row -= size
        return f"{self.files[-1]}, row {row + 1}"

    def refusal(self, row: int, column: str, got: object, wanted: str) -> SchemaError:
        """Return the error that names file, row and column."""
        name = self.columns.get(column, column)
        got = got.to_list() if isinstance(got, pl.Series) else got
        shown = got.isoformat() if isinstance(got, date | time) else repr(got)
        return SchemaError(f"{self.place(row)}, column {name}: got {shown}; wanted {wanted}")

    def missing(self, column: str, present: list[str]) -> SchemaError:
        """Return the error for a column that is not there."""
        # A file that is no text has names of any characters.
        names = [name if name.isprintable() else ascii(name) for name in present[:12]]
        shown = ", ".join(names) + (", …" if len(present) > 12 else "")
        return SchemaError(f"{', '.join(self.files)}: got columns {shown}; wanted column {column}")

    def keep(self, kept: Int64) -> Origin:
        """Return the origin of the rows ``kept`` ``(m,)``."""
        return replace(self, rows=kept if self.rows is None else self.rows[kept])

    def named(self, columns: Mapping[str, str]) -> Origin:
        """Return this origin with the names that the columns have in the file."""
        return replace(self, columns=dict(columns))


def refuse_where(bad: pl.Series | np.ndarray, values: pl.Series, origin: Origin, column: str, wanted: str) -> None:
    """Raise for the first row where ``bad`` holds ``(n,)``; a null in ``bad`` counts as bad.

    Raises:
        SchemaError: naming file, row and column, with the value found there.
    """
    mask = bad.fill_null(True).to_numpy() if isinstance(bad, pl.Series) else bad
    if mask.any():
        row = int(np.argmax(mask))
        raise origin.refusal(row, column, values[row], wanted)
