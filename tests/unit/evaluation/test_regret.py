"""Parts of the regret add up to the last bit, whatever the totals."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onetake.agents import make
from onetake.envs.suite import EnvironmentEntry, Suite
from onetake.evaluation import EvaluationSettings, run_cell
from onetake.evaluation.curves import CurveRecorder, kept_steps
from onetake.evaluation.regret import Ledger, Totals

pytestmark = pytest.mark.regret_accounting

money = st.floats(min_value=-1e15, max_value=1e15, allow_nan=False)


@given(st.lists(money, min_size=9, max_size=9))
def test_parts_add_up_exactly_in_any_order(numbers: list[float]) -> None:
    unconstrained, oracle, greedy, played, random, per_entity, realised, *arms = (np.array([x]) for x in numbers)
    raw = Totals(
        unconstrained, oracle, greedy, played, random, np.array([[arms[0][0], arms[1][0]]]), per_entity, realised
    )
    totals = raw.on_grid()
    parts = (totals.cost_of_constraints, totals.cost_of_not_knowing, totals.cost_of_exploring)
    assert (parts[0] + parts[1]) + parts[2] == totals.regret
    assert parts[0] + (parts[1] + parts[2]) == totals.regret
    assert totals.unconstrained - totals.played == totals.regret
    assert totals.played + totals.regret == totals.unconstrained


@given(st.lists(money, min_size=9, max_size=9))
def test_the_grid_changes_a_total_by_less_than_its_own_rounding(numbers: list[float]) -> None:
    row = [np.array([x]) for x in numbers]
    raw = Totals(row[0], row[1], row[2], row[3], row[4], np.array([[numbers[5], numbers[6]]]), row[7], row[8])
    largest = max(abs(x) for x in numbers)
    for name in ("unconstrained", "oracle", "greedy", "played", "random", "arms", "best_fixed_per_entity", "realised"):
        assert np.abs(getattr(raw.on_grid(), name) - getattr(raw, name)).max() <= largest * 2.0**-50


def test_the_grid_of_a_replicate_does_not_depend_on_its_neighbours() -> None:
    def totals(rows: slice) -> Totals:
        numbers = np.array([[1 / 3, 2 / 3], [1e9 / 7, 1e9 / 3]])[rows]
        column = numbers[:, 0]
        return Totals(column, column, column, column / 3, column, numbers, column, column).on_grid()

    both, second = totals(slice(None)), totals(slice(1, None))
    np.testing.assert_array_equal(both.arms[1:], second.arms)
    np.testing.assert_array_equal(both.regret[1:], second.regret)


def test_untracked_best_fixed_stays_unknown() -> None:
    ledger = Ledger(replicates=2, num_actions=2)
    one = np.ones(2)
    account = {"oracle": one, "greedy": one, "played": one, "random": one, "arms": np.ones((2, 2))}
    ledger.add(account, realised=one)
    assert np.isnan(ledger.close().best_fixed_per_entity).all()
    np.testing.assert_array_equal(ledger.close().regret, np.zeros(2))


@given(st.integers(1, 5_000), st.integers(2, 300))
def test_curves_keep_first_and_last_and_no_more_than_asked(horizon: int, points: int) -> None:
    steps = kept_steps(horizon, points)
    assert steps[0] == 1
    assert steps[-1] == horizon
    assert len(steps) == min(horizon, points)
    assert (np.diff(steps) > 0).all()


def test_the_last_point_of_a_curve_is_the_total() -> None:
    rng = np.random.default_rng(5)
    ledger, recorder = Ledger(replicates=3, num_actions=2), CurveRecorder(horizon=50, points=7)
    for _ in range(50):
        arms = rng.random((3, 2))
        account = {
            "oracle": arms.max(1),
            "greedy": arms[:, 0],
            "played": arms[:, 1],
            "random": arms.mean(1),
            "arms": arms,
        }
        ledger.add(account, realised=rng.random(3))
        recorder.look(ledger)
    frame = recorder.frame(4, draws=1, seeds=7)
    last = frame.filter(frame["step"] == 50)
    assert last["replicate"].to_list() == [4, 5, 6]
    np.testing.assert_allclose(last["regret"].to_numpy(), ledger.close().regret, atol=1e-12)


def test_the_cost_of_a_budget_is_its_own_part_and_all_parts_add_up_exactly() -> None:
    def people(budget: int | None) -> EnvironmentEntry:
        config = {"cost": [0.0, 0.1], "budget": budget}
        return EnvironmentEntry("people", "intervention", config, entities=12, replicates=3, steps=6)

    settings = EvaluationSettings(resamples=100, curve_points=6)
    cells = {
        budget: run_cell(
            make("fixed-v0", action=0), Suite("people", "test", 0, (people(budget),)), settings, name="none"
        )
        for budget in (None, 2)
    }
    free, bound = (cells[budget].summary for budget in (None, 2))
    # Who treats nobody earns the same with and without a budget, and so loses the same against the best without one.
    assert free["value"].to_list() == bound["value"].to_list()
    assert bound["regret"].to_list() == pytest.approx(free["regret"].to_list(), rel=1e-12)
    assert (free["cost_of_constraints"] == 0).all()
    assert (bound["cost_of_constraints"] > 0).all()
    parts = bound["cost_of_constraints"] + bound["cost_of_not_knowing"] + bound["cost_of_exploring"]
    assert (parts == bound["regret"]).all()
    # On one grid, the sum telescopes to the last bit.
    assert ((bound["yardstick"] + bound["cost_of_constraints"]) - bound["value"] == bound["regret"]).all()
    ends = cells[2].curves.filter(pl.col("step") == 6)["regret"]
    assert ends.to_list() == pytest.approx(bound["regret"].to_list(), rel=1e-9)
