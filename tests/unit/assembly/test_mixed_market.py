"""Sellers of every kind in one market: another library's model, a function, agents of the core."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest

from onetake.agents import make
from onetake.assembly import Assembly, Pilot, collector, foreign, parallel_reset, parallel_step, policy, sb3, seated
from onetake.envs.market import MarketVector
from onetake.envs.parallel import MarketParallelEnv
from onetake.errors import ConfigError
from onetake.seeding import child_seed

pytestmark = pytest.mark.mixed_market
pytest.importorskip("pettingzoo", reason="the extra `marl` is not installed")

PERIODS = 60


def launch(env: MarketParallelEnv, crew: list[Any], seats: list[str]) -> Any:
    rewards, take = collector([f"{seat}.reward" for seat in seats])

    def episode() -> Iterator[Any]:
        yield parallel_reset(env, seed=5)
        while True:
            yield from crew
            yield parallel_step(env)
            yield take

    # Done comes with the last step, so that its rewards are read from the parcel.
    parcel = Assembly(episode, strict=True).launch()
    return rewards.frame(), parcel


def thompson(market: MarketVector, seller: int) -> Pilot:
    agent = make("thompson")
    agent.begin(market.seat_spec(seller), child_seed(7, "seat", seller))
    return Pilot(agent, name="thompson")


def test_a_model_a_function_a_bandit_and_a_foreign_policy_share_a_market() -> None:
    env = MarketParallelEnv({"sellers": 4, "horizon": PERIODS})
    seats = env.possible_agents
    seen: list[int] = []

    class Model:
        observation_space, action_space = env.observation_space(seats[0]), env.action_space(seats[0])

        def predict(self, observation: Any, **words: Any) -> Any:
            seen.append(len(observation))
            return np.int64(9), None

    class Tianshou:
        def compute_action(self, obs: Any) -> int:
            return 6

    spaces = (env.observation_space(seats[0]), env.action_space(seats[0]))
    market: Any = env.batch
    pilot = thompson(market, 3)
    crew = [
        seated(sb3(Model(), seat=spaces), seats[0]),
        # Just below the cheapest rival of the last period: own price comes first in what a seller sees.
        seated(policy(lambda obs: max(int(np.searchsorted(market.ladder[1], obs[1:].min())) - 1, 0)), seats[1]),
        seated(foreign(Tianshou(), seat=spaces), seats[2]),
        seated(pilot.act, seats[3]),
    ]
    frame, parcel = launch(env, crew, seats)
    assert frame.height == PERIODS - 1
    assert set(seen) == {4}
    assert all(parcel[f"{seat}.truncated"] for seat in seats)
    # Whoever is undercut earns less than the one who undercuts.
    assert frame[f"{seats[1]}.reward"][5:].mean() > frame[f"{seats[0]}.reward"][5:].mean()
    with pytest.raises(ConfigError, match="policy 'sb3': got action_space"):
        sb3(Model(), seat=(spaces[0], gymnasium.spaces.Discrete(3)))


def test_fleets_learn_a_seat_in_a_thousand_markets_at_once() -> None:
    market = MarketVector({"memory": 0, "horizon": 400}, markets=1000)
    agents = [make("ucb1"), make("ucb1")]
    for seller, agent in enumerate(agents):
        agent.begin(market.seat_spec(seller), child_seed(7, "seat", seller))
    from onetake.types import Observation, Transitions

    obs, _ = market.reset(seed=1)
    late = []
    for t in range(400):
        actions = np.stack([agent.act(Observation(obs[:, i], t)).action for i, agent in enumerate(agents)], axis=1)
        after, profit, terminated, truncated, _ = market.step(actions)
        for i, agent in enumerate(agents):
            agent.learn(
                Transitions(t, obs[:, i], actions[:, i], profit[:, i].copy(), after[:, i], terminated, truncated)
            )
        obs = after
        late.append(market.profit_gain(profit).mean())
    assert len(np.unique(actions[:, 0])) > 1
    assert np.isfinite(late).all()
    # Bandits that see no prices earn more than at Nash by exploring high prices together, and less than jointly.
    assert 0.0 < np.mean(late[200:]) < 1.0


def test_real_models_of_other_libraries_play_where_they_are_installed() -> None:
    stable = pytest.importorskip("stable_baselines3", reason="the extra `sb3` is not installed")
    env = MarketParallelEnv({"horizon": 20})
    seat = env.possible_agents[0]

    class Seat(gymnasium.Env[Any, Any]):
        observation_space, action_space = env.observation_space(seat), env.action_space(seat)

    model = stable.PPO("MlpPolicy", Seat(), seed=1)
    spaces = (env.observation_space(seat), env.action_space(seat))
    market: Any = env.batch
    crew = [seated(sb3(model, seat=spaces), seat), seated(thompson(market, 1).act, env.possible_agents[1])]
    frame, _ = launch(env, crew, env.possible_agents)
    assert frame.height == 19
