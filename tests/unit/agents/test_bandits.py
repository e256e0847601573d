"""Each bandit against its formula, worked out by hand or by a plain NumPy loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onetake import _core
from onetake.agents import UCB1, AbstractAgent, EpsilonGreedy, Fixed, Random, Thompson
from onetake.draws import AGENT, Draws
from onetake.errors import ConfigError, ShapeError
from onetake.types import BatchSpec, CountReward, Observation, Transitions

MIX, TIE, ARM = 0, 1, 2


def spec(entities: int, arms: int, count: CountReward | None = None, low: Any = 0.0, high: Any = 1.0) -> BatchSpec:
    ids = np.arange(entities, dtype=np.uint32)
    low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
    return BatchSpec("tests/Arms-v0", ids, ids[:1], arms, (), None, low, high, count)


def see(count: int, step: int = 0, mask: Any = None, rows: Any = None) -> Observation:
    return Observation(np.empty((count, 0), np.float32), step, rows, mask)


def teach(agent: AbstractAgent, action: Any, reward: Any, rows: Any = None) -> None:
    action, reward = np.atleast_1d(action), np.atleast_1d(np.asarray(reward, np.float64))
    nothing, never = np.empty((len(action), 0), np.float32), np.zeros(len(action), bool)
    agent.learn(Transitions(0, nothing, action, reward, nothing, never, never, rows=rows))


def single(agent: AbstractAgent, arms: int, count: CountReward | None = None, **bounds: Any) -> AbstractAgent:
    agent.begin(spec(1, arms, count, **bounds), seed=1)
    return agent


def test_ucb1_plays_the_largest_index_worked_out_by_hand() -> None:
    agent = single(UCB1(), 3)
    plays = [(0, 1.0), (0, 1.0), (0, 0.0), (0, 1.0), (1, 0.0), (1, 1.0), (2, 0.0)]
    for action, reward in plays:
        teach(agent, action, reward)
    # n = 7: 3/4 + sqrt(2 ln 7 / 4) = 1.736, 1/2 + sqrt(2 ln 7 / 2) = 1.895, 0 + sqrt(2 ln 7 / 1) = 1.973.
    assert agent.act(see(1)).action.tolist() == [2]
    teach(agent, 2, 0.0)
    # n = 8: 1.770, 1.942, 0 + sqrt(2 ln 8 / 2) = 1.442.
    assert agent.act(see(1)).action.tolist() == [1]
    assert agent.act(see(1), explore=False).action.tolist() == [0]


def test_ucb1_counts_the_interactions_of_a_cohort_and_scales_rewards_by_their_bounds() -> None:
    count = CountReward(np.array(100.0), np.full(2, 2.0), np.array([0.0, -10.0]))
    agent = single(UCB1(exploration=1.0), 2, count, low=-10.0, high=200.0)
    teach(agent, 0, 40.0)
    teach(agent, 1, 30.0)
    teach(agent, 1, 50.0)
    arrays = agent.arrays()
    assert arrays["weight"][:, 0].tolist() == [100, 200]
    assert arrays["total"][:, 0] == pytest.approx([100 * 50 / 210, 100 * (40 + 60) / 210])
    # Means 0.2381 in both; sqrt(ln 300 / 100) = 0.2388 against sqrt(ln 300 / 200) = 0.1689.
    assert agent.act(see(1)).action.tolist() == [0]


@pytest.mark.parametrize("agent", [UCB1(), EpsilonGreedy(epsilon=0.0)], ids=["ucb1", "epsilon_greedy"])
def test_each_arm_is_tried_once_before_any_is_played_again(agent: AbstractAgent) -> None:
    single(agent, 4)
    taken = []
    for step in range(4):
        action = agent.act(see(1, step)).action
        teach(agent, action, [1.0 if action[0] == 2 else 0.0])
        taken.append(int(action[0]))
    assert sorted(taken) == [0, 1, 2, 3]
    assert agent.act(see(1, 9), explore=False).action.tolist() == [2]


def test_epsilon_greedy_has_its_chances_in_closed_form() -> None:
    agent = single(EpsilonGreedy(epsilon=0.3, floor=0.05), 4)
    for action, reward in [(0, 0.2), (1, 0.7), (2, 0.7), (3, 0.1)]:
        teach(agent, action, reward)
    # Uniform share 1 - 0.7 × (1 - 4 × 0.05) = 0.44; the rest is shared by the two best.
    assert agent.action_probabilities(see(1))[0] == pytest.approx([0.11, 0.39, 0.39, 0.11])
    mask = np.array([[True, False, True, True]])
    assert agent.action_probabilities(see(1, mask=mask))[0] == pytest.approx([0.405 / 3, 0, 0.73, 0.405 / 3])
    assert agent.action_probabilities(see(1, mask=np.array([[True, False, False, False]])))[0].tolist() == [1, 0, 0, 0]


def test_fixed_and_random_have_their_chances_in_closed_form() -> None:
    mask = np.array([[True, False, True]])
    fixed = single(Fixed(action=1, floor=0.1), 3)
    assert fixed.action_probabilities(see(1))[0] == pytest.approx([0.1, 0.8, 0.1])
    assert fixed.action_probabilities(see(1, mask=mask))[0] == pytest.approx([0.5, 0, 0.5])
    random = single(Random(), 3)
    assert random.action_probabilities(see(1, mask=mask))[0] == pytest.approx([0.5, 0, 0.5])
    with pytest.raises(ConfigError, match="action: got 3; wanted 0 to 2"):
        single(Fixed(action=3), 3)


def test_thompson_counts_exact_successes_and_failures_of_all_trials() -> None:
    count = CountReward(np.array([1000.0, 50.0]), np.array([0.1, 3.0]), np.array([-7.0, 0.3]))
    agent = Thompson()
    agent.begin(spec(2, 2, count), seed=1)
    scale, offset = count.scale, count.offset
    for successes in (999, 37, 0):
        teach(agent, [0, 1], [scale[0] * successes + offset[0], scale[1] * min(successes, 50) + offset[1]])
    total, weight = agent.arrays()["total"], agent.arrays()["weight"]
    assert total.tolist() == [[1036.0, 0.0], [0.0, 87.0]]
    assert weight.tolist() == [[3000.0, 0.0], [0.0, 150.0]]


def test_thompson_compares_what_arms_pay_and_not_how_often() -> None:
    # A visit is worth 1.2; arm 1 pays 0.5 for coming. 1.2 × 0.6 = 0.72 > 1.2 × 0.8 - 0.5 = 0.46.
    count = CountReward(np.array(1.0), np.full(2, 1.2), np.array([0.0, -0.5]))
    agent = single(Thompson(), 2, count)
    for arm, rate in ((0, 0.6), (1, 0.8)):
        came = np.arange(1000) < 1000 * rate
        teach(agent, np.full(1000, arm), came * 1.2 + count.offset[arm], np.zeros(1000, np.int64))
    assert agent.act(see(1), explore=False).action.tolist() == [0]
    assert agent.action_probabilities(see(1))[0, 0] > 0.999
    free = single(Thompson(), 2, CountReward(np.array(1.0), np.full(2, 1.2), np.zeros(2)))
    for arm, rate in ((0, 0.6), (1, 0.8)):
        teach(free, np.full(1000, arm), (np.arange(1000) < 1000 * rate) * 1.2, np.zeros(1000, np.int64))
    assert free.act(see(1), explore=False).action.tolist() == [1]


def test_thompson_takes_bounded_rewards_in_part() -> None:
    agent = single(Thompson(), 2, low=-1.0, high=3.0)
    teach(agent, 0, 0.0)
    teach(agent, 0, 3.0)
    assert agent.arrays()["total"][:, 0].tolist() == [1.25, 0.0]
    assert agent.arrays()["weight"][:, 0].tolist() == [2.0, 0.0]


@pytest.mark.bad_input
def test_rewards_that_cannot_be_are_refused_with_their_row() -> None:
    count = CountReward(np.array(10.0), np.full(2, 2.0), np.array([0.0, -1.0]))
    agent = single(Thompson(), 2, count)
    for reward in (21.0, -1.0, 3.1, 22.0, np.inf):
        with pytest.raises(ShapeError, match=r"reward: got .* in row 0; wanted 2 × successes \+ 0 with 0 to 10"):
            teach(agent, 0, reward)
    bounded = single(UCB1(), 2, low=-1.0, high=2.0)
    with pytest.raises(ShapeError, match=r"reward: got 2\.5 in row 1; wanted -1 to 2"):
        teach(bounded, [0, 0], [2.0, 2.5], np.zeros(2, np.int64))
    assert bounded.arrays()["weight"].sum() == 0
    nothing = CountReward(np.array(10.0), np.array([1.0, 0.0]), np.zeros(2))
    assert str(Thompson().supports(spec(1, 2, nothing))).startswith("count_reward.scale: got [1.0, 0.0]; wanted none")


def chosen(scores: Any, mask: Any, tie: Any, mix: Any, epsilon: float, floor: float) -> list[int]:
    """The choice from scores as a plain loop."""
    actions = []
    for row, allowed, t, m in zip(scores, mask, tie, mix, strict=True):
        arms = np.flatnonzero(allowed)
        best = [arm for arm in arms if row[arm] == max(row[arms])]
        share = 1 - (1 - epsilon) * (1 - floor * len(arms))
        threshold = int(share * 2.0**32 + 0.5)
        actions.append(int(arms[int(m) * len(arms) // threshold] if m < threshold else best[int(t) * len(best) >> 32]))
    return actions


def words(slot: int, step: int, entities: int) -> Any:
    return _core.words(9, AGENT, slot, 0, step, 0, 0, entities)


@pytest.mark.parametrize("name", ["random", "fixed", "epsilon_greedy", "ucb1", "thompson"])
@pytest.mark.parametrize("masked", [False, True], ids=["open", "masked"])
def test_fleets_choose_as_a_plain_loop_does(name: str, masked: bool) -> None:
    entities, arms, epsilon, floor = 300, 4, 0.0, 0.02
    agents = {"random": Random(), "fixed": Fixed(2, 0.02), "ucb1": UCB1(floor=0.02), "thompson": Thompson(floor=0.02)}
    agent = agents.get(name, EpsilonGreedy(0.1, 0.02))
    epsilon = 0.1 if name == "epsilon_greedy" else 0.0
    floor = 0.0 if name == "random" else floor
    agent.begin(spec(entities, arms), seed=9)
    rng = np.random.default_rng(5)
    total, weight = np.zeros((entities, arms)), np.zeros((entities, arms))
    draws = Draws(9, entities=entities)
    for step in range(12):
        mask = rng.random((entities, arms)) < 0.6 if masked else np.ones((entities, arms), bool)
        mask[~mask.any(axis=1), 0] = True
        with np.errstate(divide="ignore", invalid="ignore"):
            if name == "thompson":
                scores = draws.beta(1 + total, 1 + (weight - total), step, slot=ARM)
            elif name in ("random", "fixed"):
                scores = np.tile([0.0, 0.0, float(name == "fixed"), 0.0], (entities, 1))
            else:
                width = 2 * np.log(weight.sum(axis=1))[:, None] if name == "ucb1" else 0 * weight
                scores = np.where(weight > 0, total / weight + np.sqrt(width / weight), np.inf)
        action = agent.act(see(entities, step, mask if masked else None)).action
        want = chosen(scores, mask, words(TIE, step, entities), words(MIX, step, entities), epsilon, floor)
        # NumPy's logarithm may differ from the core's in the last digit, which decides where two indices meet.
        assert (action != want).mean() <= (0.01 if name == "ucb1" else 0)
        reward = (rng.random(entities) < [0.1, 0.3, 0.5, 0.6][step % 4]).astype(np.float64)
        teach(agent, action, reward)
        total[np.arange(entities), action] += reward
        weight[np.arange(entities), action] += 1
    if name not in ("random", "fixed"):
        assert (agent.arrays()["total"] == total.T).all()
        assert (agent.arrays()["weight"] == weight.T).all()
