"""Agents that learn whom to call: indices against the core's, gains against lots, nobody above the bound."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from onetake import _core
from onetake.agents import ContextualTopB, Random, WhittleThompson
from onetake.agents.bandits.two_state_whittle import two_state_indices
from onetake.envs.restless import WhittlePolicy, whittle_indices
from onetake.envs.sim import SimVectorEnv
from onetake.errors import ConfigError, ShapeError
from onetake.types import Observation, Transitions

pytestmark = pytest.mark.restless_agents

PEOPLE, REPLICATES, DAYS, BUDGET = 120, 6, 60, 12


def chains() -> SimVectorEnv:
    chain = {"transitions": [[[0.9, 0.1], [0.3, 0.7]]] * 2, "rewards": [[0, 0], [1, 1]]}
    return SimVectorEnv("intervention", {"chains": [chain], "budget": 1}, entities=3)


def clinic() -> SimVectorEnv:
    rng = np.random.default_rng(4)
    columns = {
        "responsiveness": np.where(np.arange(PEOPLE) % 3 == 0, 0.7, 0.05),
        "baseline": rng.uniform(0.05, 0.3, PEOPLE),
    }
    config = {"budget": BUDGET, "horizon": DAYS, "pace": 0.7, "dulling": 0.3}
    return SimVectorEnv("intervention", config, entities=PEOPLE, replicates=REPLICATES, columns=columns, one_shot=True)


def played(agent: Any, env: SimVectorEnv) -> Any:
    """Expected reward of each replicate along its episode ``(R,)``; the core refuses what breaks the budget."""
    obs, _ = env.reset(seed=11)
    agent.begin(env.batch_spec, seed=2)
    won, every = np.zeros(REPLICATES), np.arange(env.num_envs)
    for day in range(DAYS):
        action = agent.act(Observation(obs, day, mask=env.action_mask())).action
        won += env.expected_reward()[every, action].reshape(REPLICATES, -1).sum(axis=1)
        after, reward, ended, cut, _ = env.step(action)
        agent.learn(Transitions(day, obs, action, reward, after, ended, cut))
        obs = after
    return won


def clairvoyant(env: SimVectorEnv) -> Any:
    obs, _ = env.reset(seed=11)
    policy, won, every = WhittlePolicy.of(env), np.zeros(REPLICATES), np.arange(env.num_envs)
    for _ in range(DAYS):
        action = policy.act(obs)
        won += env.expected_reward()[every, action].reshape(REPLICATES, -1).sum(axis=1)
        obs = env.step(action)[0]
    return won


@pytest.mark.whittle
@pytest.mark.parametrize("discount", [0.0, 0.5, 0.95])
def test_closed_forms_are_the_indices_that_the_core_finds(discount: float) -> None:
    rng = np.random.default_rng(1)
    chance = np.sort(rng.random((2, 2, 60)), axis=1)  # a call never harms
    paid = rng.random((2, 2, 60))
    given = [
        {"transitions": [[[1 - p, p] for p in chance[:, a, i]] for a in (0, 1)], "rewards": paid[:, :, i].T.tolist()}
        for i in range(60)
    ]
    env = SimVectorEnv("intervention", {"chains": given}, entities=60, columns={"chain": np.arange(60.0)})
    want = whittle_indices(env, discount)
    got = two_state_indices(chance, paid, discount)
    sound = want.indexable
    assert sound.sum() > 40
    assert got.T[sound] == pytest.approx(want.table[sound], abs=1e-8)


def test_learning_whom_to_call_beats_lots_within_two_months() -> None:
    lots, learnt, known = played(Random(), clinic()), played(WhittleThompson(), clinic()), clairvoyant(clinic())
    assert stats.ttest_rel(learnt, lots, alternative="greater").pvalue < 0.001
    # One in ten is called on a day, six times each in all: knowing everybody from the start is worth far more.
    assert 0.15 * (known - lots).mean() < (learnt - lots).mean() < (known - lots).mean()


@pytest.mark.oracle_dominates
def test_nobody_stands_above_the_bound() -> None:
    env = clinic()
    env.reset(seed=11)
    values = env.start_values()
    assert values is not None
    bound = values["best"].reshape(REPLICATES, -1).sum(axis=1)
    for agent in (WhittleThompson(), ContextualTopB()):
        won = played(agent, clinic())
        # One replicate scatters by about 4 % of the bound's room; the mean of six lies below it.
        assert won.mean() < bound.mean() * 1.02


def test_contexts_that_tell_who_gains_are_found_from_everybody() -> None:
    rng = np.random.default_rng(5)
    spec = clinic().batch_spec
    agent = ContextualTopB()
    agent.begin(spec, seed=1)
    lifts = []
    for day in range(25):
        x = rng.normal(size=(spec.num_envs, 4)).astype(np.float32)
        action = agent.act(Observation(x, day)).action
        assert action.reshape(REPLICATES, -1).sum(axis=1).max() <= BUDGET
        gain = 0.2 * x[:, 0] - 0.1 * x[:, 2]
        lifts.append(gain[action == 1].mean())
        reward = np.clip(0.4 + 0.1 * x[:, 1] + gain * action + 0.1 * rng.normal(size=len(x)), -0.1, 1.0)
        never = np.zeros(len(x), bool)
        agent.learn(Transitions(day, x, action, reward, x, never, never))
    # The best tenth of normal gains of deviation 0.22 lies at 1.75 of them: 0.39; chance finds 0.
    assert np.mean(lifts[-5:]) > 0.33
    theta = agent._coefficients(99, None)
    assert (theta[:, 1] - theta[:, 0])[:, 1:] * 1.1 == pytest.approx(
        np.tile([0.2, 0, -0.1, 0], (REPLICATES, 1)), abs=0.08
    )


def test_drawn_coefficients_have_the_posterior_of_the_regression() -> None:
    env = clinic()
    agent = ContextualTopB(scale=0.7)
    played(agent, env)
    core = _core.Linear(2 * REPLICATES, 5, 1.0)
    core.restore(agent.arrays()["factors"])
    x = np.array([[1.0, 1.0, 0.0, 2.0, 1.0]])
    mean, width = core.predict(np.zeros(1, np.int64), 2, x, 1)
    draws = np.array([agent._coefficients(step, agent._luck)[0] @ x[0] for step in range(4000)])
    # 4,000 draws: standard errors of 1.6 % of the mean's deviation, and 1.1 % of the deviation.
    assert draws.mean(axis=0) == pytest.approx(mean[0], abs=5 * 0.7 * width.max() / 63)
    assert draws.std(axis=0) == pytest.approx(0.7 * width[0], rel=0.06)


@pytest.mark.propensity_contract
@pytest.mark.agent_roundtrip
@pytest.mark.parametrize("agent", [WhittleThompson(), ContextualTopB()], ids=["whittle", "context"])
def test_chances_match_frequencies_and_a_saved_agent_goes_on(agent: Any, tmp_path: Any) -> None:
    env = clinic()
    played(agent, env)
    obs = np.tile(np.array([[1, 0, 4, 1], [0, 2, 1, 1], [0, 0, 4, 1]], np.float32), (PEOPLE * REPLICATES // 3, 1))
    chance = agent.action_probabilities(Observation(obs, 99))
    assert chance.sum(axis=1) == pytest.approx(1)
    draws, count = 256, np.zeros(len(obs))
    for step in range(100, 100 + draws):
        count += agent.act(Observation(obs, step)).action
    p = (count + 256 * chance[:, 1] + 1) / (2 * draws + 2)
    # 720 differences of two frequencies; one beyond 5.5 of its standard errors once in 30,000 seeds.
    assert (np.abs(count / draws - chance[:, 1]) / np.sqrt(2 * p * (1 - p) / draws)).max() < 5.5
    agent.save(tmp_path / "agent")
    again = type(agent).load(tmp_path / "agent", agent.spec)
    assert (again.act(Observation(obs, 500)).action == agent.act(Observation(obs, 500)).action).all()


@pytest.mark.bad_input
def test_people_whose_state_is_not_seen_are_refused() -> None:
    spec = chains().batch_spec
    with pytest.raises(ConfigError, match="observation_names: got state, available; wanted engagement too"):
        WhittleThompson().begin(spec, 0)
    agent = ContextualTopB()
    agent.begin(clinic().batch_spec, 0)
    with pytest.raises(ShapeError, match=r"values: got shape \(720, 2\); wanted finite \(720, 4\)"):
        agent.act(Observation(np.zeros((720, 2), np.float32), 0))
