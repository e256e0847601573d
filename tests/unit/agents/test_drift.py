"""Forgetting bandits against their stationary parents where rates jump or wander, paired by learner."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from onetake.agents import make
from onetake.agents.bandits.memory import Discount, SinceChange, UntilExplored, Window
from onetake.types import BatchSpec, Observation, Transitions

pytestmark = pytest.mark.drift

LEARNERS, STEPS = 80, 1000


def jumps() -> Any:
    """Rates ``(T, LEARNERS, 3)``: every 250 steps the best arm becomes the worst, and another one the best."""
    levels = np.array([[0.7, 0.4, 0.1], [0.1, 0.7, 0.4], [0.4, 0.1, 0.7], [0.7, 0.4, 0.1]])
    return np.broadcast_to(np.repeat(levels, STEPS // 4, axis=0)[:, None], (STEPS, LEARNERS, 3))


def wanders() -> Any:
    """Rates that walk on the logit axis between -2 and 2, each learner's its own, 0.2 a step."""
    steps = np.random.default_rng(3).normal(scale=0.2, size=(STEPS, LEARNERS, 3))
    steps[0] = np.random.default_rng(6).uniform(-2, 2, (LEARNERS, 3))
    place = np.abs((np.cumsum(steps, axis=0) + 2) % 8 - 4) - 2  # folded back at both ends
    return 1 / (1 + np.exp(-place))


def regret(rates: Any, id: str, **settings: object) -> Any:
    """Expected reward lost to the best arm of each step, for each learner; luck is the same for every agent."""
    ids = np.arange(LEARNERS, dtype=np.uint32)
    spec = BatchSpec("tests/Drift-v0", ids, ids[:1], 3, (), STEPS, np.array(0.0), np.array(1.0))
    agent = make(id, **settings)
    agent.begin(spec, seed=5)
    nothing, never, lost = np.empty((LEARNERS, 0), np.float32), np.zeros(LEARNERS, bool), np.zeros(LEARNERS)
    luck, rows = np.random.default_rng(4), np.arange(LEARNERS)
    for step in range(STEPS):
        action = agent.act(Observation(nothing, step)).action
        rate = rates[step][rows, action]
        agent.learn(Transitions(step, nothing, action, (luck.random(LEARNERS) < rate) * 1.0, nothing, never, never))
        lost += rates[step].max(axis=1) - rate
    return lost


PAIRS = [
    ("discounted_ucb", {"discount": 0.99}, "ucb1", {"exploration": 0.1}),
    ("sliding_window_ucb", {"window": 100}, "ucb1", {"exploration": 0.1}),
    ("discounted_thompson", {"discount": 0.98}, "thompson", {}),
    ("sliding_window_thompson", {"window": 60}, "thompson", {}),
    ("restart_thompson", {"slack": 0.1, "threshold": 5.0, "baseline": 15}, "thompson", {}),
]


@pytest.mark.parametrize("world", [jumps, wanders])
@pytest.mark.parametrize(("child", "own", "parent", "its"), PAIRS)
def test_forgetting_beats_remembering_where_rates_change(
    world: Any, child: str, own: dict[str, object], parent: str, its: dict[str, object]
) -> None:
    rates = world()
    difference = regret(rates, parent, **its) - regret(rates, child, **own)
    assert stats.ttest_1samp(difference, 0, alternative="greater").pvalue < 0.01


def given(arms: int, learners: int, seed: int) -> list[tuple[int, Any, Any]]:
    rng = np.random.default_rng(seed)
    weight = rng.integers(0, 3, (40, arms, learners)).astype(np.float64)
    return [(step, rng.binomial(weight[step].astype(int), 0.4).astype(np.float64), weight[step]) for step in range(40)]


def test_discounts_are_powers_of_the_age_in_any_order_of_arrival() -> None:
    memory, steps = Discount(0.9), given(2, 3, 1)
    columns = memory.columns(2, 3)
    for place in np.random.default_rng(2).permutation(40):
        memory.take(columns, *steps[place])
    for learner in range(3):
        last = max(step for step, _, weight in steps if weight[:, learner].any())
        want = sum(0.9 ** (last - step) * weight[:, learner] for step, _, weight in steps)
        assert columns["weight"][:, learner] == pytest.approx(want, rel=1e-12)


def test_windows_hold_the_newest_steps_exactly_in_any_order_of_arrival() -> None:
    memory, steps = Window(7), given(2, 3, 1)
    columns = memory.columns(2, 3)
    for place in np.random.default_rng(2).permutation(40):
        memory.take(columns, *steps[place])
    for learner in range(3):
        last = max(step for step, _, weight in steps if weight[:, learner].any())
        newest = [each for each in steps if last - 7 < each[0] <= last]
        assert columns["total"][:, learner].tolist() == sum(total[:, learner] for _, total, _ in newest).tolist()
        assert columns["weight"][:, learner].tolist() == sum(weight[:, learner] for _, _, weight in newest).tolist()


def test_a_change_is_seen_within_the_delay_that_the_test_allows_and_seldom_without_one() -> None:
    memory, rng = SinceChange(30, 0.1, 10.0), np.random.default_rng(7)
    columns = memory.columns(1, 400)
    for step in range(300):
        rate = 0.3 if step < 150 else 0.8
        memory.take(columns, step, (rng.random((1, 400)) < rate) * 1.0, np.ones((1, 400)))
        if step == 149:
            # Hoeffding with the drift of 0.1: a false alarm within 120 steps has a chance below
            # 120 exp(−2 · 0.1 · 10 · 2) = 2.2, which says nothing; by simulation it is below 0.06 a learner.
            assert columns["alarms"].mean() < 0.1
            before = columns["alarms"].copy()
        if step == 149 + 60:
            # Drift 0.8 − 0.3 − 0.1 = 0.4 a step: the threshold is passed after 25 steps on average.
            assert (columns["alarms"] > before).mean() > 0.97


def test_who_has_explored_learns_no_more() -> None:
    memory = UntilExplored(2)
    columns = memory.columns(2, 1)
    for step, arm in enumerate([0, 1, 0, 1, 0]):
        weight = np.zeros((2, 1))
        weight[arm] = 1
        memory.take(columns, step, weight, weight)
    assert columns["weight"][:, 0].tolist() == [2, 2]
