"""Entities that enter and leave: absent ones earn nothing, show nothing and start with no history."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onetake.envs import SimVectorEnv
from onetake.types import Float64

pytestmark = pytest.mark.churn

ENTERS = np.array([0.0, 3, 0, 5, 9])
LEAVES = np.array([9.0, 9, 4, 7, 9])


def zeros(env: SimVectorEnv) -> Any:
    return np.zeros(env.num_envs, dtype=np.int64)


def there(t: int) -> Any:
    return (t >= ENTERS) & (t < LEAVES)


@pytest.mark.parametrize("family", ["bandit", "cohort", "pricing"])
def test_columns_say_who_is_there_and_absent_entities_earn_and_show_nothing(family: str) -> None:
    columns = {"enters": ENTERS, "leaves": LEAVES}
    env = SimVectorEnv(family, {"horizon": 9}, entities=5, replicates=2, columns=columns, one_shot=True)
    everybody = SimVectorEnv(family, {"horizon": 9}, entities=5, replicates=2, one_shot=True)
    obs, infos = env.reset(seed=1)
    everybody.reset(seed=1)
    env.track_fixed()
    earned = np.zeros(10)
    for t in range(9):
        present = np.tile(there(t), 2)
        assert (env.present() == present).all()
        assert (infos["present"] == present).all()
        assert not obs[~present].any()
        expected, full = env.expected_reward(), everybody.expected_reward()
        assert not expected[~present].any()
        assert (expected[present] == full[present]).all()
        earned += expected[:, 0]
        sums = env.account(zeros(env))
        assert sums["played"] == pytest.approx(expected[:, 0].reshape(2, 5).sum(axis=1))
        assert sums["oracle"] == pytest.approx(expected.max(axis=1).reshape(2, 5).sum(axis=1))
        obs, reward, _, _, infos = env.step(zeros(env))
        _, paid, *_ = everybody.step(zeros(env))
        assert not reward[~present].any()
        assert (reward[present] == paid[present]).all()
    assert env.fixed_totals()[:, 0] == pytest.approx(earned)


def test_who_enters_starts_with_no_history() -> None:
    """Reference prices of products that are not yet sold do not move."""
    config = {"demand": "semi_log", "ladder": [0.5, 1.0], "reference": {"keep": 0.5, "gain": 1.0}, "horizon": 6}
    columns = {"enters": np.array([0.0, 4.0])}
    env = SimVectorEnv("pricing", config, entities=2, columns=columns, one_shot=True)
    env.reset(seed=2)
    first: Float64 = env.expected_reward()[0]
    for _ in range(4):
        env.step(zeros(env))
    later = env.expected_reward()
    assert (later[1] == first).all()
    assert (later[0] != first).any()


def test_chances_of_arrival_and_departure_are_geometric() -> None:
    n, steps = 50_000, 8
    churn = {"present": 0.3, "arrival": 0.2, "departure": 0.1}
    env = SimVectorEnv("bandit", {"horizon": steps, "churn": churn}, entities=n, one_shot=True)
    env.reset(seed=3)
    waiting, present = 0.7, 0.3
    for _ in range(steps):
        share = env.present()
        assert share is not None
        # Five standard errors of a share of 50,000.
        assert abs(share.mean() - present) < 5 * np.sqrt(0.25 / n)
        waiting, present = waiting * 0.8, present * 0.9 + waiting * 0.2
        env.step(zeros(env))


def test_everybody_comes_once_and_stays_for_a_step_at_least() -> None:
    churn = {"present": 0.5, "arrival": 0.3, "departure": 1.0}
    env = SimVectorEnv("bandit", {"horizon": 12, "churn": churn}, entities=500, one_shot=True)
    env.reset(seed=3)
    days = np.zeros(500)
    for _ in range(12):
        days += np.asarray(env.present())
        env.step(zeros(env))
    assert set(days) <= {0.0, 1.0}
    assert days.mean() > 0.9


def test_the_luck_of_those_who_are_there_does_not_depend_on_who_else_is() -> None:
    churn = {"present": 0.5, "arrival": 0.1, "departure": 0.1}
    some = SimVectorEnv("cohort", {"churn": churn}, entities=200)
    everybody = SimVectorEnv("cohort", entities=200)
    some.reset(seed=5)
    everybody.reset(seed=5)
    for _ in range(6):
        present = np.asarray(some.present())
        own, all_ = some.step(zeros(some)), everybody.step(zeros(everybody))
        assert (own[1][present] == all_[1][present]).all()


def test_settings_say_churn_and_delay_beside_the_familys_own() -> None:
    churn = {"present": 0.5, "arrival": 0.1, "departure": 0.1}
    env = SimVectorEnv("cohort", {"churn": churn, "delay": {"kind": "fixed", "steps": 2}})
    assert env.config["churn"] == churn
    assert env.config["delay"] == {"kind": "fixed", "steps": 2}
    assert env.longest_delay == 2
    assert "churn" not in SimVectorEnv("cohort").config
    assert SimVectorEnv("cohort").present() is None
