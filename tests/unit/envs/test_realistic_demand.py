"""Noise, shocks and memory of the pricing family: what is stated is met, draw for draw and in distribution."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy import stats

from onetake.draws import ENVIRONMENT, Draws
from onetake.envs import SimVectorEnv
from onetake.types import Float64

pytestmark = pytest.mark.realistic_demand

LADDER = np.array([0.7, 0.85, 1.0, 1.2])
CONFIG: dict[str, Any] = {
    "demand": "nested_logit",
    "ladder": LADDER.tolist(),
    "nest": 0.4,
    "dispersion": 0.3,
    "shock": 0.15,
    "group_shock": 0.25,
    "reference": {"keep": 0.7, "gain": 0.8, "loss": 1.6},
    "pantry": {"effect": 0.1, "most": 3.0},
    "modifiers": [{"kind": "season", "values": [1.0, 1.3, 0.8]}],
}


def catalogue(n: int, seed: int = 0) -> dict[str, Float64]:
    rng = np.random.default_rng(seed)
    return {
        "price": rng.uniform(2, 20, n),
        "cost": rng.uniform(0, 2, n),
        "views": rng.uniform(5, 300, n),
        "rate": rng.uniform(0.01, 0.1, n),
        "elasticity": rng.uniform(-4, -0.5, n),
        "group": np.repeat(np.arange(n), 5)[:n].astype(np.float64),
    }


def gamma_parts(dispersion: float) -> Float64:
    """Means of 4096 equal parts of a gamma distribution with mean 1, by SciPy."""
    law, more = stats.gamma(1 / dispersion), stats.gamma(1 / dispersion + 1)
    ends = law.ppf(np.arange(4097) / 4096)
    return np.asarray(np.diff(more.cdf(ends)) * 4096)


class Loop:
    """The family as a plain float64 loop, step for step; only the words are onetake's own."""

    def __init__(self, seed: int, columns: dict[str, Float64], replicates: int) -> None:
        self.columns, self.replicates, self.n = columns, replicates, len(columns["price"])
        self.draws = Draws(seed, stream=ENVIRONMENT, entities=self.n, replicates=replicates)
        self.seed = seed
        self.reference = np.ones((replicates, self.n))
        self.pantry = np.zeros((replicates, self.n))
        self.parts = gamma_parts(CONFIG["dispersion"])

    def word(self, step: int, slot: int, entity: int, replicate: int) -> float:
        draws = Draws(self.seed, stream=ENVIRONMENT, first_entity=entity, first_replicate=replicate)
        return float(draws.normal(0.0, 1.0, step, slot=slot)[0])

    def chances(self, row: int, x: Float64) -> Float64:
        q, nest = self.columns["rate"], CONFIG["nest"]
        chance = np.empty(self.n)
        for group in np.unique(self.columns["group"]):
            own = np.flatnonzero(self.columns["group"] == group)
            total = q[own].sum()
            weight = np.empty(len(own))
            for j, i in enumerate(own):
                share = q[i] / total
                slope = self.columns["elasticity"][i] / (1 - (1 - nest) * share - nest * q[i])
                below = self.reference[row, i] - x[i]
                memory = (0.8 if below > 0 else 1.6) * below - 0.1 * self.pantry[row, i]
                weight[j] = (total / (1 - total)) ** (1 / nest) * share * np.exp(slope * (x[i] - 1) + memory / nest)
            chance[own] = weight / (weight.sum() ** (1 - nest) + weight.sum())
        return chance

    def step(self, step: int, x: Float64) -> tuple[Float64, Float64]:
        season = CONFIG["modifiers"][0]["values"][step % 3]
        level = np.full((self.replicates, self.n), season)
        chance = np.empty_like(level)
        for row in range(self.replicates):
            chance[row] = self.chances(row, x[row])
            level[row] *= np.exp(0.15 * self.word(step, 3, 2**32 - 1, row) - 0.15**2 / 2)
            for group in np.unique(self.columns["group"]):
                shock = np.exp(0.25 * self.word(step, 4, int(group), row) - 0.25**2 / 2)
                level[row, self.columns["group"] == group] *= shock
        cell = np.floor(self.draws.uniform(step, slot=2) * 4096).astype(int)
        rate = (self.columns["views"] * level).ravel() * self.parts[cell]
        seen = self.draws.poisson(rate, step)
        bought = self.draws.binomial(seen, chance.ravel(), step, slot=1)
        usual = self.columns["views"] * self.columns["rate"]
        units = bought.reshape(self.replicates, self.n)
        self.pantry = np.clip(self.pantry + units / usual - 1, 0, 3.0)
        self.reference = 0.7 * self.reference + 0.3 * x
        return np.asarray(seen, dtype=np.float64), np.asarray(bought, dtype=np.float64)


