"""A step of every family against the bare sum of its draws, and two threads against one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from bench.harness import Measurement, Size, in_turn
from bench.simulation import catalogue
from onetake.draws import Draws
from onetake.envs import SimVectorEnv


def cohort(size: Size) -> Iterator[Measurement]:
    """Two binomials a unit, each entity with rates of its own."""
    n = size.of(1_000_000, 2_000)
    rng = np.random.default_rng(0)
    p, q = 0.4 + 0.2 * rng.random((n, 2)), 0.02 + 0.01 * rng.random((n, 2))
    config = {"size": 10_000, "p": [0.5, 0.5], "q": [0.02, 0.03]}
    draws = Draws(1, entities=n, threads=1)
    own_p, own_q = np.ascontiguousarray(p[:, 0]), np.ascontiguousarray(q[:, 0])

    def bare(step: int) -> None:
        interactions = draws.binomial(10_000, own_p, step)
        draws.binomial(interactions, own_q, step, slot=1)

    yield from _family("cohort", config, {"p": p, "q": q}, bare, size)


def bandit(size: Size) -> Iterator[Measurement]:
    """One Bernoulli a unit, each entity with rates of its own."""
    n = size.of(1_000_000, 2_000)
    rates = 0.1 + 0.2 * np.random.default_rng(0).random((n, 2))
    draws = Draws(1, entities=n, threads=1)
    own = np.ascontiguousarray(rates[:, 0])
    yield from _family("bandit", {"rate": [0.1, 0.2]}, {"rate": rates}, lambda step: draws.bernoulli(own, step), size)


def intervention(size: Size) -> Iterator[Measurement]:
    """Three Bernoullis a person: engagement, fatigue and availability, each with parameters of their own."""
    n = size.of(1_000_000, 2_000)
    rng = np.random.default_rng(0)
    columns = {
        "baseline": rng.beta(2, 3, n),
        "responsiveness": 0.1 + 0.7 * rng.random(n),
        "fatigue_rate": 0.2 + 0.6 * rng.random(n),
        "recovery": 0.1 + 0.4 * rng.random(n),
        "availability": 0.5 + 0.5 * rng.random(n),
    }
    draws = Draws(1, entities=n, threads=1)

    def bare(step: int) -> None:
        for slot, name in enumerate(("baseline", "recovery", "availability")):
            draws.bernoulli(columns[name], step, slot=slot)

    yield from _family("intervention", {"horizon": 100_000}, columns, bare, size)


def pricing(size: Size) -> Iterator[Measurement]:
    """A Poisson and a binomial a unit, each product with parameters of its own."""
    n = size.of(1_000_000, 2_000)
    columns = {name: values for name, values in catalogue(n).items() if name != "group"}
    draws = Draws(1, entities=n, threads=1)

    def bare(step: int) -> None:
        draws.binomial(draws.poisson(columns["views"], step), columns["rate"], step, slot=1)

    yield from _family("pricing", {}, columns, bare, size)


def perishable(size: Size) -> Iterator[Measurement]:
    """One Poisson a unit, each entity with stock, arrivals and clientele of its own."""
    n = size.of(1_000_000, 2_000)
    rng = np.random.default_rng(0)
    rate, willingness = 1.0 + 3.0 * rng.random(n), 80.0 + 40.0 * rng.random(n)
    prices = [60.0, 100.0]
    columns = {"capacity": np.full(n, 1e6), "arrival_rate": rate, "willingness": willingness}
    draws = Draws(1, entities=n, threads=1)
    mean = rate * np.exp(-prices[0] / willingness)
    config = {"prices": prices, "horizon": 100_000}
    yield from _family("perishable", config, columns, lambda step: draws.poisson(mean, step), size)


def tabular(size: Size) -> Iterator[Measurement]:
    """One choice among a row of chances a unit."""
    n = size.of(1_000_000, 2_000)
    draws = Draws(1, entities=n, threads=1)
    row = np.array([0.05, 0.6, 0.35])

    def bare(step: int) -> None:
        draws.categorical(row, step)

    yield from _family("tabular", {"horizon": 100_000}, {}, bare, size, entities=n)


def _family(
    family: str,
    config: dict[str, object],
    columns: dict[str, np.ndarray],
    bare: Callable[[int], object],
    size: Size,
    entities: int | None = None,
) -> Iterator[Measurement]:
    n = entities or len(next(iter(columns.values())))
    action = np.zeros(n, dtype=np.int64)
    envs = [SimVectorEnv(family, config, entities=n, columns=columns, seed=1, threads=threads) for threads in (1, 2)]
    for env in envs:
        env.reset(seed=1)
    one, two = envs
    clock = iter(range(10**9))
    common = {"units": (n, n), "repeats": size.repeats}
    yield in_turn(
        f"family_{family}",
        "the bare sum of its draws",
        threads=1,
        goal=1 / 2.5,
        ours=lambda: one.step(action),
        theirs=lambda: bare(next(clock)),
        **common,
    )
    yield in_turn(
        f"family_{family}",
        "itself on one thread",
        threads=2,
        goal=1.7,
        ours=lambda: two.step(action),
        theirs=lambda: one.step(action),
        **common,
    )
