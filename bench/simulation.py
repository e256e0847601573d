"""Steps of simulated environments against NumPy and against truman's step body."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench.harness import Measurement, Size, in_turn
from onetake.envs import SimVectorEnv, make

COHORT = {"size": 10_000, "p": [0.5, 0.5], "q": [0.02, 0.03]}
THREADS = (1, 2)


def cohort(size: Size) -> Iterator[Measurement]:
    """Every entity has its own size and rates; outcomes are paired (monotone in their uniform)."""
    n = size.of(1_000_000, 2_000)
    rng = np.random.default_rng(0)
    sizes = rng.integers(9_000, 11_000, n)
    p = 0.4 + 0.2 * rng.random((n, 2))
    q = 0.02 + 0.01 * rng.random((n, 2))
    columns = {"size": sizes, "p": p, "q": q}
    action = rng.integers(0, 2, n)
    rows = np.arange(n)
    own_p, own_q = p[rows, action], q[rows, action]

    def peer() -> object:
        interactions = rng.binomial(sizes, own_p)
        return interactions, rng.binomial(interactions, own_q)

    for threads, goal in zip(THREADS, (4.0, 7.0), strict=True):
        env = SimVectorEnv("cohort", COHORT, entities=n, columns=columns, seed=1, threads=threads)
        env.reset(seed=1)
        yield in_turn(
            "cohort",
            "numpy Generator.binomial, own n and p",
            threads=threads,
            goal=goal,
            ours=lambda env=env: env.step(action),
            theirs=peer,
            units=(n, n),
            repeats=size.repeats,
        )


def cohort_shared(size: Size) -> Iterator[Measurement]:
    """All entities have the same size and rates."""
    n = size.of(1_000_000, 2_000)
    rng = np.random.default_rng(0)
    action = rng.integers(0, 2, n)
    env = SimVectorEnv("cohort", COHORT, entities=n, seed=1, threads=1)
    env.reset(seed=1)

    def peer() -> object:
        interactions = rng.binomial(10_000, 0.5, n)
        return interactions, rng.binomial(interactions, 0.02)

    yield in_turn(
        "cohort_shared",
        "numpy Generator.binomial, shared n and p",
        threads=1,
        goal=10.0,
        ours=lambda: env.step(action),
        theirs=peer,
        units=(n, n),
        repeats=size.repeats,
    )


def bernoulli(size: Size) -> Iterator[Measurement]:
    """A two-armed bandit each, through the whole Gymnasium face, rewards in float64."""
    n = size.of(1_000_000, 2_000)
    rng = np.random.default_rng(0)
    action = rng.integers(0, 2, n)
    env = SimVectorEnv("bandit", {"rate": [0.1, 0.2]}, entities=n, seed=1, threads=1)
    env.reset(seed=1)
    p = np.array([0.1, 0.2])[action]
    p32 = p.astype(np.float32)
    uniform, reward, total = np.empty(n, np.float32), np.empty(n, np.float32), np.zeros(n, np.float32)

    def plain() -> object:
        return (rng.random(n) < p).astype(np.float64)

    def in_place() -> None:
        rng.random(out=uniform, dtype=np.float32)
        np.less(uniform, p32, out=reward, casting="unsafe")
        np.add(total, reward, out=total)

    for peer, theirs, goal in (("random(N) < p, f64", plain, 5.0), ("random(N) < p, f32 in place", in_place, 2.0)):
        yield in_turn(
            "bernoulli",
            f"numpy {peer}",
            threads=1,
            goal=goal,
            ours=lambda: env.step(action),
            theirs=theirs,
            units=(n, n),
            repeats=size.repeats,
        )


def truman(size: Size) -> Iterator[Measurement]:
    """truman's cohort step; the peer is the two draws of its step body, since truman itself needs old packages."""
    from scipy.stats import binom

    n = size.of(1_000_000, 2_000)
    calls = size.of(2_000, 5)

    def peer() -> None:
        for _ in range(calls):
            interactions = binom.rvs(10_000, 0.5)
            float(binom.rvs(interactions, 0.02))

    action = np.zeros(n, dtype=np.int64)
    batch = SimVectorEnv("cohort", COHORT, entities=n, seed=1, threads=1)
    batch.reset(seed=1)
    name = "scipy.stats.binom.rvs twice, as in truman's step"
    common = {"threads": 1, "theirs": peer, "repeats": size.repeats}
    yield in_turn("truman", name, goal=1_000.0, ours=lambda: batch.step(action), units=(n, calls), **common)

    single = make("onetake/TimePeriodStep:Static:conv_1:0.02:conv_2:0.03-v0")
    steps = size.of(20_000, 5)

    def one() -> None:
        for step in range(steps):
            # An episode has 365 steps.
            if step % 365 == 0:
                single.reset(seed=step)
            single.step(0)

    yield in_turn("truman", f"one environment: {name}", goal=20.0, ours=one, units=(steps, calls), **common)


