"""A world in plain NumPy that speaks the protocol of the simulator: nothing of the core is in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from onetake.envs.suite import EnvironmentEntry, Suite
from onetake.types import BatchSpec, Bool, CountReward, Float32, Float64, Int64


@dataclass
class PlainBatch:
    """A batch of Bernoulli arms whose rates swing with the step; luck depends on (seed, replicate, entity, step)."""

    entry: PlainEntry
    seed: int
    first_replicate: int
    replicates: int
    step_count: int = 0
    fixed: Float64 | None = None
    rates: Float64 = field(init=False)

    def __post_init__(self) -> None:
        ids = np.arange(self.first_replicate, self.first_replicate + self.replicates)
        rows = np.arange(self.entry.entities)
        base = np.array(self.entry.rates)
        # Entities differ, and where parameters are drawn so do draws.
        shift = 0.05 * np.cos(rows)[None, :] + 0.1 * np.sin(ids // (self.entry.replicates // self.entry.draws))[:, None]
        self.rates = np.clip(base + (shift[..., None] * np.arange(1, len(base) + 1)).reshape(-1, len(base)), 0.01, 0.99)
        self.luck = np.concatenate(
            [
                np.random.Generator(np.random.Philox([self.seed, r * 1_000 + e])).random(self.entry.steps)[None]
                for r in ids
                for e in rows
            ]
        )
        self.batch_spec = BatchSpec(
            env_id="tests/Plain-v0",
            entity_ids=rows.astype(np.uint32),
            replicate_ids=ids.astype(np.uint32),
            num_actions=len(base),
            observation_names=("outcome",),
            horizon=self.entry.steps,
            reward_low=np.array(0.0),
            reward_high=np.array(1.0),
            count_reward=CountReward(np.array(1.0), np.ones(len(base)), np.zeros(len(base))),
        )

    @property
    def num_envs(self) -> int:
        return self.replicates * self.entry.entities

    def reset(self, *, seed: int | None = None) -> tuple[Float32, dict[str, Any]]:
        assert seed in (None, self.seed)
        return np.zeros((self.num_envs, 1), dtype=np.float32), {}

    def expected_reward(self) -> Float64:
        return np.asarray(self.rates * (1 + 0.5 * np.sin(self.step_count)) / 1.5)

    def best(self) -> Int64:
        return np.asarray(self.expected_reward().argmax(axis=1), dtype=np.int64)

    def account(self, action: Int64, greedy: Int64 | None = None) -> dict[str, Float64]:
        expected = self.expected_reward()
        rows = np.arange(self.num_envs)
        account = {"oracle": expected.max(axis=1), "played": expected[rows, action], "random": expected.mean(axis=1)}
        account["greedy"] = expected[rows, action if greedy is None else greedy]
        sums = {name: value.reshape(self.replicates, -1).sum(axis=1) for name, value in account.items()}
        return sums | {"arms": expected.reshape(self.replicates, -1, expected.shape[1]).sum(axis=1)}

    def track_fixed(self) -> None:
        self.fixed = np.zeros_like(self.rates)

    def fixed_totals(self) -> Float64:
        assert self.fixed is not None
        return self.fixed

    def step(self, action: Int64) -> tuple[Float32, Float64, Bool, Bool, dict[str, Any]]:
        expected = self.expected_reward()
        if self.fixed is not None:
            self.fixed += expected
        won = self.luck[:, self.step_count] < expected[np.arange(self.num_envs), action]
        self.step_count += 1
        over = np.full(self.num_envs, self.step_count == self.entry.steps and not self.entry.endless)
        return won[:, None].astype(np.float32), won.astype(np.float64), np.zeros_like(over), over, {}


@dataclass(frozen=True)
class PlainEntry:
    """One environment of a plain suite."""

    name: str
    rates: tuple[float, ...] = (0.3, 0.5)
    entities: int = 4
    replicates: int = 6
    steps: int = 12
    draws: int = 1
    endless: bool = False
    columns: None = None

    def make(self, seed: int, *, first_replicate: int = 0, replicates: int | None = None) -> PlainBatch:
        return PlainBatch(self, seed, first_replicate, self.replicates if replicates is None else replicates)


@dataclass(frozen=True)
class PlainSuite:
    """Stands where a `Suite` would."""

    environments: tuple[PlainEntry, ...]
    name: str = "plain"
    incumbent: dict[str, Any] | None = None


@pytest.fixture
def plain_suite() -> PlainSuite:
    """Two environments, one of them with drawn parameters, and an incumbent that mixes."""
    entries = (PlainEntry("swing: a/b"), PlainEntry("drawn", rates=(0.2, 0.6, 0.5), draws=3))
    return PlainSuite(entries, incumbent={"probabilities": {"swing: a/b": [0.5, 0.5], "drawn": [0.2, 0.3, 0.5]}})


@pytest.fixture
def simulated_suite() -> Suite:
    """A cohort with a week and rates of its own for each entity, and a bandit that drifts, with drawn parameters."""
    rng = np.random.default_rng(8)
    cohort = EnvironmentEntry(
        "cohorts",
        "cohort",
        {"size": 50, "q": [0.2, 0.3], "modifiers": [{"kind": "season", "period": 7, "amplitude": 0.5}]},
        columns={"q": rng.uniform(0.1, 0.5, size=(5, 2))},
        entities=5,
        replicates=4,
        steps=15,
    )
    walk = {"kind": "random_walk", "start": 1, "step": 0.05, "low": 0.5, "high": 1.5}
    bandit = EnvironmentEntry(
        "drawn",
        "bandit",
        {"rate": [0.2, 0.4, 0.3], "modifiers": [walk]},
        columns={"rate": rng.uniform(0.1, 0.6, size=(6 * 3, 3))},
        entities=3,
        replicates=6,
        steps=12,
        draws=3,
    )
    incumbent = {"probabilities": {"cohorts": [0.5, 0.5], "drawn": [0.2, 0.3, 0.5]}}
    return Suite("simulated", "test", 0, (cohort, bandit), incumbent=incumbent)


@pytest.fixture(params=["plain_suite", "simulated_suite"])
def either_suite(request: pytest.FixtureRequest) -> Any:
    """The plain world, then the simulator."""
    return request.getfixturevalue(request.param)