def test_every_draw_is_that_of_a_plain_loop() -> None:
    n, replicates = 23, 2
    columns = catalogue(n)
    env = SimVectorEnv("pricing", CONFIG, entities=n, replicates=replicates, columns=columns)
    env.reset(seed=11)
    loop, rng = Loop(11, columns, replicates), np.random.default_rng(1)
    same = 0
    for step in range(12):
        actions = rng.integers(0, 4, n * replicates)
        obs, *_ = env.step(actions)
        seen, bought = loop.step(step, LADDER[actions].reshape(replicates, n))
        same += int((obs[:, 0] == seen).sum() + (obs[:, 1] == bought).sum())
    # A rate that differs in its last bits moves a count with a chance of about 1e-10.
    assert same == 2 * 12 * n * replicates


@pytest.mark.parametrize("dispersion", [0.1, 0.7, 2.0])
def test_interactions_are_negative_binomial_with_the_stated_dispersion(dispersion: float) -> None:
    mean, size = 40.0, 200_000
    env = SimVectorEnv("pricing", {"views": mean, "dispersion": dispersion}, replicates=size)
    env.reset(seed=2)
    obs, *_ = env.step(np.zeros(size, dtype=np.int64))
    law = stats.nbinom(1 / dispersion, 1 / (1 + dispersion * mean))
    fourth = float(law.stats(moments="k")) + 2
    assert abs(obs[:, 0].mean() - mean) < 5 * law.std() / np.sqrt(size)
    # Five standard errors of a variance, and the 0.1 % that equal parts leave out.
    assert abs(obs[:, 0].var() / law.var() - 1) < 5 * np.sqrt(fourth / size) + 1e-3
    # The largest distance of distribution functions; 1.95 / sqrt(size) has a chance of 1e-3 for continuous laws.
    counts = np.arange(int(law.ppf(0.999)))
    reached = np.searchsorted(np.sort(obs[:, 0]), counts, side="right") / size
    assert abs(reached - law.cdf(counts)).max() < 1.95 / np.sqrt(size) + 1e-3


@pytest.mark.outcome_families
def test_without_dispersion_interactions_and_conversions_are_poisson() -> None:
    size = 100_000
    env = SimVectorEnv("pricing", {"demand": "semi_log", "views": 30.0, "rate": 0.2}, replicates=size)
    env.reset(seed=3)
    obs, *_ = env.step(np.full(size, 2))
    for column, mean in ((0, 30.0), (1, 6.0)):
        assert abs(obs[:, column].mean() - mean) < 5 * np.sqrt(mean / size)
        assert abs(obs[:, column].var() / mean - 1) < 5 * np.sqrt((2 + 1 / mean) / size)


@pytest.mark.parametrize(("shock", "group_shock"), [(0.3, 0.0), (0.0, 0.4), (0.2, 0.3)])
def test_shocks_correlate_within_groups_and_between_them_as_stated(shock: float, group_shock: float) -> None:
    size, views = 20_000, 1e6
    config = {"shock": shock, "group_shock": group_shock, "views": views}
    columns = {"group": np.array([3.0, 8.0, 3.0])}
    env = SimVectorEnv("pricing", config, entities=3, replicates=size, columns=columns)
    env.reset(seed=4)
    obs, *_ = env.step(np.zeros(3 * size, dtype=np.int64))
    logs = np.log(obs[:, 0].reshape(size, 3))
    # A million views: what Poisson noise adds to the variance of the logarithm is 1e-6.
    within, between = np.cov(logs[:, 0], logs[:, 2])[0, 1], np.cov(logs[:, 0], logs[:, 1])[0, 1]
    all_, own = shock**2, shock**2 + group_shock**2
    error = 5 * np.sqrt(2 / size) * own + 1e-5
    assert abs(within - own) < error
    assert abs(between - all_) < error
    assert abs(obs[:, 0].mean() / views - 1) < 5 * np.sqrt((np.exp(own) - 1) / size)


