"""Finite decision processes: exact values against recorded ones, play against values, arrays against refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onetake.agents import make
from onetake.envs import SimVectorEnv, Suite
from onetake.envs.clinic import ClinicPlan, icu_sepsis
from onetake.envs.mdp import FiniteProcess
from onetake.errors import ConfigError, SchemaError, ShapeError
from onetake.evaluation import EvaluationSettings
from onetake.evaluation.cell import run_cell
from onetake.types import Float64, Int64

pytestmark = pytest.mark.icu_sepsis


@pytest.fixture(scope="module")
def arrays(root: Path) -> dict[str, Any]:
    with np.load(root / "data/01_raw/icu_sepsis/dynamics.npz", allow_pickle=False) as archive:
        return dict(archive)


@pytest.fixture(scope="module")
def process(arrays: dict[str, Any]) -> FiniteProcess:
    return icu_sepsis(arrays)


@pytest.fixture(scope="module")
def recorded(root: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((root / "tests/golden/icu_sepsis.json").read_text())
    return loaded


def policies(arrays: dict[str, Any]) -> dict[str, Float64]:
    expert, optimal = arrays["expert_policy"], arrays["optimal_policy"]
    uniform = np.full((716, 25), 1 / 25)
    return {
        "expert": expert,
        "uniform": uniform,
        "mix_half_opt_half_expert": (expert + optimal) / 2,
        "optimal": optimal,
    }


def test_exact_values_and_lengths_are_the_recorded_ones(
    arrays: dict[str, Any], process: FiniteProcess, recorded: dict[str, Any]
) -> None:
    for name, policy in policies(arrays).items():
        for discount in (1.0, 0.99):
            assert abs(process.value(policy, discount=discount) - recorded["survival"][name][str(discount)]) < 1e-9
        assert abs(process.mean_length(policy) - recorded["mean_length"][name]) < 1e-9


@pytest.mark.parametrize("discount", [1.0, 0.99])
def test_value_iteration_finds_the_recorded_optimum(
    process: FiniteProcess, recorded: dict[str, Any], discount: float
) -> None:
    assert process.admissible is not None
    values, action = process.solve(discount=discount)
    best = process.start @ values
    known = recorded["survival"]["optimal"][str(discount)]
    # Recorded is the best policy for discount 1; with another discount it is one of many.
    assert abs(best - known) < 1e-9 if discount == 1.0 else best > known
    # Bellman's equation, which only the optimum solves.
    ahead = process.mean_reward + discount * (process.transition @ values)
    ahead[~process.admissible] = -np.inf
    np.testing.assert_allclose(np.where(process.ends, 0.0, ahead.max(axis=1)), values, atol=1e-12)
    assert process.admissible[np.arange(713), action[:713]].all()


def test_native_values_of_a_horizon_are_those_of_numpy(process: FiniteProcess) -> None:
    env = process.entry("icu", entities=2, replicates=1, horizon=20).make(0)
    values = env.start_values()
    assert values is not None
    free = FiniteProcess(process.transition, process.reward, process.start, process.terminal)
    assert abs(values["best"][0] - process.start @ free.finite(20)[0]) < 1e-12
    uniform = np.full((716, 25), 1 / 25)
    assert abs(values["random"][0] - process.start @ process.finite(20, uniform)[0]) < 1e-12
    for arm in (0, 7, 24):
        always = np.tile(np.eye(25)[arm], (716, 1))
        assert abs(values["arms"][1, arm] - process.start @ process.finite(20, always)[0]) < 1e-12
    # An action that is not admissible does what the mean of the admissible ones does, so it is never better.
    assert abs(values["best"][0] - process.start @ process.finite(20)[0]) < 1e-12


@pytest.mark.parametrize("name", ["uniform", "expert", "optimal"])
def test_simulated_survival_meets_the_exact_value(arrays: dict[str, Any], process: FiniteProcess, name: str) -> None:
    n = 20_000
    env = process.entry("icu", entities=n, replicates=1, horizon=40).make(0)
    exact = process.start @ process.finite(40, policies(arrays)[name])[0]
    bounds = policies(arrays)[name].cumsum(axis=1)
    luck = np.random.default_rng(6)
    obs, _ = env.reset(seed=6)
    survived, over = np.zeros(n), np.zeros(n, dtype=bool)
    while not over.all():
        state = obs[:, 0].astype(np.int64)
        action: Int64 = (luck.random(n)[:, None] > bounds[state]).sum(axis=1).clip(max=24)
        obs, reward, terminated, truncated, _ = env.step(action)
        survived += reward
        over = terminated | truncated
    # Five standard errors of a survival rate.
    assert abs(survived.mean() - exact) < 5 * np.sqrt(exact * (1 - exact) / n)


@pytest.mark.oracle_dominates
def test_no_agent_saves_more_than_the_best_policy(arrays: dict[str, Any]) -> None:
    suite = ClinicPlan("clinic", 4, patients=200, replicates=8, steps=12).make("test", arrays)
    for name in ("random-v0", "thompson-v0", "fixed-v0"):
        summary = run_cell(make(name), suite, EvaluationSettings(seed=1), name=name).summary
        regret = summary["regret"].to_numpy()
        assert regret.mean() > -5 * regret.std(ddof=1) / np.sqrt(len(regret))
        assert summary["yardstick_kind"].unique().to_list() == ["exact"]


def test_a_saved_clinic_plays_the_same(arrays: dict[str, Any], tmp_path: Path) -> None:
    suite = ClinicPlan("clinic", 4, patients=10, replicates=2, steps=5).make("test", arrays)
    suite.save(tmp_path / "clinic")
    again = Suite.load(tmp_path / "clinic")
    played = []
    for one in (suite, again):
        env = one.environments[0].make(3, first_replicate=1)
        env.reset(seed=3)
        played.append(env.step(np.full(10, 7))[0])
    assert np.array_equal(*played)


def test_expected_reward_is_the_mean_of_many_draws() -> None:
    n = 100_000
    rng = np.random.default_rng(1)
    transition = rng.dirichlet(np.ones(4), size=(4, 3))
    process = FiniteProcess(transition, rng.normal(size=(4, 3, 4)), np.array([0.1, 0.2, 0.3, 0.4]))
    env = process.entry("small", entities=n, replicates=1, horizon=5).make(0)
    obs, _ = env.reset(seed=2)
    # Multinomial shares: five standard errors of each.
    share = np.bincount(obs[:, 0].astype(int)) / n
    assert (abs(share - process.start) < 5 * np.sqrt(process.start * (1 - process.start) / n)).all()
    for arm in range(3):
        twin = env.fork(seed=arm)
        expected = twin.expected_reward()[:, arm]
        np.testing.assert_allclose(expected, process.mean_reward[obs[:, 0].astype(int), arm], rtol=1e-12)
        gap = twin.step(np.full(n, arm))[1] - expected
        assert abs(gap.mean()) < 5 * gap.std() / np.sqrt(n)


def test_the_process_in_the_configuration_is_river_swim() -> None:
    # Osband, Russo and Van Roy (2013): swimming right pays in the long run, left at once.
    env = SimVectorEnv("tabular", {"horizon": 200})
    values = env.start_values()
    assert values is not None
    assert values["best"][0] > 50
    assert values["arms"][0, 0] == pytest.approx(200 * 0.005, rel=1e-12)


@pytest.mark.bad_input
def test_broken_processes_are_refused_by_state_and_action() -> None:
    half = np.array([[[0.5, 0.5]], [[0.0, 1.0]]])
    start, reward = np.array([1.0, 0.0]), np.zeros((2, 1))
    cases: list[tuple[Any, type[Exception], str]] = [
        ((half * [1, 0.5], reward, start), ConfigError, "transition of state 0 action 0: got a sum of 0.75; wanted 1"),
        ((half - [[[0, 0]], [[0.5, 0]]], reward, start), ConfigError, "transition of state 1 action 0: got -0.5"),
        ((half * np.nan, reward, start), ConfigError, "transition: got NaN"),
        ((half, np.zeros(3), start), ShapeError, r"reward: got shape \(3,\)"),
        ((half, reward, start / 2), ConfigError, "start: got"),
        ((half, reward, start, None, np.array([[True], [False]])), ConfigError, "admissible: got no action in state 1"),
    ]
    for given, kind, text in cases:
        with pytest.raises(kind, match=text):
            FiniteProcess(*given)
    with pytest.raises(ConfigError, match=r"tabular.chance of state 0 action 1: got a sum of 0.9; wanted 1"):
        SimVectorEnv("tabular", columns={"chance": [1.0, 0.4, 0.5, *[1.0, 0.05, 0.6, 0.35] * 4, 1.0, 0.4, 0.6]})
    with pytest.raises(ConfigError, match=r"tabular.next: got 2 values; wanted 22"):
        SimVectorEnv("tabular", columns={"next": [0, 1]})
    with pytest.raises(SchemaError, match="icu_sepsis: got arrays d_0; wanted tx_mat, admissible too"):
        icu_sepsis({"d_0": start})
