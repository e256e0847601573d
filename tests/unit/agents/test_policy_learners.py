"""Policies learnt from logs of single decisions, judged by the truth that made the logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onetake.agents.offline.direct import DirectLearner
from onetake.agents.offline.doubly_robust import DoublyRobustLearner
from onetake.agents.offline.inverse_propensity import InversePropensityLearner
from onetake.agents.offline.policy_learner import AbstractPolicyLearner, Seen, doubt, predict
from onetake.errors import ConfigError, EstimateError
from onetake.types import LoggedDecisions, Observation, Transitions

pytestmark = pytest.mark.offline_fit

LEARNERS = (DirectLearner, InversePropensityLearner, DoublyRobustLearner)
# Chance of a reward of 1 for the k-th action at a context: linear in it, so that each arm is best somewhere.
SLOPES = np.array([[0.5, 0.3, 0.0], [0.5, -0.3, 0.1], [0.45, 0.0, -0.35]])


def rates(context: Any) -> Any:
    return np.clip(np.hstack([np.ones((len(context), 1)), context]) @ SLOPES.T, 0.02, 0.98)


def logging_chances(context: Any) -> Any:
    """A logger that leans towards the first arm, whatever is best."""
    raised = np.exp(np.hstack([0.8 + 0.5 * context[:, :1], np.zeros((len(context), 2))]))
    return raised / raised.sum(axis=1, keepdims=True)


def written(count: int, seed: int) -> LoggedDecisions:
    rng = np.random.default_rng(seed)
    context = rng.uniform(-1, 1, (count, 2))
    chances = logging_chances(context)
    action = (rng.random(count)[:, None] > np.cumsum(chances, axis=1)).sum(axis=1)
    reward = (rng.random(count) < rates(context)[np.arange(count), action]).astype(np.float64)
    return LoggedDecisions(context, action, reward, chances[np.arange(count), action], num_actions=3)


def worth(learner: AbstractPolicyLearner) -> float:
    """Expected reward of the learnt policy on contexts that it has not seen."""
    context = np.random.default_rng(99).uniform(-1, 1, (20_000, 2))
    seen = Observation(context.astype(np.float32), step=0, rows=np.zeros(20_000, np.int64))
    return float((learner.action_probabilities(seen) * rates(context)).sum(axis=1).mean())


def known() -> tuple[float, float]:
    context = np.random.default_rng(99).uniform(-1, 1, (20_000, 2))
    logged = (logging_chances(context) * rates(context)).sum(axis=1).mean()
    return float(logged), float(rates(context).max(axis=1).mean())


@pytest.mark.opl_beats_logger
@pytest.mark.parametrize("kind", LEARNERS)
def test_what_was_learnt_beats_the_logger_and_comes_near_the_best(kind: type[AbstractPolicyLearner]) -> None:
    logged, best = known()
    gains = [(worth(kind().fit(written(4000, seed))) - logged) / (best - logged) for seed in range(3)]
    assert min(gains) > 0.6
    assert np.mean(gains) > 0.75


@pytest.mark.opl_beats_logger
def test_a_doubly_robust_learner_stands_a_wrong_model_and_a_direct_one_does_not() -> None:
    """A reward that is a product of the context's parts, which no linear model sees; the policy can still favour an
    arm."""
    rng = np.random.default_rng(4)
    context = rng.uniform(-1, 1, (6000, 2))
    best = (context[:, 0] > 0).astype(np.int64)
    p = np.where(best == 1, 0.9, 0.1)  # the logger does what is good far more often
    action = (rng.random(6000) < p).astype(np.int64)
    reward = np.where(action == 1, np.sign(context[:, 0]) * np.abs(context[:, 1]), 0.0) + rng.normal(0, 0.1, 6000)
    log = LoggedDecisions(context, action, reward, np.where(action == 1, p, 1 - p), num_actions=2)
    fresh = rng.uniform(-1, 1, (20_000, 2))
    truth = np.column_stack([np.zeros(20_000), np.sign(fresh[:, 0]) * np.abs(fresh[:, 1])])
    seen = Observation(fresh.astype(np.float32), step=0, rows=np.zeros(20_000, np.int64))
    value = {
        kind: float((kind().fit(log).action_probabilities(seen) * truth).sum(axis=1).mean())
        for kind in (DirectLearner, DoublyRobustLearner)
    }
    assert value[DoublyRobustLearner] > 0.8 * truth.max(axis=1).mean()
    assert value[DoublyRobustLearner] > value[DirectLearner]


@pytest.mark.pessimism
def test_pessimism_keeps_a_lucky_rare_arm_from_being_played() -> None:
    rng, worths = np.random.default_rng(6), {0.0: [], 2.0: []}
    for _ in range(40):
        action = np.concatenate([np.zeros(300, np.int64), rng.integers(1, 8, 21)])
        reward = (rng.random(321) < np.where(action == 0, 0.6, 0.5)).astype(np.float64)
        propensity = np.where(action == 0, 0.93, 0.01)
        log = LoggedDecisions(np.zeros((321, 0)), action, reward, propensity, num_actions=8)
        for pessimism, earned in worths.items():
            learner = DirectLearner(ridge=0.1, pessimism=pessimism).fit(log)
            chosen = learner.act(Observation(np.zeros((1, 0), np.float32), 0), explore=False).action[0]
            earned.append(0.6 if chosen == 0 else 0.5)
    # With 3 tries an arm of 0.5 shows three successes in one of eight logs, and there are seven such arms.
    assert np.mean(worths[0.0]) < 0.56
    assert np.mean(worths[2.0]) > 0.585


@pytest.mark.offline_to_online
@pytest.mark.parametrize("kind", LEARNERS)
def test_learning_goes_on_online_as_if_all_had_been_in_the_log(
    kind: type[AbstractPolicyLearner], tmp_path: Path
) -> None:
    log = written(600, 1)
    first, rest = slice(0, 400), slice(400, 600)
    part = LoggedDecisions(log.context[first], log.action[first], log.reward[first], log.propensity[first], 3)
    agent = kind().fit(part)
    agent.learn(
        Transitions(
            decision_step=0,
            obs=log.context[rest].astype(np.float32),
            action=log.action[rest],
            reward=log.reward[rest],
            next_obs=log.context[rest].astype(np.float32),
            terminated=np.ones(200, np.bool_),
            truncated=np.zeros(200, np.bool_),
            propensity=log.propensity[rest],
            rows=np.zeros(200, np.int64),
        )
    )
    whole = kind().fit(log)
    # Contexts that came online are float32.
    assert np.allclose(agent.coefficients(), whole.coefficients(), atol=1e-3)
    agent.save(tmp_path / "agent.safetensors")
    assert np.array_equal(kind.load(tmp_path / "agent.safetensors").coefficients(), agent.coefficients())


def test_predictions_and_their_doubt_are_those_of_ridge_regression_on_other_folds() -> None:
    log = written(60, 3)
    seen = Seen(log.context, log.action, log.reward, log.propensity)
    predicted = predict(seen, 3, 1.0, 60)
    from onetake.seeding import fold_of

    fold, features = fold_of(np.arange(60), 60), np.hstack([np.ones((60, 1)), log.context])
    row = 7
    out = fold != fold[row]
    shared = np.linalg.solve(features[out].T @ features[out] + np.eye(3), features[out].T @ log.reward[out])
    own = out & (log.action == 2)
    theta = np.linalg.solve(features[own].T @ features[own] + np.eye(3), features[own].T @ log.reward[own] + shared)
    assert predicted[row, 2] == pytest.approx(features[row] @ theta)
    inverse = np.linalg.inv(features[log.action == 1].T @ features[log.action == 1] + np.eye(3))
    assert doubt(seen, 3, 1.0)[row, 1] == pytest.approx(
        log.reward.std() * np.sqrt(features[row] @ inverse @ features[row])
    )


@pytest.mark.bad_input
def test_settings_and_logs_that_cannot_be_learnt_from_are_refused() -> None:
    for settings, text in (
        ({"ridge": 0}, "ridge: got 0"),
        ({"clip": -1}, "clip: got -1"),
        ({"folds": 1}, "folds: got 1"),
        ({"floor": -0.1}, "floor: got"),
        ({"pessimism": np.nan}, "pessimism: got nan"),
    ):
        with pytest.raises(ConfigError, match=text):
            DirectLearner(**settings)
    log = written(10, 1)
    unknown = LoggedDecisions(log.context, log.action, log.reward, np.full(10, np.nan), 3)
    with pytest.raises(EstimateError, match="propensity, row 0: got nan"):
        InversePropensityLearner().fit(unknown)
