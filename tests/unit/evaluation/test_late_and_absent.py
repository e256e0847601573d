"""What agents are told where outcomes are late and entities come and go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from onetake.agents import AbstractAgent, make
from onetake.envs import EnvironmentEntry, Suite
from onetake.evaluation.cell import run_cell
from onetake.evaluation.settings import EvaluationSettings
from onetake.types import BatchSpec, Float64, Int64, Observation, Transitions

DELAY = {"kind": "geometric", "mean": 2.0, "most": 4}
CHURN = {"present": 0.4, "arrival": 0.2, "departure": 0.1}


@dataclass(eq=False)
class Witness(AbstractAgent):
    """Plays by turns and writes down what it was told, and when."""

    seen: list[Observation] = field(default_factory=list, repr=False)
    told: list[tuple[int, Transitions]] = field(default_factory=list, repr=False)

    def _start(self, spec: BatchSpec, seed: int) -> None:
        self.seen.clear()
        self.told.clear()

    def _decide(self, observation: Observation, explore: bool) -> Int64:
        if explore:
            self.seen.append(observation)
        rows = np.arange(self.spec.num_envs) if observation.rows is None else observation.rows
        return (rows + observation.step) % self.spec.num_actions

    def _probabilities(self, observation: Observation, explore: bool) -> Float64:
        return np.eye(self.spec.num_actions)[self._decide(observation, explore=False)]

    def _learn(self, transitions: Transitions) -> dict[str, float]:
        self.told.append((self.seen[-1].step, transitions))
        return {}

    def _arrays(self) -> dict[str, Any]:
        return {}

    def _restore(self, arrays: dict[str, Any]) -> None:
        pass


def suite(config: dict[str, Any], **more: Any) -> Suite:
    entry = EnvironmentEntry("shop", "cohort", {"size": 50, **config}, entities=20, replicates=2, steps=15, **more)
    return Suite("late", "test", 4, (entry,))


def play(config: dict[str, Any], agent: AbstractAgent, **more: Any) -> Any:
    return run_cell(agent, suite(config, **more), EvaluationSettings(seed=3, curve_points=5), name="it")


@pytest.mark.delay
def test_agents_learn_each_outcome_once_when_it_has_arrived_with_what_was_decided() -> None:
    prompt, late = Witness(), Witness()
    on_time, delayed = play({}, prompt), play({"delay": DELAY}, late)
    wanted = {}
    for step, made in prompt.told:
        wanted.update({(step, i): (made.reward[i], made.action[i]) for i in range(40)})
    for step, made in late.told:
        assert made.rows is not None
        steps = np.asarray(made.decision_step)
        assert (steps <= step).all()
        assert (np.diff(steps) >= 0).all()
        for j, key in enumerate(zip(steps.tolist(), made.rows.tolist(), strict=True)):
            assert wanted.pop(key) == (made.reward[j], made.action[j])
            if key[0]:
                assert (made.obs[j] == late.seen[key[0]].values[key[1]]).all()
    assert not wanted
    assert max(step - int(np.min(made.decision_step)) for step, made in late.told) == 4
    # What was expected of decisions, and what they earned in all, is as without delay.
    for column in ("value", "yardstick", "random", "regret"):
        assert (on_time.summary[column] == delayed.summary[column]).all()
    assert delayed.summary["realised"].to_numpy() == pytest.approx(on_time.summary["realised"].to_numpy())


@pytest.mark.delay
def test_learners_lose_more_when_they_are_told_later() -> None:
    """The same luck; 40 cohorts of 50 people, whose arms differ by a third."""
    regrets = [
        play({"q": [0.2, 0.3], **more}, make("thompson-v0")).summary["regret"].sum()
        for more in ({}, {"delay": {"kind": "fixed", "steps": 8}})
    ]
    assert regrets[0] < 0.7 * regrets[1]


@pytest.mark.churn
def test_agents_decide_and_learn_for_those_who_are_there() -> None:
    witness = Witness()
    cell = play({"churn": CHURN}, witness)
    env = suite({"churn": CHURN}).environments[0].make(0)
    for observation, (step, made) in zip(witness.seen, witness.told, strict=True):
        assert observation.rows is not None
        assert observation.step == step
        assert (observation.rows == made.rows).all()
        assert 0 < len(observation.rows) < env.num_envs
    assert (cell.summary["regret"] >= 0).all()
    assert (cell.summary["value"] <= cell.summary["yardstick"]).all()


@pytest.mark.churn
def test_days_on_which_nobody_is_there_ask_nobody() -> None:
    columns = {"enters": np.full(20, 5.0), "leaves": np.full(20, 7.0)}
    witness = Witness()
    summary = play({}, witness, columns=columns).summary
    assert [observation.step for observation in witness.seen] == [5, 6]
    assert [step for step, _ in witness.told] == [5, 6]
    assert summary["steps"].to_list() == [15, 15]


@pytest.mark.churn
@pytest.mark.delay
def test_fleets_play_late_and_changing_populations() -> None:
    for name in ("thompson-v0", "ucb1-v0", "epsilon_greedy-v0", "random-v0"):
        summary = play({"churn": CHURN, "delay": DELAY, "q_correlation": 0.05}, make(name)).summary
        assert (summary["regret"] >= 0).all()
