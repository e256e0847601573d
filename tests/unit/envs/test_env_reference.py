"""Both families against a plain loop in float64, draw for draw."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from onetake import _core
from onetake.envs import SimVectorEnv

pytestmark = pytest.mark.common_random_numbers

ENVIRONMENT = 0x656E_7669_726F_6E00


def word(seed: int, slot: int, step: int, entity: int, replicate: int) -> int:
    return int(_core.words(seed, ENVIRONMENT, slot, 0, step, replicate, entity, 1)[0])


def quantile(word: int, n: int, p: float) -> int:
    """Least k with word < round(F(k) 2^32): the canonical quantile, by SciPy's distribution function."""
    cdf = stats.binom.cdf(np.arange(n + 1), n, p)
    return int(np.searchsorted(np.rint(cdf * 2**32), word, side="right")) if n else 0


def success(word: int, p: float) -> bool:
    return word < round(min(max(p, 0.0), 1.0) * 2**32)


def walk(seed: int, steps: int, entity: int, replicate: int, low: float, high: float, size: float) -> list[float]:
    """A walker's level at each step: it moves after a step, by the word of its own slot."""
    levels = [1.0]
    for t in range(steps):
        moved = levels[-1] + (size if word(seed, 1 << 20, t, entity, replicate) < 2**31 else -size)
        levels.append(min(max(moved, low), high))
    return levels


def play(env: SimVectorEnv, seed: int, steps: int) -> list[tuple[Any, ...]]:
    env.reset(seed=seed)
    return [env.step((np.arange(env.num_envs) + t) % env.batch_spec.num_actions) for t in range(steps)]


def test_cohort_equals_a_plain_loop() -> None:
    rng = np.random.default_rng(3)
    size, p, q = rng.integers(1, 60, 4), rng.uniform(0.1, 0.9, (4, 3)), rng.uniform(0.1, 0.9, 4)
    scale, offset = [2.0, 1.0, 0.5], [-1.0, 0.0, 0.25]
    season = {"kind": "season", "period": 5, "amplitude": 0.6}
    trend = {"kind": "trend", "start": 0.5, "slope": 0.1, "cap": 0.3}
    env = SimVectorEnv(
        "cohort",
        {"scale": scale, "offset": offset, "modifiers": [season, trend]},
        entities=4,
        replicates=2,
        columns={"size": size, "p": p, "q": q},
        first_entity=5,
        first_replicate=3,
    )
    for t, (obs, reward, *_rest) in enumerate(play(env, 11, 12)):
        level = (1 + 0.6 * math.sin(2 * math.pi * (t % 5) / 5)) * (0.5 + min(0.1 * t, 0.3))
        for i in range(env.num_envs):
            entity, replicate, arm = i % 4, i // 4, (i + t) % 3
            who = (t, 5 + entity, 3 + replicate)
            interactions = quantile(word(11, 0, *who), int(size[entity]), min(p[entity, arm] * level, 1.0))
            conversions = quantile(word(11, 1, *who), interactions, min(q[entity] * level, 1.0))
            assert obs[i].tolist() == [interactions, conversions]
            assert reward[i] == scale[arm] * conversions + offset[arm]


def test_bandit_equals_a_plain_loop() -> None:
    rate = np.random.default_rng(4).uniform(0.1, 0.9, (6, 2))
    multipliers, weights = [[1.0, 0.5], [1.5, 2.0], [0.2, 1.0]], [1.0, 2.0, 1.0]
    env = SimVectorEnv(
        "bandit",
        {
            "scale": [1.0, 3.0],
            "offset": [0.0, -0.5],
            "segment_multipliers": multipliers,
            "segment_weights": weights,
            "modifiers": [{"kind": "random_walk", "step": 0.05, "low": 0.8, "high": 1.1}],
        },
        entities=6,
        columns={"rate": rate},
    )
    levels = [walk(9, 15, entity, 0, 0.8, 1.1, 0.05) for entity in range(6)]

    def segment(t: int, entity: int) -> int:
        return int(np.searchsorted([0.25, 0.75], (word(9, 1, t, entity, 0) + 0.5) / 2**32, side="right"))

    for t, (obs, reward, *_rest) in enumerate(play(env, 9, 15)):
        for i in range(6):
            arm = (i + t) % 2
            chance = rate[i, arm] * multipliers[segment(t, i)][arm] * levels[i][t]
            won = success(word(9, 0, t, i, 0), chance)
            assert obs[i].tolist() == [won, segment(t + 1, i)]
            assert reward[i] == [1.0, 3.0][arm] * won + [0.0, -0.5][arm]


