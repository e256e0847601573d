"""How numbers are shown, and what is refused before anything is drawn."""

from __future__ import annotations

import polars as pl
import pytest

from onetake.errors import SchemaError
from onetake.reports.columns import require_columns, require_keys
from onetake.reports.document import interval_cell, number, number_cell

pytestmark = pytest.mark.report


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (0.99996, "1"),
        (12345.678, "12,346"),
        (-0.00012345, "−0.0001234"),
        (1e-9, "1.000e-09"),
        (float("nan"), "–"),
        (float("-inf"), "−∞"),
    ],
)
def test_numbers_are_shown_in_four_figures(value: float, shown: str) -> None:
    assert number(value) == shown


def test_a_missing_number_has_nothing_to_sort_by() -> None:
    assert number_cell(float("nan")).order is None
    assert interval_cell(None, 0.0, 1.0).order is None
    assert interval_cell(0.5, None, None).text == "0.5"


def test_missing_columns_are_named_with_the_nearest_there_are() -> None:
    frame = pl.DataFrame({"agent": ["a"], "scores": [1.0]})
    with pytest.raises(
        SchemaError, match=r"^leaderboard: got no column score \(nearest: scores\); wanted agent, score$"
    ):
        require_columns(frame, ["agent", "score"], "leaderboard")
    with pytest.raises(SchemaError, match=r"^thornton_fit: got no key replay; wanted replay$"):
        require_keys({}, ["replay"], "thornton_fit")