def pricing(size: Size) -> Iterator[Measurement]:
    """A nested logit with noise, shocks and a remembered price; each product has parameters of its own."""
    n = size.of(1_000_000, 2_000)
    rng = np.random.default_rng(0)
    columns = catalogue(n)
    price, cost, views, rate, elasticity = (columns[name] for name in ("price", "cost", "views", "rate", "elasticity"))
    ladder = np.array(PRICING["ladder"])
    nest, dispersion = PRICING["nest"], PRICING["dispersion"]
    action = rng.integers(0, len(ladder), n)
    sets = np.arange(0, n, SET)
    total = np.repeat(np.add.reduceat(rate, sets), SET)
    weight = (total / (1 - total)) ** (1 / nest) * rate / total
    slope = elasticity / (1 - (1 - nest) * rate / total - nest * rate)
    remembered = np.ones(n)

    def peer() -> object:
        x = ladder[action]
        memory = 0.5 * np.maximum(remembered - x, 0) - np.maximum(x - remembered, 0)
        own = weight * np.exp(slope * (x - 1) + memory / nest)
        crowd = np.add.reduceat(own, sets)
        chance = own / np.repeat(crowd ** (1 - nest) + crowd, SET)
        shock = np.repeat(np.exp(rng.normal(-0.005, 0.1, len(sets))), SET) * np.exp(rng.normal(-0.005, 0.1))
        seen = rng.poisson(views * shock * rng.gamma(1 / dispersion, dispersion, n))
        bought = rng.binomial(seen, chance)
        remembered[:] = 0.8 * remembered + 0.2 * x
        obs = np.column_stack([seen, bought, price * x]).astype(np.float32)
        return obs, (price * x - cost) * bought

    for threads, goal in zip(THREADS, (3.0, 5.0), strict=True):
        env = SimVectorEnv("pricing", PRICING, entities=n, columns=columns, seed=1, threads=threads)
        env.reset(seed=1)
        yield in_turn(
            "pricing",
            "the same model in vectorised NumPy",
            threads=threads,
            goal=goal,
            ours=lambda env=env: env.step(action),
            theirs=peer,
            units=(n, n),
            repeats=size.repeats,
        )


#: Products of a choice set.
SET = 10
PRICING = {
    "demand": "nested_logit",
    "nest": 0.5,
    "ladder": [0.8, 0.9, 1.0, 1.1, 1.2],
    "dispersion": 0.3,
    "shock": 0.1,
    "group_shock": 0.1,
    "reference": {"keep": 0.8, "gain": 0.5, "loss": 1.0},
}


def catalogue(n: int) -> dict[str, np.ndarray]:
    """Products in choice sets of `SET`."""
    rng = np.random.default_rng(0)
    return {
        "price": 5 + 10 * rng.random(n),
        "cost": 2 + 2 * rng.random(n),
        "views": 20 + 200 * rng.random(n),
        "rate": 0.01 + 0.03 * rng.random(n),
        "elasticity": -1 - 2 * rng.random(n),
        "group": np.arange(n) // SET,
    }
