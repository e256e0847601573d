"""Outcomes that arrive late: by their law, once each, and never before their time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from onetake.draws import ENVIRONMENT, Draws
from onetake.envs import SimVectorEnv

pytestmark = pytest.mark.delay

GEOMETRIC = {"kind": "geometric", "mean": 2.0, "most": 5}
SLOT = 1 << 21


def pair(family: str, delay: dict[str, Any], steps: int, n: int = 50) -> tuple[SimVectorEnv, SimVectorEnv]:
    """The same environment with and without delay."""
    modifiers = [{"kind": "random_walk", "step": 0.05}]
    config = {"horizon": steps, "modifiers": modifiers}
    late, prompt = (
        SimVectorEnv(family, {**config, **more}, entities=n, one_shot=True) for more in ({"delay": delay}, {})
    )
    for env in (late, prompt):
        env.reset(seed=3)
    return late, prompt


def actions(env: SimVectorEnv, t: int) -> Any:
    return (np.arange(env.num_envs) + t) % env.batch_spec.num_actions


@pytest.mark.parametrize("family", ["bandit", "cohort", "pricing"])
def test_a_fixed_delay_shifts_what_is_seen_and_paid(family: str) -> None:
    late, prompt = pair(family, {"kind": "fixed", "steps": 3}, steps=12)
    seen, paid = [], []
    width = {"bandit": 1, "cohort": 2, "pricing": 2}[family]
    for t in range(12):
        obs, reward, *_ = prompt.step(actions(prompt, t))
        seen.append(obs[:, :width])
        paid.append(reward)
        obs, reward, *_ = late.step(actions(late, t))
        arrived = late.arrived()
        if t < 3:
            assert not reward.any()
            assert not obs[:, :width].any()
            assert not len(arrived.rows)
        elif t < 11:
            assert (reward == paid[t - 3]).all()
            assert (obs[:, :width] == seen[t - 3]).all()
            assert (arrived.decision_step == t - 3).all()
            assert (arrived.reward[np.argsort(arrived.rows)] == paid[t - 3]).all()
        else:  # what is outstanding arrives with the last step
            assert reward == pytest.approx(np.sum(paid[8:], axis=0))
            assert obs[:, :width] == pytest.approx(np.sum(seen[8:], axis=0))


def test_what_is_seen_beside_the_outcome_is_never_late() -> None:
    late, prompt = pair("pricing", {"kind": "fixed", "steps": 2}, steps=5)
    for t in range(5):
        price = [env.step(actions(env, t))[0][:, 2] for env in (late, prompt)]
        assert (price[0] == price[1]).all()


@pytest.mark.parametrize("replicates", [1, 3])
def test_every_outcome_arrives_once_at_the_step_that_its_word_tells(replicates: int) -> None:
    steps, n = 30, 40
    config = {"size": 20, "horizon": steps, "delay": GEOMETRIC}
    late = SimVectorEnv("cohort", config, entities=n, replicates=replicates, one_shot=True)
    prompt = SimVectorEnv("cohort", {**config, "delay": None}, entities=n, replicates=replicates, one_shot=True)
    late.reset(seed=3)
    prompt.reset(seed=3)
    draws = Draws(3, stream=ENVIRONMENT, entities=n, replicates=replicates)
    bounds = 1 - (2 / 3) ** np.arange(1, 6)
    due: dict[tuple[int, int], tuple[int, float]] = {}
    for t in range(steps):
        delays = np.searchsorted(bounds, draws.uniform(t, slot=SLOT), side="right")
        _, reward, *_ = prompt.step(actions(prompt, t))
        due.update({(t, i): (min(t + int(delays[i]), steps - 1), reward[i]) for i in range(prompt.num_envs)})
        _, paid, *_, infos = late.step(actions(late, t))
        arrived = late.arrived()
        assert (infos["arrived"]["rows"] == arrived.rows).all()
        assert (np.bincount(arrived.rows, arrived.reward, late.num_envs) == paid).all()
        for row, made, earned in zip(arrived.rows, arrived.decision_step, arrived.reward, strict=True):
            assert due.pop((int(made), int(row))) == (t, earned)
        assert all(when > t for when, _ in due.values())
    assert not due


def test_delays_have_their_law() -> None:
    n, steps = 20_000, 12
    env = SimVectorEnv("bandit", {"horizon": steps, "delay": GEOMETRIC}, entities=n, one_shot=True)
    env.reset(seed=1)
    waits = []
    for t in range(steps):
        env.step(np.zeros(n, dtype=np.int64))
        arrived = env.arrived()
        waits.append((t - arrived.decision_step)[arrived.decision_step <= steps - 7])
    shares = np.bincount(np.concatenate(waits)) / (n * (steps - 6))
    wanted = np.append((2 / 3) ** np.arange(5) / 3, (2 / 3) ** 5)
    # Five standard errors of a share of 120,000.
    assert abs(shares - wanted).max() < 5 * np.sqrt(0.25 / (n * (steps - 6)))


def test_what_the_evaluator_knows_stays_with_the_decision() -> None:
    late, prompt = pair("cohort", GEOMETRIC, steps=6)
    assert late.yardstick_kind == "best_now"
    for t in range(6):
        assert (late.expected_reward() == prompt.expected_reward()).all()
        mine, theirs = (env.account(actions(env, t)) for env in (late, prompt))
        assert all((mine[name] == theirs[name]).all() for name in mine)
        late.step(actions(late, t))
        prompt.step(actions(prompt, t))


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_nothing_of_an_episode_arrives_in_the_next(mode: AutoresetMode) -> None:
    config = {"rate": [1.0, 0.0], "horizon": 4, "delay": {"kind": "fixed", "steps": 2}}
    env = SimVectorEnv("bandit", config, entities=3, autoreset_mode=mode)
    env.reset(seed=1)
    paid = [env.step(np.zeros(3, dtype=np.int64))[1][0] for _ in range(10)]
    gap = [0.0] if mode is AutoresetMode.NEXT_STEP else []
    assert paid == ([0, 0, 1, 3, *gap] * 3)[:10]


def test_a_mask_that_resets_forgets_what_is_outstanding() -> None:
    config = {"rate": [1.0], "horizon": 9, "scale": 1.0, "delay": {"kind": "fixed", "steps": 2}}
    env = SimVectorEnv("bandit", config, entities=2, autoreset_mode=AutoresetMode.DISABLED)
    env.reset(seed=1)
    env.step(np.zeros(2, dtype=np.int64))
    env.reset(options={"reset_mask": np.array([True, False])})
    paid = [env.step(np.zeros(2, dtype=np.int64))[1].tolist() for _ in range(3)]
    assert paid == [[0, 0], [0, 1], [1, 1]]


def test_shards_threads_forks_and_saved_states_have_the_same_arrivals() -> None:
    n, config = 9000, {"delay": GEOMETRIC, "churn": {"present": 0.6, "arrival": 0.1, "departure": 0.05}}
    whole = SimVectorEnv("bandit", config, entities=n, threads=1)
    many = SimVectorEnv("bandit", config, entities=n, threads=2)
    part = SimVectorEnv("bandit", config, entities=n - 4096, first_entity=4096)
    copy = SimVectorEnv("bandit", config, entities=n, threads=1)
    for env in (whole, many, part):
        env.reset(seed=6)
    for t in range(8):
        if t == 4:
            copy.restore(whole.save())
            fork = whole.fork()
        for env in (whole, many, part, *((copy, fork) if t >= 4 else ())):
            step = env.step(actions(whole, t)[-env.num_envs :])
            if env is whole:
                wanted, arrived = step, whole.arrived()
            last = [array[-env.num_envs :] for array in wanted[:4]]
            assert all((a == b).all() for a, b in zip(step[:4], last, strict=True))
            mine = env.arrived()
            own = arrived.rows >= n - env.num_envs
            assert (mine.rows + n - env.num_envs == arrived.rows[own]).all()
            assert (mine.reward == arrived.reward[own]).all()
