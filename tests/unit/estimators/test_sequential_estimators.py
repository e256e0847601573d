"""Estimators of whole episodes: recorded numbers of the ICU-Sepsis log, exact values, and loops on paper."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from onetake.episodes import LoggedEpisodes
from onetake.errors import ConfigError, EstimateError, ShapeError, UnknownIdError
from onetake.estimators import Interval, TargetPolicy
from onetake.estimators.sequential import fitted_values, make, registered

pytestmark = pytest.mark.sequential_ope

NORMAL = Interval("normal")
# Recorded with the log, for the discounts 1 and 0.99; the model's numbers were iterated to 1e-11.
RECORDED = {
    "tis": (0.7607269556153636, 0.7081356794687738),
    "wis": (0.7873170881807338, 0.732887558513354),
    "pdis": (0.7607269556153636, 0.7081356794687738),
    "cwpdis": (0.758171297587888, 0.7055247220375187),
    "fqe": (0.7888139453258022, 0.7279814101666462),
}
EXACT = (0.781844890255691, 0.7221580394588983)


@pytest.fixture(scope="module")
def arrays(root: Path) -> dict[str, Any]:
    with np.load(root / "data/01_raw/icu_sepsis/dynamics.npz") as file:
        return {name: file[name] for name in ("expert_policy", "optimal_policy")}


@pytest.fixture(scope="module")
def sepsis(root: Path) -> LoggedEpisodes:
    frame = pl.read_parquet(root / "data/01_raw/icu_sepsis/episodes_dev.parquet")
    index = {name: frame[name].to_numpy().astype(np.int64) for name in ("episode", "state", "action")}
    return LoggedEpisodes(
        **index,
        reward=frame["reward"].to_numpy(),
        propensity=frame["behavior_prob"].to_numpy(),
        num_states=716,
        num_actions=25,
        terminated=frame["done"].to_numpy(),
    )


@pytest.mark.parametrize("discount", [1.0, 0.99])
@pytest.mark.parametrize("name", RECORDED)
def test_recorded_numbers_of_the_clinicians_policy(
    name: str, discount: float, sepsis: LoggedEpisodes, arrays: dict[str, Any]
) -> None:
    found = make(name, discount=discount).estimate(
        sepsis, TargetPolicy("expert", arrays["expert_policy"]), interval=NORMAL
    )
    assert found.value == pytest.approx(RECORDED[name][discount != 1.0], abs=1e-10)
    if name == "tis":
        recorded = (0.028508823535541936, 0.024220138060314374)[discount != 1.0]
        assert found.standard_error == pytest.approx(recorded, abs=1e-10)
        assert found.effective_sample_size == pytest.approx(767.6489179475535, abs=1e-6)
        assert found.largest_weight == pytest.approx(39.39852678072792, abs=1e-9)


@pytest.mark.parametrize("discount", [1.0, 0.99])
@pytest.mark.parametrize("name", ["tis", "wis", "pdis", "cwpdis", "dr", "wdr"])
def test_the_exact_value_of_the_clinicians_lies_within_three_errors(
    name: str, discount: float, sepsis: LoggedEpisodes, arrays: dict[str, Any]
) -> None:
    found = make(name, discount=discount).estimate(
        sepsis, TargetPolicy("expert", arrays["expert_policy"]), interval=NORMAL
    )
    assert abs(found.value - EXACT[discount != 1.0]) < 3 * found.standard_error
    assert not found.refused


def test_a_model_makes_importance_sampling_steadier(sepsis: LoggedEpisodes, arrays: dict[str, Any]) -> None:
    target = TargetPolicy("expert", arrays["expert_policy"])
    error = {name: make(name).estimate(sepsis, target, interval=NORMAL).standard_error for name in ("tis", "dr", "wdr")}
    assert error["dr"] < 0.6 * error["tis"]
    assert error["wdr"] < 0.6 * error["tis"]


@pytest.mark.parametrize("name", ["tis", "wis", "pdis", "cwpdis"])
def test_collapsed_weights_give_no_number(name: str, sepsis: LoggedEpisodes, arrays: dict[str, Any]) -> None:
    """Importance sampling says 0.225 ± 0.019 of the uniform policy, whose value is 0.780: never to be printed."""
    found = make(name).estimate(sepsis, TargetPolicy.uniform(25))
    assert found.refused
    assert math.isnan(found.value)
    assert any("average 0.34, not 1" in flag for flag in found.flags)
    assert found.effective_sample_size == pytest.approx(107.34523306253602, abs=1e-6)
    carried = make("wdr").estimate(sepsis, TargetPolicy.uniform(25), interval=NORMAL)
    assert not carried.refused
    assert any("average 0.34, not 1" in flag for flag in carried.flags)


@pytest.mark.parametrize(
    ("policy", "recorded"), [("optimal_policy", 0.7534131393239754), ("uniform", 0.7679776049710936)]
)
def test_fitted_values_of_policies_that_the_log_hardly_tried(
    policy: str, recorded: float, sepsis: LoggedEpisodes, arrays: dict[str, Any]
) -> None:
    target = TargetPolicy.uniform(25) if policy == "uniform" else TargetPolicy(policy, arrays[policy])
    found = make("fqe").estimate(sepsis, target, interval=NORMAL)
    assert found.value == pytest.approx(recorded, abs=1e-10)
    assert any("model's own error" in flag for flag in found.flags)


def chain(episodes: int, seed: int, slip: float = 0.2) -> LoggedEpisodes:
    """Two states, two actions; action 1 in state 1 earns 1 and ends, action 0 waits; every step may end by chance."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[int, int, int, float, bool]] = []
    for episode in range(episodes):
        state, ended = 0, False
        for step in range(6):
            action = int(rng.random() < 0.5)
            reward = float(state == 1 and action == 1)
            ended = bool(reward) or rng.random() < slip or step == 5
            rows.append((episode, state, action, reward, ended))
            if ended:
                break
            state = 1 if action == 1 or state == 1 else 0
    index = [np.array([row[i] for row in rows], dtype=np.int64) for i in range(3)]
    reward = np.array([row[3] for row in rows])
    return LoggedEpisodes(*index, reward, np.full(len(rows), 0.5), 2, 2, np.array([row[4] for row in rows]))


