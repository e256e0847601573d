"""Fitted Q iteration against the exact solution of the same counts, and on patients with sepsis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_matrix

from onetake.agents.offline.fitted_q import FittedQIteration
from onetake.envs.mdp import FiniteProcess
from onetake.episodes import LoggedEpisodes
from onetake.errors import ConfigError, ShapeError
from onetake.types import Observation, Transitions

pytestmark = pytest.mark.fqi

STATES, ACTIONS = 716, 25
TERMINAL = np.arange(STATES) >= 713


@pytest.fixture(scope="module")
def sepsis(root: Path) -> dict[str, Any]:
    with np.load(root / "data/01_raw/icu_sepsis/dynamics.npz") as file:
        found = {name: file[name] for name in ("tx_mat", "d_0", "expert_policy", "admissible")}
    reward = (np.arange(STATES) == 714).astype(np.float64)
    process = FiniteProcess(found["tx_mat"], reward, found["d_0"], TERMINAL, found["admissible"] | TERMINAL[:, None])
    return found | {"process": process}


@pytest.fixture(scope="module")
def log(root: Path) -> LoggedEpisodes:
    frame = pl.read_parquet(root / "data/01_raw/icu_sepsis/episodes_dev.parquet")
    index = {name: frame[name].to_numpy().astype(np.int64) for name in ("episode", "state", "action")}
    numbers = {"reward": frame["reward"].to_numpy(), "propensity": frame["behavior_prob"].to_numpy()}
    return LoggedEpisodes(
        **index, **numbers, num_states=STATES, num_actions=ACTIONS, terminated=frame["done"].to_numpy()
    )


def value_of(sepsis: dict[str, Any], policy: Any) -> float:
    """What a policy is worth to a patient in the true process."""
    return float(sepsis["d_0"] @ sepsis["process"].evaluate(policy))


def walks(count: int, seed: int) -> LoggedEpisodes:
    """Episodes in a small random process of five states and three actions."""
    rng = np.random.default_rng(seed)
    chances = rng.dirichlet(np.ones(5), (5, 3))
    rows: list[tuple[int, int, int, float, bool]] = []
    for episode in range(count):
        state = int(rng.integers(5))
        for step in range(8):
            action = int(rng.integers(3))
            ended = step == 7 or rng.random() < 0.1
            rows.append((episode, state, action, float(rng.normal(state == action)), ended))
            if ended:
                break
            state = int(rng.choice(5, p=chances[state, action]))
    index = [np.array([row[i] for row in rows], np.int64) for i in range(3)]
    reward, ends = np.array([row[3] for row in rows]), np.array([row[4] for row in rows])
    return LoggedEpisodes(*index, reward, np.full(len(rows), 1 / 3), 5, 3, ends)


def test_it_ends_at_the_exact_solution_of_the_logs_own_process() -> None:
    log = walks(60, 1)
    counts, paid, tries = np.zeros((5, 3, 6)), np.zeros((5, 3)), np.zeros((5, 3))
    for row in range(len(log.state)):
        last = row + 1 == len(log.state) or log.episode[row + 1] != log.episode[row]
        following = 5 if last else log.state[row + 1]
        counts[log.state[row], log.action[row], following] += 1
        paid[log.state[row], log.action[row]] += log.reward[row]
        tries[log.state[row], log.action[row]] += 1
    value = np.zeros(6)
    for _ in range(5000):
        q = (paid + 0.95 * counts @ value) / tries
        value[:5] = q.max(axis=1)
    found = FittedQIteration(states=5, discount=0.95).fit(log)
    assert np.abs(found.action_values() - q).max() < 1e-6
    assert (found.policy().argmax(axis=1) == q.argmax(axis=1)).all()


def test_a_thousand_draws_of_each_admissible_action_reach_95_percent_of_the_optimal_gain(
    sepsis: dict[str, Any],
) -> None:
    rng, cells = np.random.default_rng(3), STATES * ACTIONS
    asked = np.flatnonzero((sepsis["admissible"] & ~TERMINAL[:, None]).ravel())
    transition = sepsis["tx_mat"].reshape(cells, STATES)
    rows, cols, data = [], [], []
    rewards = np.zeros((cells, 2))
    for cell in asked:
        seen = rng.multinomial(1000, transition[cell] / transition[cell].sum())
        rewards[cell] = 1000, seen[714]
        seen = np.where(TERMINAL, 0, seen)
        some = np.flatnonzero(seen)
        rows.append(np.full(len(some), cell))
        cols.append(some)
        data.append(seen[some])
    counts = csr_matrix(
        (np.concatenate(data), (np.concatenate(rows), np.concatenate(cols))), shape=(cells, STATES), dtype=np.float64
    )
    found = FittedQIteration(states=STATES).fit_counts(counts, rewards, ACTIONS)
    clinicians, best = value_of(sepsis, sepsis["expert_policy"]), 0.8751416996099323
    assert clinicians == pytest.approx(0.781844890255691, abs=1e-9)
    assert value_of(sepsis, found.policy()) > clinicians + 0.95 * (best - clinicians)


def test_the_policy_learnt_from_the_log_beats_the_clinicians(sepsis: dict[str, Any], log: LoggedEpisodes) -> None:
    clinicians = value_of(sepsis, sepsis["expert_policy"])
    careful = value_of(sepsis, FittedQIteration(states=STATES, pessimism=0.2, least=3).fit(log).policy())
    bold = value_of(sepsis, FittedQIteration(states=STATES).fit(log).policy())
    assert careful > clinicians + 0.01
    assert careful > bold


@pytest.mark.offline_to_online
def test_what_was_fitted_to_a_log_goes_on_learning_and_is_what_learning_all_would_give(tmp_path: Path) -> None:
    log, agent = walks(40, 2), FittedQIteration(states=5, discount=0.9)
    agent.fit(log)
    before = agent.action_values()
    extra = Transitions(
        decision_step=0,
        obs=np.array([[2.0], [2.0]], np.float32),
        action=np.array([1, 1]),
        reward=np.array([50.0, 50.0]),
        next_obs=np.array([[0.0], [4.0]], np.float32),
        terminated=np.array([False, True]),
        truncated=np.array([False, False]),
        rows=np.zeros(2, np.int64),
    )
    agent.learn(extra)
    after = agent.action_values()
    assert after[2, 1] > before[2, 1] + 1
    seen = Observation(np.array([[2.0]], np.float32), step=0)
    assert agent.act(seen).action.tolist() == [1]
    agent.save(tmp_path / "agent.safetensors")
    again = FittedQIteration.load(tmp_path / "agent.safetensors")
    assert np.array_equal(again.action_values(), after, equal_nan=True)
    assert agent.action_probabilities(seen).sum() == pytest.approx(1)


def test_the_floor_keeps_every_action_and_masks_keep_to_what_is_allowed() -> None:
    agent = FittedQIteration(states=5, discount=0.9, floor=0.1).fit(walks(40, 2))
    seen = Observation(np.array([[2.0]], np.float32), step=0, mask=np.array([[True, False, True]]))
    chances = agent.action_probabilities(seen)
    assert chances[0, 1] == 0
    assert chances.min(initial=1, where=seen.mask) >= 0.1
    assert chances.sum() == pytest.approx(1)


@pytest.mark.bad_input
def test_settings_and_states_that_are_none_are_refused() -> None:
    for settings, text in (
        ({"states": 0}, "states: got 0"),
        ({"states": 2, "discount": 0}, "discount: got 0"),
        ({"states": 2, "pessimism": -1}, "pessimism: got -1"),
        ({"states": 2, "floor": 2}, "floor: got 2"),
    ):
        with pytest.raises(ConfigError, match=text):
            FittedQIteration(**settings)
    with pytest.raises(ShapeError, match="log: got 5 states; wanted 4"):
        FittedQIteration(states=4).fit(walks(3, 1))
    agent = FittedQIteration(states=5, discount=0.9).fit(walks(9, 1))
    with pytest.raises(ShapeError, match=r"observation, row 0: got 7\.0; wanted a state below 5"):
        agent.act(Observation(np.array([[7.0]], np.float32), step=0))
