"""Verbs of other libraries in both directions, one decision and one outcome at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onetake.agents import EpsilonGreedy, LinUCB, PriceThompson, Thompson, WhittleThompson, make
from onetake.agents.adapters import Foreign, Verbs
from onetake.agents.one_at_a_time import one_entity
from onetake.envs import make as make_env
from onetake.envs import rollout
from onetake.errors import CheckpointError, ConfigError, NotReadyError, ShapeError
from onetake.types import BatchSpec, Observation, Transitions

pytestmark = pytest.mark.one_at_a_time


def alone(agent: Any, spec: BatchSpec | None = None) -> Any:
    agent.begin(one_entity(3) if spec is None else spec, 1)
    return agent


def test_contexts_are_lists_or_mappings_and_quick_answers_are_those_of_the_batch() -> None:
    quick, slow = (alone(LinUCB(alpha=0.5), one_entity(4, ["age", "visits"])) for _ in range(2))
    rng = np.random.default_rng(1)
    for step in range(60):
        x = rng.normal(size=2).astype(np.float32)
        action = quick.predict_one(x.tolist())
        assert action == slow.act(Observation(x[None], step)).action[0]
        for agent in (quick, slow):
            agent.learn_one({"visits": x[1], "age": x[0]}, action, float(x[0] > 0) if action == 2 else 0.3)
        assert quick.predict_proba_one(x) == slow.predict_proba_one(x)
    assert quick.predict_one([2.0, 0.0], explore=False) == 2
    assert quick.predict_one([2.0, 0.0], mask=[True, False, False, False]) == 0


def test_chances_are_named_by_the_labels_of_the_actions() -> None:
    agent = alone(Thompson(), one_entity(2, action_labels=("stay", "go")))
    assert agent.predict_proba_one() == pytest.approx({"stay": 0.5, "go": 0.5})
    assert sum(agent.predict_proba_one(mask=[False, True]).values()) == 1
    agent.learn_one(action=1, reward=1.0, context=None)
    assert agent.predict_proba_one()["go"] > 0.6


def test_agents_of_transitions_learn_from_four_or_from_a_trajectory() -> None:
    spec = one_entity(2, ["engagement"], budget=1, horizon=9)
    four, path = alone(WhittleThompson(), spec), alone(WhittleThompson(), spec)
    steps = [([1.0], 1, 1.0, [1.0]), ([1.0], 0, 0.0, [0.0]), ([0.0], 1, 1.0, [1.0])]
    for step in steps:
        four.learn_one(*step)
    path.learn_one(steps)
    for name, array in four.arrays().items():
        assert (array == path.arrays()[name]).all()
    with pytest.raises(ConfigError, match=r"got proba; WhittleThompson wanted learn_one\(state, action, reward, next"):
        four.learn_one([1.0], 1, 1.0, proba=0.5)
    with pytest.raises(ConfigError, match="got no next_state; WhittleThompson wanted"):
        four.learn_one([1.0], 1, 1.0)


def test_prices_are_learnt_one_sale_at_a_time() -> None:
    seen = ["interactions", "conversions", "price"]
    agent = alone(PriceThompson(), one_entity(2, seen, (0.0, 1e4), action_labels=("price × 1", "price × 1.5")))
    for _ in range(30):
        agent.learn_one([0, 0, 10], 0, 80.0, [100, 20, 10])
        agent.learn_one([0, 0, 10], 1, 9.0, [100, 1, 15])
    assert agent.predict_one([0, 0, 10]) == 0
    assert agent.arrays()["elasticity"][0] < -4


def test_rollout_plays_an_agent_in_any_environment() -> None:
    env = make_env("Cohort-v0", config={"horizon": 40, "p": 1, "q": [0.2, 0.6], "size": 50})
    names = [f"x{i}" for i in range(env.observation_space.shape[0])]
    agent = alone(EpsilonGreedy(epsilon=0.0), one_entity(2, names))
    agent.learn_one([0.0] * len(names), 0, 0.2)
    agent.learn_one([0.0] * len(names), 1, 0.6)
    # 40 steps of 50 people at 0.6: 1,200 with a standard deviation of 22.
    assert abs(rollout(env, agent.predict_one, seed=1) - 1200) < 6 * 22


def test_our_agents_speak_the_verbs_of_others() -> None:
    verbs = Verbs(alone(EpsilonGreedy(epsilon=0.0)))
    for action, reward in ((0, 0.1), (1, 0.9), (2, 0.2)):
        verbs.memorize(None, action, reward, None, False)
    assert verbs.agent.arrays()["weight"].sum() == 0
    assert verbs.update() == 3
    assert verbs.act(None) == 1
    assert verbs.compute_action(None) == 1
    assert verbs.update(None, 1, 0.0, None, True) == 1
    assert verbs.train() == 1
    assert verbs.agent.arrays()["weight"][:, 0].tolist() == [1, 2, 1]
    action, info = Verbs(verbs.agent, info=True).act(None)
    assert (action, info) == (1, {"propensity": 1.0, "propensity_kind": "exact"})


WORLD = '''
class Counts:
    """Plays the arm of highest total so far."""

    def __init__(self, arms, seed=0):
        self.total, self.kept, self.trained = [1.0] * arms, [], 0

    def act(self, state):
        return max(range(len(self.total)), key=self.total.__getitem__)

    compute_action = act

    def memorize(self, state, action, reward, next_state, done):
        self.kept.append((action, reward))

    def update(self, *outcome):
        if outcome:
            self.kept.append(outcome[1:3])
            return
        self.train()

    def train(self):
        for action, reward in self.kept:
            self.total[action] += reward - 0.5
        self.kept, self.trained = [], self.trained + 1


class Told(Counts):
    def act(self, state):
        return super().act(state), {"why": "total"}
'''


@pytest.mark.parametrize(("cls", "verbs"), [("Counts", "memorize"), ("Counts", "train"), ("Told", "info")])
def test_agents_of_others_play_our_batches(cls: str, verbs: Any, tmp_path: Path) -> None:
    (tmp_path / "theirs.py").write_text(WORLD)
    agent = Foreign(f"{tmp_path}/theirs.py:{cls}", verbs=verbs, options={"arms": 3}, seeded=True)
    ids = np.arange(4, dtype=np.uint32)
    spec = BatchSpec("tests/Coins-v0", ids, ids[:2], 3, (), None, np.array(0.0), np.array(1.0))
    agent.begin(spec, 3)
    nothing, never = np.empty((8, 0), np.float32), np.zeros(8, bool)
    assert agent.act(Observation(nothing, 0)).action.tolist() == [0] * 8
    agent.learn(Transitions(0, nothing, np.zeros(8, np.int64), np.arange(8) / 8, nothing, never, never))
    want = [0] * 8 if verbs == "info" else [1, 1, 1, 1, 0, 0, 0, 0]
    assert agent.act(Observation(nothing, 1)).action.tolist() == want
    with pytest.raises(ConfigError, match=r"propensity: got .*, whose chances are not known"):
        agent.act(Observation(nothing, 1), propensity=True)
    with pytest.raises(CheckpointError, match="which keeps its own"):
        agent.save(tmp_path / "agent")
    barred = np.ones((8, 3), bool)
    barred[:, 0] = False
    with pytest.raises(ConfigError, match=r"action: got 0 in row .* wanted an allowed one"):
        agent.act(Observation(nothing, 1, mask=barred))


@pytest.mark.bad_input
def test_what_does_not_fit_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match=r"wanted begin\(spec, seed\) first"):
        make("thompson").predict_one()
    with pytest.raises(ShapeError, match="context: got 1 numbers; wanted 2 as at begin"):
        alone(LinUCB(), one_entity(2, ["a", "b"])).predict_one([1.0])
    with pytest.raises(ShapeError, match="context: got a; wanted b too"):
        alone(LinUCB(), one_entity(2, ["a", "b"])).predict_one({"a": 1.0})
    ids = np.arange(2, dtype=np.uint32)
    many = BatchSpec("tests/Coins-v0", ids, ids[:1], 3, (), None, np.array(0.0), np.array(1.0))
    with pytest.raises(ShapeError, match="context: got an agent of 2 entities; wanted one that was begun for one"):
        alone(Thompson(), many).predict_one()
    (tmp_path / "theirs.py").write_text(WORLD)
    with pytest.raises(ConfigError, match="verbs: got 'talk'; wanted one of memorize, train"):
        Foreign(f"{tmp_path}/theirs.py:Counts", verbs="talk")  # type: ignore[arg-type] # a wrong verb is the point