def plain(log: LoggedEpisodes, table: Any, discount: float) -> dict[str, float]:
    """Every estimator with loops, as its paper writes it."""
    model = fitted_values(log, TargetPolicy("plain", table), discount)
    paths = [np.flatnonzero(log.episode == episode) for episode in np.unique(log.episode)]
    n, horizon = len(paths), max(map(len, paths))
    weights = np.ones((n, horizon + 1))
    for i, path in enumerate(paths):
        for t in range(horizon):
            ratio = 1.0
            if t < len(path):
                ratio = table[log.state[path[t]], log.action[path[t]]] / log.propensity[path[t]]
            weights[i, t + 1] = weights[i, t] * ratio
    found = dict.fromkeys(("tis", "pdis", "dr", "wdr", "cwpdis"), 0.0)
    ratio = [0.0, 0.0]
    for i, path in enumerate(paths):
        paid = sum(discount**t * log.reward[row] for t, row in enumerate(path))
        found["tis"] += weights[i, len(path)] * paid / n
        ratio = [ratio[0] + weights[i, len(path)] * paid, ratio[1] + weights[i, len(path)]]
        for t, row in enumerate(path):
            share, before = weights[:, t + 1].sum(), weights[:, t].sum()
            q, v = model.of_action[log.state[row], log.action[row]], model.of_state[log.state[row]]
            found["pdis"] += discount**t * weights[i, t + 1] * log.reward[row] / n
            found["cwpdis"] += discount**t * weights[i, t + 1] * log.reward[row] / share
            found["dr"] += discount**t * (weights[i, t + 1] * (log.reward[row] - q) + weights[i, t] * v) / n
            found["wdr"] += discount**t * (
                weights[i, t + 1] / share * (log.reward[row] - q) + weights[i, t] / before * v
            )
    return found | {"wis": ratio[0] / ratio[1]}


@pytest.mark.parametrize("discount", [1.0, 0.9])
def test_estimates_are_those_of_plain_loops(discount: float) -> None:
    log, table = chain(60, 1), np.array([[0.3, 0.7], [0.6, 0.4]])
    for name, value in plain(log, table, discount).items():
        found = make(name, discount=discount).estimate(log, TargetPolicy("plain", table), interval=NORMAL)
        assert found.value == pytest.approx(value, rel=1e-12), name


@pytest.mark.parametrize("name", registered())
def test_on_the_logging_policy_estimates_are_near_the_mean_return(name: str) -> None:
    log = chain(400, 2)
    returns = np.bincount(log.index, log.reward)
    found = make(name).estimate(log, TargetPolicy.uniform(2), interval=NORMAL)
    if name in ("tis", "wis", "pdis", "cwpdis"):
        assert found.value == pytest.approx(returns.mean(), abs=1e-12)
    # On its own log the model of the counts differs by what ends depend on besides the state: the sixth step.
    assert abs(found.value - returns.mean()) < 0.03