def test_a_price_cut_lifts_demand_now_and_lowers_it_afterwards() -> None:
    size = 20_000
    config = {
        "demand": "semi_log",
        "ladder": [0.7, 1.0],
        "reference": {"keep": 0.5, "gain": 1.0, "loss": 1.0},
        "pantry": {"effect": 0.2},
    }
    env = SimVectorEnv("pricing", config, replicates=size)
    env.reset(seed=5)
    flat, cut = env.fork(), env.fork()
    lifted, usual = [], []
    for step in range(5):
        for twin, arm, kept in ((cut, int(step > 0), lifted), (flat, 1, usual)):
            obs, *_ = twin.step(np.full(size, arm))
            kept.append(obs[:, 1].mean())
    assert lifted[0] > 1.5 * usual[0]
    # What it took from later days fades; the same luck makes differences of a few per cent plain.
    later = np.array(lifted[1:]) / np.array(usual[1:])
    assert (later < 0.99).all()
    assert later[0] < later[-1]


@pytest.mark.common_random_numbers
def test_pairing_takes_most_of_the_noise_out_of_a_comparison_of_prices() -> None:
    size = 4000
    config = {**CONFIG, "ladder": [1.0, 1.01], "views": 1000.0, "rate": 0.02, "dispersion": 0.5}
    columns = {"group": np.repeat(np.arange(4), 2)}
    env = SimVectorEnv("pricing", config, entities=8, replicates=size, columns=columns)
    env.reset(seed=6)
    rewards = [env.fork().step(np.full(8 * size, arm))[1].reshape(size, 8).sum(axis=1) for arm in (0, 1)]
    paired, unpaired = (rewards[0] - rewards[1]).var(), rewards[0].var() + rewards[1].var()
    assert paired / unpaired <= 0.05


@pytest.mark.common_random_numbers
def test_luck_grows_with_demand_and_is_the_same_for_every_price() -> None:
    env = SimVectorEnv("pricing", {"ladder": [1.4, 1.2, 1.0, 0.8], "dispersion": 0.8}, replicates=5000)
    env.reset(seed=7)
    steps = [env.fork().step(np.full(5000, arm))[0] for arm in range(4)]
    for dear, cheap in pairwise(steps):
        np.testing.assert_array_equal(dear[:, 0], cheap[:, 0])
        assert (dear[:, 1] <= cheap[:, 1]).all()


def played(columns: dict[str, Float64], n: int, first: int = 0, threads: int = 1, replicates: int = 2) -> list[Any]:
    """A few steps of part of a catalogue: observations, rewards and expected rewards ``(R, n, ...)``."""
    part = {name: values[first : first + n] for name, values in columns.items()}
    env = SimVectorEnv(
        "pricing", CONFIG, entities=n, replicates=replicates, columns=part, first_entity=first, threads=threads
    )
    env.reset(seed=8)
    out = []
    for step in range(3):
        actions = (np.arange(first, first + n) * 7 + step) % 4
        expected = env.expected_reward()
        obs, reward, *_ = env.step(np.tile(actions, replicates))
        out.append([a.reshape(replicates, n, -1) for a in (obs, reward, expected)])
    return out


@pytest.mark.worker_independence
@pytest.mark.coupling
def test_prefix_shards_and_threads_play_the_same_bytes() -> None:
    # Groups of five do not divide a block of 2048: blocks are cut at the next group.
    columns = catalogue(10_000, seed=3)
    whole = played(columns, 10_000)
    assert SimVectorEnv("pricing", CONFIG, entities=10, columns=catalogue(10)).batch_spec.coupling == "grouped"
    others = [(played(columns, 3000), 0), (played(columns, 7000, first=3000), 3000)]
    others.append((played(columns, 10_000, threads=2), 0))
    for part, first in others:
        for ours, theirs in zip(part, whole, strict=True):
            for a, b in zip(ours, theirs, strict=True):
                np.testing.assert_array_equal(a, b[:, first : first + a.shape[1]])


@pytest.mark.fork_resume
def test_forks_and_resumed_states_go_on_with_the_same_bytes() -> None:
    columns = catalogue(40)
    env = SimVectorEnv("pricing", CONFIG, entities=40, columns=columns)
    env.reset(seed=9)
    env.step(np.zeros(40, dtype=np.int64))
    other = SimVectorEnv("pricing", CONFIG, entities=40, columns=columns)
    other.restore(env.save())
    twin = env.fork()
    for step in range(3):
        steps = [e.step(np.full(40, step)) for e in (env, other, twin)]
        for later in steps[1:]:
            np.testing.assert_array_equal(steps[0][0], later[0])
            np.testing.assert_array_equal(steps[0][1], later[1])