def test_a_walk_of_a_replicate_is_one_for_all_its_entities() -> None:
    modifiers = [{"kind": "random_walk", "step": 0.01, "scope": "replicate"}]
    env = SimVectorEnv("bandit", {"rate": [0.3, 0.4], "modifiers": modifiers}, entities=3, replicates=2)
    whole = SimVectorEnv("bandit", {"rate": [0.3, 0.4], "modifiers": modifiers}, first_entity=2, replicates=2)
    for batch in (env, whole):
        play(batch, 5, 40)
    expected = env.expected_reward().reshape(2, 3, 2)
    assert (expected == expected[:, :1]).all()
    assert not (expected[0] == expected[1]).all()
    assert (whole.expected_reward() == expected[:, 0]).all()


def test_expected_reward_is_the_mean_of_many_draws() -> None:
    """100,000 entities of one environment each; 5 standard errors, of which a true mean fails 1 in 1.7 million."""
    n, level = 100_000, 0.8
    trend = [{"kind": "trend", "start": level}]
    cases = {
        "bandit": {"rate": [0.3, 0.04], "scale": [2, 5], "offset": [-1, 0], "modifiers": trend},
        "cohort": {
            "size": 40,
            "p": [0.6, 0.3],
            "q": [0.5, 0.2],
            "scale": [1, 3],
            "offset": [0.5, -2],
            "modifiers": trend,
        },
    }
    for family, config in cases.items():
        for arm in (0, 1):
            env = SimVectorEnv(family, config, entities=n)
            env.reset(seed=arm)
            expected = env.expected_reward()[:, arm]
            reward = env.step(np.full(n, arm))[1]
            assert abs(reward.mean() - expected.mean()) < 5 * reward.std() / math.sqrt(n)


@pytest.mark.parametrize(("columns", "limit"), [({"p": np.tile([0.02, 0.021], (20_000, 1))}, 0.05), (None, 0.005)])
def test_pairing_takes_the_luck_out_of_a_small_difference(columns: dict[str, Any] | None, limit: float) -> None:
    """Unpaired, the difference of two counts has the sum of their variances, 200 + 206."""
    n = 20_000
    config = {"size": 10_000, "p": [0.02, 0.021], "q": 1}
    counts = []
    for arm in (0, 1):
        env = SimVectorEnv("cohort", config, entities=n, columns=columns)
        env.reset(seed=2)
        counts.append(env.step(np.full(n, arm))[1])
    unpaired = 10_000 * (0.02 * 0.98 + 0.021 * 0.979)
    assert np.var(counts[1] - counts[0]) / unpaired <= limit
    assert np.corrcoef(counts)[0, 1] > 0.99


def test_the_luck_of_an_entity_on_a_day_does_not_depend_on_what_was_played_before() -> None:
    one, other = (SimVectorEnv("cohort", {"p": 0.4, "q": [0.2, 0.3]}, entities=50) for _ in range(2))
    one.reset(seed=7)
    other.reset(seed=7)
    for t in range(10):
        one.step(np.zeros(50, dtype=np.int64))
        other.step(np.full(50, t % 2))
    same = np.ones(50, dtype=np.int64)
    assert (one.step(same)[0] == other.step(same)[0]).all()


def test_reset_without_a_seed_goes_on_and_with_one_begins_again() -> None:
    env = SimVectorEnv("cohort", entities=4)
    action = np.zeros(4, dtype=np.int64)
    env.reset(seed=1)
    first = env.step(action)[0]
    env.reset()
    second = env.step(action)[0]
    env.reset(seed=1)
    assert (env.step(action)[0] == first).all()
    assert not (first == second).all()
    assert env.clock == 1
    assert env.elapsed.tolist() == [1] * 4


def test_tables_of_shared_chances_give_the_counts_of_own_ones():
    """Large batches look shared chances up once they come again; the same chances as columns are drawn one by one."""
    n = 70_000
    shared = {"size": 1_000, "p": [0.5, 0.4], "q": [0.02, 0.03]}
    own = {"p": np.tile([0.5, 0.4], (n, 1)), "q": np.tile([0.02, 0.03], (n, 1)), "size": np.full(n, 1_000)}
    envs = [SimVectorEnv("cohort", shared, entities=n, columns=columns, seed=4) for columns in ({}, own)]
    for env in envs:
        env.reset(seed=4)
    action = np.arange(n) % 2
    for _ in range(4):
        one, other = (env.step(action) for env in envs)
        assert one[0].tobytes() == other[0].tobytes()
        assert one[1].tobytes() == other[1].tobytes()
