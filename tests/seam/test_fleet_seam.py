"""The extension's fleet: it checks what it is given and owns what it returns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onetake import _core
from onetake.errors import ConfigError, ShapeError, UnknownIdError

pytestmark = pytest.mark.seam

ONE = np.ones(1)
DRAW = ("posterior_draw", 1.0, 1.0)


def fleet(entities: int = 4, arms: int = 2, trials: Any = ONE, counts: Any = None, bounds: Any = (0 * ONE, ONE)) -> Any:
    ids = np.arange(entities, dtype=np.uint32)
    return _core.Fleet(7, ids, ids[:1], arms, False, trials, counts, bounds)


def test_returned_arrays_are_apart_from_the_fleet() -> None:
    it = fleet()
    total, weight = it.counts()
    total += 5
    weight += 9
    assert it.counts()[0].sum() == it.counts()[1].sum() == 0
    first, second = (it.decide(DRAW, 3, None, None, 0.0, 0.0, 1) for _ in range(2))
    first += 100
    assert second.max() < 2
    assert it.probabilities(DRAW, 3, None, None, 0.0, 0.0, 1).shape == (4, 2)


@pytest.mark.bad_input
def test_a_fleet_refuses_parts_that_do_not_fit() -> None:
    for wrong, text in (
        ({"entities": 0}, "fleet: got 1 × 0|fleet: got 0 × 0"),
        ({"arms": 0}, "with 0 arms; wanted at least one"),
        ({"trials": np.ones(3)}, "trials: got 3 numbers; wanted 1 or 4"),
        ({"trials": np.array([np.nan])}, "trials: got NaN; wanted finite numbers"),
        ({"bounds": (0 * ONE, np.full(1, np.inf))}, "reward_high: got inf; wanted finite numbers"),
        ({"counts": (np.ones(3), np.ones(2))}, "count_reward: got 3 scales and 2 offsets; wanted 2 of each"),
    ):
        with pytest.raises(ShapeError, match=text):
            fleet(**wrong)


@pytest.mark.bad_input
def test_a_fleet_refuses_requests_that_do_not_fit() -> None:
    it = fleet()
    open_arms = np.ones((4, 2), bool)
    for rows, mask, text in (
        (np.array([4]), None, "rows: got 4; wanted 0 to 3"),
        (np.array([-1]), None, "rows: got -1; wanted 0 to 3"),
        (None, open_arms[:3], "mask: got 6 values; wanted 4 × 2"),
        (None, ~open_arms, "mask: got no allowed action in row 0"),
        (None, np.asfortranarray(open_arms), "matrix: got a strided view; wanted rows one"),
        (np.arange(8)[::2], None, "rows: got a strided view; wanted a contiguous array"),
    ):
        with pytest.raises(ShapeError, match=text):
            it.decide(DRAW, 0, rows, mask, 0.0, 0.0, 1)
    with pytest.raises(UnknownIdError, match=r"unknown rule 'best\[0\.0, 0\.0\]'; known: uniform, fixed"):
        it.decide(("best", 0.0, 0.0), 0, None, None, 0.0, 0.0, 1)
    with pytest.raises(UnknownIdError, match=r"fixed\[2\.0, 0\.0\]"):
        it.decide(("fixed", 2.0, 0.0), 0, None, None, 0.0, 0.0, 1)
    with pytest.raises(ConfigError, match="threads: got 0; wanted at least 1"):
        it.decide(DRAW, 0, None, None, 0.0, 0.0, 0)


@pytest.mark.bad_input
def test_saved_counts_that_no_play_can_give_are_refused() -> None:
    it, right = fleet(), np.zeros((2, 4))
    for wrong, text in (
        (np.zeros((2, 3)), "total: got 6 numbers; wanted 2 × 4"),
        (right - 1, "total: got -1; wanted finite numbers from 0 on"),
        (right + np.nan, "total: got NaN; wanted finite"),
    ):
        with pytest.raises(ShapeError, match=text):
            it.restore(wrong, right)
    it.restore(right + 1, right + 2)
    assert it.counts()[1].sum() == 16
