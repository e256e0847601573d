"""Modifiers multiply, whatever their kind, over all arms or some: against closed forms and a plain loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onetake.draws import ENVIRONMENT, Draws
from onetake.envs import EnvironmentEntry, SimVectorEnv
from onetake.types import Float64

pytestmark = pytest.mark.modifiers_compose

STEPS, ENTITIES, ARMS = 40, 5, 3
FIRST_SLOT = 1 << 20


def seasonal(t: int) -> float:
    return [1.0, 1.2, 0.7][t % 3]


def trending(t: int) -> float:
    return float(np.clip(0.9 - 0.01 * t, 0.9 - 0.1, None))


def changing(t: int) -> float:
    return [1.0, 0.5, 1.1][int(np.searchsorted([10, 25], t, side="right"))]


def festive(t: int) -> float:
    return 1.0 + 0.6 * max(1 - abs(t - 20) / (4 if t < 20 else 2), 0.0)


def saturating(t: int) -> float:
    return float(0.4 + 0.8 * 2.0 ** (-t / 9))


TABLE = np.linspace(0.5, 1.0, STEPS)
TIMED: dict[str, tuple[dict[str, Any], Any]] = {
    "season": ({"kind": "season", "values": [1.0, 1.2, 0.7]}, seasonal),
    "trend": ({"kind": "trend", "start": 0.9, "slope": -0.01, "cap": 0.1}, trending),
    "change_point": ({"kind": "change_point", "at": [10, 25], "values": [1.0, 0.5, 1.1]}, changing),
    "holiday": ({"kind": "holiday", "days": [20], "factor": 1.6, "lead": 3, "lag": 1}, festive),
    "saturation": ({"kind": "saturation", "start": 1.2, "limit": 0.4, "half_life": 9}, saturating),
    "table": ({"kind": "table", "values": TABLE.tolist()}, lambda t: float(TABLE[t])),
}
SHOCK: dict[str, Any] = {"kind": "competitor_shock", "chance": 0.2, "factor": 0.6, "keep": 0.7, "scope": "environment"}


def levels(env: SimVectorEnv, rate: float, steps: int = STEPS) -> Float64:
    """What modifiers made of one rate at each step ``(T, n, k)``, read from expected rewards."""
    env.reset(seed=3)
    out = []
    for _ in range(steps):
        out.append(env.expected_reward() / rate)
        env.step(np.zeros(env.num_envs, dtype=np.int64))
    return np.array(out)


def words(slot: int, step: int) -> Any:
    draws = Draws(3, stream=ENVIRONMENT, entities=ENTITIES)
    return np.asarray(draws.uniform(step, slot=slot))


@pytest.mark.parametrize("kind", sorted(TIMED))
@pytest.mark.parametrize("family", ["bandit", "cohort"])
def test_each_kind_is_its_formula(kind: str, family: str) -> None:
    modifier, formula = TIMED[kind]
    rate = {"rate": [0.4] * ARMS} if family == "bandit" else {"size": 1, "p": 1.0, "q": [0.4] * ARMS}
    config = {**rate, "horizon": STEPS, "modifiers": [{**modifier, "arms": [0, 1, 2]}]}
    if family == "bandit":
        config["modifiers"] = [modifier]
    got = levels(SimVectorEnv(family, config, entities=2), 0.4)
    wanted = np.array([formula(t) for t in range(STEPS)])
    if family == "cohort":  # both chances are multiplied, and 1 is the most that a chance can be
        wanted = np.minimum(wanted, 1.0) * wanted
    np.testing.assert_allclose(got, np.broadcast_to(wanted[:, None, None], got.shape), rtol=1e-12)


def test_all_kinds_together_are_the_product_of_a_plain_loop() -> None:
    """Timed ones over all arms or some, a walk of one arm and a competitor of all, by their own words."""
    walk = {"kind": "random_walk", "step": 0.02, "low": 0.8, "high": 1.2, "arms": [1]}
    arms: dict[str, list[int]] = {"trend": [0], "change_point": [2], "saturation": [0, 1]}
    timed = [{**TIMED[kind][0], **({"arms": arms[kind]} if kind in arms else {})} for kind in sorted(TIMED)]
    config = {"rate": [0.1] * ARMS, "horizon": STEPS, "modifiers": [walk, *timed, SHOCK]}
    got = levels(SimVectorEnv("bandit", config, entities=ENTITIES), 0.1)
    walked, shocked = np.ones(ENTITIES), np.ones(ENTITIES)
    for t in range(STEPS):
        wanted = np.ones((ENTITIES, ARMS))
        for kind, (_, formula) in TIMED.items():
            wanted[:, arms.get(kind, [0, 1, 2])] *= formula(t)
        wanted[:, 1] *= walked
        np.testing.assert_allclose(got[t], wanted * shocked[:, None], rtol=1e-12)
        walked = np.clip(walked + np.where(words(FIRST_SLOT, t) < 0.5, 0.02, -0.02), 0.8, 1.2)
        shocked = np.where(words(FIRST_SLOT + 1, t) < 0.2, 0.6, 1 - (1 - shocked) * 0.7)


def test_modifiers_of_some_arms_change_which_arm_is_best() -> None:
    change = {"kind": "change_point", "at": [5], "values": [1.0, 0.2], "arms": [1]}
    env = SimVectorEnv("bandit", {"rate": [0.2, 0.4], "horizon": 10, "modifiers": [change]})
    env.reset(seed=1)
    best = []
    for _ in range(10):
        best.append(int(env.best()[0]))
        env.step(np.array([0]))
    assert best == [1] * 5 + [0] * 5


def test_draws_follow_the_modifiers_of_their_arm() -> None:
    """100,000 draws of each arm; 5 standard errors of a share."""
    n = 100_000
    modifiers = [{"kind": "trend", "start": 0.5, "arms": [0]}, {"kind": "trend", "start": 1.5, "arms": [1]}]
    for columns in (None, {"rate": np.tile([0.4, 0.4], (n, 1))}):
        env = SimVectorEnv(
            "bandit", {"rate": 0.4, "scale": [1, 1], "modifiers": modifiers}, entities=n, columns=columns
        )
        env.reset(seed=5)
        for arm, share in ((0, 0.2), (1, 0.6)):
            reward = env.fork().step(np.full(n, arm))[1]
            assert abs(reward.mean() - share) < 5 * np.sqrt(share * (1 - share) / n)


def test_a_competitor_of_a_replicate_is_one_for_all_its_entities() -> None:
    shock = {**SHOCK, "scope": "replicate"}
    env = SimVectorEnv("bandit", {"rate": [0.3], "horizon": STEPS, "modifiers": [shock]}, entities=3, replicates=2)
    got = levels(env, 0.3).reshape(STEPS, 2, 3)
    assert (got == got[:, :, :1]).all()
    assert not (got[:, 0] == got[:, 1]).all()


def test_state_with_modifiers_is_saved_and_goes_on_alike() -> None:
    config = {"rate": [0.3, 0.4], "modifiers": [SHOCK, {"kind": "random_walk", "arms": [1]}]}
    one, other = (SimVectorEnv("bandit", config, entities=6) for _ in range(2))
    one.reset(seed=2)
    for _ in range(9):
        one.step(np.zeros(6, dtype=np.int64))
    other.restore(one.save())
    for _ in range(5):
        assert (one.expected_reward() == other.expected_reward()).all()
        one.step(np.zeros(6, dtype=np.int64))
        other.step(np.zeros(6, dtype=np.int64))


def test_a_table_is_as_long_as_the_episode_of_its_suite() -> None:
    modifiers = [{"kind": "table", "values": [1.0, 0.5, 1.0]}]
    entry = EnvironmentEntry("x", "bandit", {"modifiers": modifiers}, steps=3)
    assert entry.make(1).batch_spec.horizon == 3