def test_magic_errs_far_less_than_the_model_where_the_model_is_wrong() -> None:
    """The model knows no sixth step, so it is wrong about who waits; magic must notice from the log."""
    target = TargetPolicy("late", np.array([[0.9, 0.1], [0.9, 0.1]]))
    errors: dict[str, list[float]] = {"fqe": [], "magic": []}
    for seed in range(30):
        for name, missed in errors.items():
            found = make(name).estimate(chain(100, 100 + seed), target, interval=NORMAL)
            missed.append(found.value - chain_value(target.table))
    squares = {name: float(np.mean(np.square(missed))) for name, missed in errors.items()}
    assert squares["magic"] < 0.6 * squares["fqe"]


def chain_value(table: Any, slip: float = 0.2) -> float:
    """Exact value of a policy on `chain`, backwards over its six steps."""
    value = np.zeros(2)
    for step in reversed(range(6)):
        on = 0.0 if step == 5 else 1 - slip
        first = table[0, 0] * on * value[0] + table[0, 1] * on * value[1]
        second = table[1, 1] + table[1, 0] * on * value[1]
        value = np.array([first, second])
    return float(value[0])


@pytest.mark.coverage
@pytest.mark.parametrize("name", ["tis", "pdis", "dr"])
def test_intervals_of_episodes_cover_the_exact_value(name: str) -> None:
    target, hits, logs = TargetPolicy("other", np.array([[0.4, 0.6], [0.4, 0.6]])), 0, 300
    truth = chain_value(target.table)
    for seed in range(logs):
        found = make(name).estimate(chain(150, 1000 + seed), target, interval=NORMAL)
        hits += found.low <= truth <= found.high
    # Binomial(300, 0.95): four standard errors are 0.05; 150 episodes leave a little of the normal's own error.
    assert 0.89 <= hits / logs <= 0.995


def test_episodes_that_were_cut_are_said() -> None:
    log = chain(50, 3)
    ends = log.terminated.copy()
    ends[log.first[0] + log.length[0] - 1] = False
    cut = LoggedEpisodes(log.episode, log.state, log.action, log.reward, log.propensity, 2, 2, ends)
    assert (
        "1 of 50 episodes were cut: what would have come is not known"
        in make("pdis").estimate(cut, TargetPolicy.uniform(2), interval=NORMAL).flags
    )


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"state": [0, 2]}, ShapeError, "state, row 1: got 2; wanted an index below 2"),
        ({"action": [0]}, ShapeError, r"action: got shape \(1,\); wanted \(2,\)"),
        ({"propensity": [0.5, 0.0]}, EstimateError, r"propensity, row 1: got 0.0; wanted a number in \(0, 1\]"),
        ({"reward": [math.nan, 0.0]}, EstimateError, "reward, row 0: got nan; wanted a finite number"),
        ({"terminated": [True, True]}, EstimateError, "terminated, row 0: got True before the last decision"),
    ],
)
def test_what_are_no_episodes_is_refused(changes: dict[str, Any], error: type[Exception], text: str) -> None:
    good: dict[str, Any] = {
        "episode": [0, 0],
        "state": [0, 1],
        "action": [0, 1],
        "reward": [0.0, 1.0],
        "propensity": [0.5, 0.5],
        "terminated": [False, True],
    }
    with pytest.raises(error, match=text):
        LoggedEpisodes(**{k: np.array(v) for k, v in (good | changes).items()}, num_states=2, num_actions=2)


@pytest.mark.bad_input
def test_torn_episodes_policies_that_do_not_fit_and_bad_settings_are_refused() -> None:
    zeros = np.zeros(3, np.int64)
    torn = (np.array([0, 1, 0]), zeros, zeros, np.zeros(3), np.ones(3), 1, 1, np.zeros(3, bool))
    with pytest.raises(EstimateError, match=r"decisions do not stand together"):
        LoggedEpisodes(*torn)
    with pytest.raises(ShapeError, match=r"policy uniform: got 3 actions; wanted 2"):
        make("tis").estimate(chain(3, 1), TargetPolicy.uniform(3))
    with pytest.raises(ConfigError, match=r"discount: got 1.5"):
        make("tis", discount=1.5)
    with pytest.raises(UnknownIdError, match=r"got 'wdrr'; nearest: wdr"):
        make("wdrr")
    ends = np.array([False, False, True])
    stay = LoggedEpisodes(zeros, zeros, np.array([0, 0, 1]), np.ones(3), np.full(3, 0.5), 1, 2, ends)
    with pytest.raises(EstimateError, match="rewards without end"):
        fitted_values(stay, TargetPolicy.always(0, 2), 1.0)
