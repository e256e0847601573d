"""Budgets that are kept to the last treatment, lots with known chances, and pacing that spends where it gains most."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from onetake.agents import BudgetSampling, PacedThompson, Random
from onetake.agents.base import AbstractAgent
from onetake.errors import ConfigError
from onetake.types import BatchSpec, Observation, Transitions

pytestmark = pytest.mark.budget_agents

PEOPLE, REPLICATES, DAYS = 40, 3, 30
#: What treating adds to everybody's chance of success.
LIFT = np.linspace(-0.1, 0.5, PEOPLE)


def spec(budget: int | None = 8, horizon: int | None = DAYS) -> BatchSpec:
    people, replicates = np.arange(PEOPLE, dtype=np.uint32), np.arange(REPLICATES, dtype=np.uint32)
    low, high = np.array(0.0), np.array(1.0)
    return BatchSpec("tests/Calls-v0", people, replicates, 2, (), horizon, low, high, budget=budget)


def see(step: int, mask: Any = None, rows: Any = None) -> Observation:
    count = PEOPLE * REPLICATES if rows is None else len(rows)
    return Observation(np.empty((count, 0), np.float32), step, rows, mask)


def run(agent: AbstractAgent, days: int = DAYS, budget: int | None = 8, lost: float = 0.0) -> tuple[Any, float]:
    """Who was treated ``(T, R, E)`` and the mean lift of those who were; a share of outcomes never comes."""
    agent.begin(spec(budget), seed=4)
    rng = np.random.default_rng(1)
    treated = []
    for day in range(days):
        mask = np.ones((PEOPLE * REPLICATES, 2), bool)
        mask[:, 1] = rng.random(PEOPLE * REPLICATES) < 0.8
        action = agent.act(see(day, mask)).action
        assert not action[~mask[:, 1]].any()
        agent.act(see(day, mask), explore=False)  # asking twice spends nothing
        treated.append(action.reshape(REPLICATES, PEOPLE))
        chance = 0.3 + np.tile(LIFT, REPLICATES) * action
        reward = (rng.random(len(action)) < chance).astype(np.float64)
        rows = np.flatnonzero(rng.random(len(action)) >= lost)
        nothing, never = np.empty((len(rows), 0), np.float32), np.zeros(len(rows), bool)
        agent.learn(Transitions(day, nothing, action[rows], reward[rows], nothing, never, never, rows=rows))
    every = np.array(treated)
    return every, float((every * LIFT).sum() / max(every.sum(), 1))


@pytest.mark.parametrize("total", [None, 0, 7, 100, 10_000])
@pytest.mark.parametrize("budget", [None, 0, 1, 8, 1000])
def test_neither_limit_is_ever_broken(total: int | None, budget: int | None) -> None:
    treated, _ = run(PacedThompson(total=total), budget=budget, lost=0.3)
    if budget is not None:
        assert treated.sum(axis=2).max() <= budget
    if total is not None:
        assert treated.sum(axis=(0, 2)).max() <= total


def test_rows_asked_for_one_after_the_other_share_what_is_left() -> None:
    agent = PacedThompson(total=5)
    agent.begin(spec(3), seed=1)
    first, second = np.arange(20), np.arange(20, 40)
    taken = 0
    for day in range(4):
        once = agent.act(see(day, rows=first)).action.sum()
        again = agent.act(see(day, rows=second)).action.sum()
        assert once + again <= 3
        taken += once + again
    assert taken <= 5


def test_pacing_spreads_what_there_is_over_the_whole_episode() -> None:
    treated, _ = run(PacedThompson(total=90, speed=2.0))
    spent = treated.sum(axis=2)
    assert spent.sum(axis=0).min() >= 80
    # Spent evenly, a third of 90 falls into the last third of the days.
    assert spent[20:].sum(axis=0).min() >= 10
    without, _ = run(PacedThompson(total=90, speed=0.0))
    assert without.sum(axis=2)[20:].sum() == 0


def test_who_gains_most_is_treated_most() -> None:
    _, chance = run(Random(), 150)
    _, paced = run(PacedThompson(pooling="none"), 150)
    _, sampled = run(BudgetSampling(pooling="none", temperature=0.05), 150)
    assert chance < 0.25
    assert paced > 0.32
    assert sampled > 0.27


@pytest.mark.propensity_contract
def test_exactly_as_many_are_drawn_as_the_budget_says_each_with_its_known_chance() -> None:
    agent = BudgetSampling(pooling="none", temperature=0.05, floor=0.02)
    run(agent, 25)
    mask = np.ones((PEOPLE * REPLICATES, 2), bool)
    mask[::7, 1] = False
    chance = agent.action_probabilities(see(99, mask))[:, 1]
    assert chance.reshape(REPLICATES, -1).sum(axis=1) == pytest.approx(8, abs=1e-9)
    assert chance[mask[:, 1]].min() >= 0.02 * 0.99
    assert (chance[~mask[:, 1]] == 0).all()
    draws, count = 4000, np.zeros(PEOPLE * REPLICATES)
    for step in range(1000, 1000 + draws):
        action = agent.act(see(step, mask)).action
        assert (action.reshape(REPLICATES, -1).sum(axis=1) == 8).all()
        count += action
    live = mask[:, 1]
    z = (count - draws * chance)[live] / np.sqrt(draws * chance * (1 - chance))[live]
    # 102 frequencies, each normal: one beyond 5 once in 17,000 seeds.
    assert np.abs(z).max() < 5
    logged = agent.act(see(5, mask), propensity=True)
    assert logged.propensity_kind == "exact"
    assert (logged.propensity == np.where(logged.action == 1, chance, 1 - chance)).all()


@pytest.mark.propensity_contract
def test_estimated_chances_of_paced_treatment_match_frequencies() -> None:
    agent = PacedThompson(pooling="none")
    run(agent, 15)
    chance = agent.action_probabilities(see(99))[:, 1]
    draws, count = 400, np.zeros(PEOPLE * REPLICATES)
    for step in range(1000, 1000 + draws):
        count += agent.act(see(step)).action
    # Both are frequencies, of 256 and of 400 draws; 120 of them stay within 5 standard errors.
    p = (count + 256 * chance + 1) / (draws + 256 + 2)
    z = (count / draws - chance) / np.sqrt(p * (1 - p) * (1 / draws + 1 / 256))
    assert np.abs(z).max() < 5


def test_a_budget_that_all_may_share_treats_all_who_may_be() -> None:
    agent = BudgetSampling()
    agent.begin(spec(PEOPLE + 5), seed=1)
    mask = np.ones((PEOPLE * REPLICATES, 2), bool)
    mask[3, 1] = False
    assert (agent.act(see(0, mask)).action == mask[:, 1]).all()


@pytest.mark.agent_roundtrip
@pytest.mark.parametrize("agent", [PacedThompson(total=60), BudgetSampling()], ids=["paced", "sampling"])
def test_a_saved_agent_goes_on_with_what_is_left(agent: Any, tmp_path: Any) -> None:
    run(agent, 10)
    agent.save(tmp_path / "agent")
    again = type(agent).load(tmp_path / "agent", agent.spec)
    assert again.freeze().digest == agent.freeze().digest
    for day in range(10, 20):
        assert (again.act(see(day)).action == agent.act(see(day)).action).all()
    alone = type(agent)(**agent.settings)
    alone.begin(replace(agent.spec, replicate_ids=agent.spec.replicate_ids[1:2]), seed=4)
    fresh = type(agent)(**agent.settings)
    fresh.begin(agent.spec, seed=4)
    part = Observation(np.empty((PEOPLE, 0), np.float32), 0)
    assert (alone.act(part).action == fresh.act(see(0)).action[PEOPLE : 2 * PEOPLE]).all()


@pytest.mark.bad_input
def test_what_has_no_budget_or_no_end_is_refused() -> None:
    with pytest.raises(ConfigError, match="budget: got none; wanted how many"):
        BudgetSampling().begin(spec(None), 0)
    with pytest.raises(ConfigError, match=r"floor: got 0\.5; wanted at most 8 of 40 in all"):
        BudgetSampling(floor=0.5).begin(spec(), 0)
    with pytest.raises(ConfigError, match="horizon: got none; wanted one, over which the total is spent"):
        PacedThompson(total=3).begin(spec(horizon=None), 0)
    with pytest.raises(ConfigError, match="actions: got 3; wanted 2"):
        PacedThompson().begin(replace(spec(), num_actions=3), 0)
