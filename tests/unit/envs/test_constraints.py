"""Constraints: what a limit forbids is masked or refused where it is hard, and counted where it is soft."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onetake.envs import SimVectorEnv
from onetake.errors import ConfigError, ShapeError

pytestmark = pytest.mark.constraints

LADDER = [0.7, 0.85, 1.0, 1.15, 1.3]
STEADY: dict[str, Any] = {"demand": "semi_log", "ladder": LADDER, "largest_change": 0.18}


def steady(n: int = 4, **more: Any) -> SimVectorEnv:
    env = SimVectorEnv("pricing", {**STEADY, **more}, entities=n)
    env.reset(seed=1)
    return env


def test_prices_within_the_largest_change_are_what_the_mask_allows() -> None:
    """From the price before, as a share of it: first the reference price, then what was played."""
    env = steady()
    last = np.ones(4)
    rng = np.random.default_rng(0)
    for _ in range(30):
        mask = env.action_mask()
        assert mask is not None
        assert (mask == (abs(np.array(LADDER) - last[:, None]) <= 0.18 * last[:, None] + 1e-6)).all()
        assert mask.any(axis=1).all()
        action = np.array([rng.choice(np.flatnonzero(row)) for row in mask])
        obs, *_, infos = env.step(action)
        last = np.array(LADDER)[action]
        assert obs[:, 2] == pytest.approx(10 * last, rel=1e-6)
        assert (infos["action_mask"] == env.action_mask()).all()


def test_a_hard_limit_refuses_and_nothing_changes_then() -> None:
    env = steady()
    before = env.save()
    with pytest.raises(ShapeError, match=r"actions\[2\]: got 4; wanted an arm that the action mask allows"):
        env.step(np.array([2, 2, 4, 2]))
    assert env.save() == before


def test_a_soft_limit_counts_what_goes_beyond_it() -> None:
    env = SimVectorEnv("pricing", {**STEADY, "soft_change": True}, entities=3, replicates=2)
    env.reset(seed=1)
    assert env.action_mask() is None
    for action in ([2, 2, 4, 2, 2, 2], [2, 2, 0, 3, 2, 2], [2, 2, 0, 1, 2, 2]):
        env.step(np.array(action))
    assert env.excess().tolist() == [2, 1]
    env.reset()
    assert env.excess().tolist() == [0, 0]


def test_prices_between_two_ends_are_refused_beyond_the_limit() -> None:
    config = {"demand": "semi_log", "between": [0.5, 2.0], "largest_change": 0.1}
    env = SimVectorEnv("pricing", config, entities=2)
    env.reset(seed=1)
    env.step(np.array([[1.1], [0.9]]))
    before = env.save()
    with pytest.raises(ShapeError, match=r"actions\[1\]: got .*; wanted a price within the largest change"):
        env.step(np.array([[1.2], [1.0]]))
    assert env.save() == before
    env.step(np.array([[1.2], [0.98]]))
    with pytest.raises(ShapeError, match=r"actions\[0\]"):
        env.step(np.array([[2.5], [0.98]]))


def test_the_limit_remembers_beside_reference_price_and_pantry() -> None:
    """What is remembered of prices and purchases is as without the limit, by the same plays."""
    memory = {"reference": {"keep": 0.5, "gain": 1.0, "loss": 2.0}, "pantry": {"effect": 0.3}}
    for part in ({}, {"reference": memory["reference"]}, {"pantry": memory["pantry"]}, memory):
        tied, free = (
            steady(50, **part),
            SimVectorEnv("pricing", {**STEADY, "largest_change": None, **part}, entities=50),
        )
        free.reset(seed=1)
        for arm in (2, 3, 3, 2, 1, 1, 0):
            assert (tied.expected_reward() == free.expected_reward()).all()
            one, other = (env.step(np.full(50, arm)) for env in (tied, free))
            assert (one[0] == other[0]).all()
            assert (one[1] == other[1]).all()


def test_the_yardstick_of_tied_prices_is_a_bound() -> None:
    env = steady()
    assert env.yardstick_kind == "bound"
    sums = env.account(np.full(4, 2))
    assert sums["oracle"] == pytest.approx(env.expected_reward().max(axis=1).sum())
    free = {"demand": "semi_log", "ladder": LADDER}
    assert SimVectorEnv("pricing", free).yardstick_kind == "best_now"


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("pricing", {"largest_change": 0}, "pricing.largest_change: got 0; wanted a share of the last price above 0"),
    ("pricing", {"largest_change": -0.1}, "pricing.largest_change: got -0.1; wanted a share"),
    ("pricing", {"soft_change": True}, "pricing.soft_change: got true; wanted false where there is no largest_change"),
    (
        "pricing",
        {"ladder": [0.5, 2.0], "largest_change": 0.1},
        "pricing.largest_change: got 0.1; wanted enough to reach",
    ),
    ("pricing", {"between": [2.0, 1.0]}, "pricing.between: got [2, 1]; wanted two multiples"),
    ("intervention", {"budget": -1}, "intervention.budget: got -1; wanted"),
    ("intervention", {"budget": 2.5}, "intervention.budget: got 2.5; wanted"),
]


@pytest.mark.bad_input
@pytest.mark.parametrize(("family", "config", "text"), REFUSED)
def test_limits_that_cannot_be_are_named(family: str, config: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        SimVectorEnv(family, config)
    assert str(refusal.value).startswith(text)


@pytest.mark.bad_input
def test_stock_that_is_not_whole_is_named_by_field_or_row() -> None:
    with pytest.raises(ConfigError, match=r"^perishable\.capacity: got 12\.5; wanted"):
        SimVectorEnv("perishable", {"capacity": 12.5})
    with pytest.raises(ConfigError, match=r'^columns\["capacity"\] row 1: got 12\.5; wanted a whole number'):
        SimVectorEnv("perishable", entities=2, columns={"capacity": np.array([10, 12.5])})


def test_stock_censors_demand() -> None:
    """Sales are the smaller of demand and stock: of a thousand people who look, five are served."""
    env = SimVectorEnv("perishable", {"capacity": 5, "arrival_rate": 1000.0}, entities=20)
    env.reset(seed=1)
    names = env.batch_spec.observation_names
    first, reward, *_ = env.step(np.zeros(20, dtype=np.int64))
    second, again, *_ = env.step(np.zeros(20, dtype=np.int64))
    sales = names.index("sales")
    assert (first[:, sales] == 5).all()
    assert (reward == reward[0]).all()
    assert not second[:, sales].any()
    assert not again.any()


def test_a_budget_is_refused_where_it_is_hard_and_counted_where_it_is_soft() -> None:
    everybody = np.ones(10, dtype=np.int64)
    hard = SimVectorEnv("intervention", {"budget": 3}, entities=10)
    hard.reset(seed=1)
    before = hard.save()
    with pytest.raises(ShapeError, match="actions of replicate 0: got 10 interventions; wanted at most 3, its budget"):
        hard.step(everybody)
    assert hard.save() == before
    soft = SimVectorEnv("intervention", {"budget": 3, "soft_budget": True}, entities=10)
    soft.reset(seed=1)
    soft.step(everybody)
    assert soft.excess().tolist() == [7]
    assert hard.yardstick_kind == "bound"
