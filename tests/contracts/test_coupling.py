"""What joins entities is declared by everybody, and work is cut where nothing is joined."""

from typing import get_args

import numpy as np
import pytest

from onetake.agents import make as make_agent
from onetake.agents import registered
from onetake.envs import SimVectorEnv, families
from onetake.types import Coupling, Observation

pytestmark = pytest.mark.coupling
IDS = [entry.id for entry in registered()]
COUPLED = {"intervention": {"budget": 2}}


@pytest.mark.parametrize("family", families())
def test_every_family_declares_its_coupling(family: str) -> None:
    assert SimVectorEnv(family).batch_spec.coupling in get_args(Coupling)


def test_people_are_joined_by_a_budget_and_by_nothing_else() -> None:
    assert SimVectorEnv("intervention").batch_spec.coupling == "independent"
    assert SimVectorEnv("intervention", COUPLED["intervention"]).batch_spec.coupling == "replicate"


def test_replicates_are_cut_apart_even_where_a_budget_joins_entities() -> None:
    whole = SimVectorEnv("intervention", COUPLED["intervention"], entities=5, replicates=3, seed=4)
    part = SimVectorEnv("intervention", COUPLED["intervention"], entities=5, replicates=1, first_replicate=2, seed=4)
    seen, own = whole.reset(seed=4)[0], part.reset(seed=4)[0]
    np.testing.assert_array_equal(seen[10:], own)
    action = np.tile([1, 0, 0, 1, 0], 3)
    for _ in range(5):
        seen, reward, *_ = whole.step(action)
        own, own_reward, *_ = part.step(action[10:])
        np.testing.assert_array_equal(seen[10:], own)
        np.testing.assert_array_equal(reward[10:], own_reward)


@pytest.mark.parametrize("agent_id", IDS)
def test_every_agent_declares_its_coupling(agent_id: str) -> None:
    settings = {"action": 0} if agent_id.startswith("fixed") else {}
    assert make_agent(agent_id, **settings).coupling in get_args(Coupling)


@pytest.mark.parametrize("agent_id", IDS)
def test_an_agent_that_counts_no_interventions_says_that_it_cannot_play(agent_id: str) -> None:
    env = SimVectorEnv("intervention", COUPLED["intervention"], entities=8, seed=1)
    agent = make_agent(agent_id, **({"action": 0} if agent_id.startswith("fixed") else {}))
    reason = agent.supports(env.batch_spec)
    if not agent.respects_budget:
        assert reason is not None
        assert reason.startswith("budget: got 2")
        return
    assert reason is None
    agent.begin(env.batch_spec, 3)
    obs, _ = env.reset(seed=1)
    for step in range(5):
        action = agent.act(Observation(obs, step, mask=env.action_mask())).action
        assert action.sum() <= 2
        obs, *_ = env.step(action)
