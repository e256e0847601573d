"""Participants ready made: collectors, trackers, returns, environments and policies."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import polars as pl
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from onetake.agents import make
from onetake.assembly import (
    Assembly,
    Collector,
    Parcel,
    Pilot,
    StepTracker,
    Together,
    advance,
    aec_reset,
    aec_step,
    collector,
    end_of_episode,
    foreign,
    generalized_advantages,
    parallel_reset,
    parallel_step,
    policy,
    reset,
    returns,
    reward_to_go,
    sb3,
    seated,
    step,
)
from onetake.envs import make_vec
from onetake.errors import ConfigError, ParticipantError, ShapeError

pytestmark = pytest.mark.participants


def plain_advantages(r: Any, v: Any, term: Any, trunc: Any, nxt: Any, g: float, lam: float) -> list[float]:
    """Equation 16 summed out: from each step to the end of its own episode."""
    out = []
    for t in range(len(r)):
        total, factor = 0.0, 1.0
        for s in range(t, len(r)):
            total += factor * (r[s] + g * (0.0 if term[s] else nxt[s]) - v[s])
            factor *= g * lam
            if term[s] or trunc[s]:
                break
        out.append(total)
    return out


def test_advantages_equal_the_plain_sum_across_terminations_and_truncations() -> None:
    rng = np.random.default_rng(3)
    r, v, nxt = rng.normal(size=(3, 40))
    term, trunc = rng.random((2, 40)) < 0.15
    ours = generalized_advantages(r, v, term, trunc, discount=0.9, decay=0.8, next_value=nxt)
    assert ours == pytest.approx(plain_advantages(r, v, term, trunc, nxt, 0.9, 0.8), abs=1e-12)
    both = generalized_advantages(
        np.stack([r, r], 1),
        np.stack([v, v], 1),
        np.stack([term, ~term], 1),
        np.stack([trunc, trunc], 1),
        discount=0.9,
        decay=0.8,
        next_value=np.stack([nxt, nxt], 1),
    )
    assert both[:, 0].tolist() == ours.tolist()


def test_a_terminated_episode_is_worth_nothing_after_its_end_and_a_cut_one_is() -> None:
    reward, no, yes = [1.0, 1.0, 5.0], [0, 0, 0], [0, 1, 0]
    assert reward_to_go(reward, yes, no, discount=1.0).tolist() == [2, 1, 5]
    assert reward_to_go(reward, no, yes, discount=1.0, next_value=[0, 7, 0]).tolist() == [9, 8, 5]
    # Nothing of the next episode leaks into one that was cut, even where its value is not known.
    assert reward_to_go(reward, no, yes, discount=1.0).tolist() == [2, 1, 5]


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (([1.0], [0, 0], [0]), ShapeError, "terminated: got shape (2,); wanted (1,)"),
        (([np.nan], [0], [0]), ShapeError, "reward: got NaN"),
        ((1.0, 0, 0), ShapeError, "reward: got one number"),
    ],
)
def test_bad_rewards_are_refused(arguments: Any, error: Any, text: str) -> None:
    with pytest.raises(error) as caught:
        reward_to_go(*arguments, discount=0.9)
    assert text in str(caught.value)
    with pytest.raises(ConfigError, match="discount: got 2"):
        reward_to_go([1.0], [0], [0], discount=2)


def test_collectors_become_polars_frames_and_may_keep_the_newest_only() -> None:
    own, plays = collector(["obs", "reward"], newest=3)

    def tick(parcel: Parcel) -> None:
        parcel["obs"] += 1.0
        parcel["reward"] = parcel["obs"][0] * 10

    Assembly([tick, plays, StepTracker(5, show=False)]).launch(obs=np.zeros(2), hidden=1)
    frame = own.frame()
    assert frame.schema == {"obs": pl.Array(pl.Float64, 2), "reward": pl.Float64}
    assert frame["reward"].to_list() == [30.0, 40.0, 50.0]
    assert frame["obs"].to_list() == [[3.0, 3.0], [4.0, 4.0], [5.0, 5.0]]
    own.clear()
    assert own.frame().columns == ["obs", "reward"]
    with pytest.raises(ConfigError, match="keys: got 'obs'"):
        Collector("obs")


def test_the_step_tracker_tells_how_far_it_is_in_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    tracker = StepTracker(20, name="days")
    Assembly([tracker]).launch()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert (lines[0], lines[-1]) == ("days: 2 of 20", "days: 20 of 20")


def test_an_episode_of_cartpole_is_that_of_its_plain_loop() -> None:
    def balance(obs: Any) -> int:
        return int(obs[2] + obs[3] > 0)

    env = gymnasium.make("CartPole-v1")
    obs, _ = env.reset(seed=5)
    plain, ended = 0.0, False
    while not ended:
        obs, reward, terminated, truncated, _ = env.step(balance(obs))
        plain, ended = plain + float(reward), terminated or truncated

    rewards, collect = collector(["reward", "terminated", "truncated"])
    crew = [policy(balance), step(env), collect, end_of_episode()]

    def episode() -> Any:
        yield reset(env, seed=5)
        while True:
            yield from crew

    Assembly(episode).launch()
    assert rewards.frame()["reward"].sum() == plain
    parcel = Assembly(lambda: [returns(rewards, discount=1.0)]).launch()
    assert parcel["reward_to_go"][0] == plain


def test_vector_environments_end_when_all_have() -> None:
    envs = SyncVectorEnv([lambda: gymnasium.make("CartPole-v1")] * 3, autoreset_mode=AutoresetMode.NEXT_STEP)
    rounds, collect = collector(["reward"])
    right = policy(lambda obs: np.ones(3, dtype=np.int64))
    parcel = Assembly([right, step(envs), collect, StepTracker(6, show=False)]).launch(obs=envs.reset(seed=1)[0])
    assert parcel["obs"].shape == (3, 4)
    assert len(rounds) == 6
    one_shot = make_vec("onetake/Cohort-v0", num_envs=3, one_shot=True, config={"horizon": 4})
    own, take = collector(["reward"])
    plays = [policy(lambda obs: np.zeros(3, dtype=np.int64)), step(one_shot), take, end_of_episode()]
    Assembly(plays).launch(obs=one_shot.reset(seed=1)[0])
    assert own.column("reward").shape == (4, 3)


def test_our_agents_act_and_learn_as_in_their_own_loop() -> None:
    def batch() -> Any:
        return make_vec("onetake/Cohort-v0", num_envs=3, one_shot=True, config={"horizon": 30})

    env, agent = batch(), make("thompson")
    agent.begin(env.batch_spec, seed=4)
    pilot = Pilot(agent, propensity=True)
    own, take = collector(["action", "propensity"])
    crew = [pilot.act, step(env, next_obs="next_obs"), take, pilot.learn, advance(), end_of_episode()]
    Assembly(crew, strict=True).launch(obs=env.reset(seed=2)[0])

    from onetake.types import Observation, Transitions

    plain, other = batch(), make("thompson")
    other.begin(plain.batch_spec, seed=4)
    obs, _ = plain.reset(seed=2)
    actions = []
    for t in range(30):
        action = other.act(Observation(obs, t)).action
        after, reward, terminated, truncated, _ = plain.step(action)
        other.learn(Transitions(t, obs, action, reward, after, terminated, truncated))
        obs = after
        actions.append(action)
    assert own.column("action").tolist() == np.stack(actions).tolist()
    assert {k: v.tobytes() for k, v in agent.arrays().items()} == {k: v.tobytes() for k, v in other.arrays().items()}


def test_a_frozen_policy_plays_and_does_not_learn() -> None:
    env, agent = make_vec("onetake/Cohort-v0", num_envs=1), make("fixed", action=1)
    agent.begin(env.batch_spec, seed=4)
    pilot = Pilot(agent.freeze())
    assert Assembly(lambda: [reset(env, seed=1), pilot.act, step(env, next_obs="next_obs")]).launch()["action"] == 1
    with pytest.raises(ParticipantError, match="got a frozen policy"):
        Assembly(lambda: [pilot.learn]).launch()


class Recurrent:
    """What Stable-Baselines3 documents of a model: predict with state, episode_start and deterministic."""

    observation_space = spaces.Box(0, 1, (2,))
    action_space = spaces.Discrete(5)

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False
    ) -> Any:
        self.calls.append((state, bool(episode_start[0]), deterministic))
        return np.int64(1), ((state or (0,))[0] + 1,)


def test_models_of_stable_baselines_carry_their_state_and_are_held_to_their_seat() -> None:
    model = Recurrent()
    seat = (spaces.Box(0, 1, (2,)), spaces.Discrete(5))
    assembly = Assembly([sb3(model, seat=seat), StepTracker(3, show=False)])
    for _ in range(2):
        assembly.launch(obs=np.zeros(2))
    assert model.calls == [(None, True, True), ((1,), False, True), ((2,), False, True)] * 2
    with pytest.raises(ConfigError, match=r"policy 'sb3': got action_space Discrete\(5\); wanted Discrete\(4\)"):
        sb3(model, seat=(seat[0], spaces.Discrete(4)))


def test_policies_of_other_libraries_play_by_their_documented_method() -> None:
    class Tianshou:
        def compute_action(self, obs: Any, info: Any = None, state: Any = None) -> Any:
            return np.int64(obs.sum())

    class RLlib:
        def compute_single_action(self, observation: Any) -> Any:
            return 2, [], {}

    class Other:
        def act(self, obs: Any) -> int:
            return 3

    plays = [foreign(x) for x in (Tianshou(), RLlib(), Other(), lambda obs: 4)]
    seats = [seated(play, f"s{i}") for i, play in enumerate(plays)]
    parcel = Assembly(lambda: seats).launch(**{f"s{i}.obs": np.ones(1) for i in range(4)})
    assert [parcel[f"s{i}.action"] for i in range(4)] == [1, 2, 3, 4]
    with pytest.raises(ConfigError, match="policy 'object': got no compute_action"):
        foreign(object())


def test_several_participants_may_take_one_turn_together() -> None:
    def a(parcel: Parcel) -> None:
        parcel["x"] = [*parcel.get("x", []), "a"]

    both = Together(a, a, None)
    assert both.name == "a + a"
    assert Assembly([both, StepTracker(2, show=False)]).launch()["x"] == ["a"] * 4


class Countdown:
    """What PettingZoo documents of a Parallel environment, in small: `a` leaves after two steps, `b` after three."""

    possible_agents = ("a", "b")

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        self.agents, self.t = ["a", "b"], 0
        return {"a": 0, "b": 0}, {"a": {}, "b": {}}

    def step(self, actions: dict[str, Any]) -> Any:
        assert set(actions) == set(self.agents)
        self.t += 1
        live = self.agents
        ends = {agent: self.t == {"a": 2, "b": 3}[agent] for agent in live}
        self.agents = [agent for agent in live if not ends[agent]]
        same = dict.fromkeys(live, False)
        return {g: self.t for g in live}, {g: 1.0 for g in live}, ends, same, {g: {} for g in live}


def test_parallel_environments_play_with_agents_that_leave() -> None:
    env = Countdown()
    seats = [seated(policy(lambda obs: obs), agent) for agent in env.possible_agents]

    def episode() -> Any:
        yield parallel_reset(env, seed=1)
        while True:
            yield from seats
            yield parallel_step(env)

    parcel = Assembly(episode, strict=True).launch()
    assert (parcel["agents"], parcel["a.terminated"], parcel["b.obs"], parcel["b.terminated"]) == ([], True, 3, True)
    with pytest.raises(ParticipantError, match="got none of b; wanted one of every agent"):
        Assembly([seats[0], parallel_step(env)]).launch(**{"a.obs": env.reset()[0]["a"]})


@pytest.mark.pettingzoo
def test_turn_by_turn_environments_play_to_their_end() -> None:
    pytest.importorskip("pettingzoo", reason="the extra `marl` is not installed")
    from pettingzoo.test.example_envs import generated_agents_env_v0

    env = generated_agents_env_v0.env()
    met: set[str] = set()

    def act(parcel: Parcel) -> None:
        met.add(parcel["agent"])
        parcel["action"] = env.action_space(parcel["agent"]).sample()

    parcel = Assembly([act, aec_step(env)], max_turns=100_000).launch(
        **Assembly(lambda: [aec_reset(env, seed=3)]).launch()
    )
    assert len(met) >= 3
    assert not env.agents
    assert "obs" in parcel
