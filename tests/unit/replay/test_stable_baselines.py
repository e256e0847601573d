"""Stable-Baselines3's algorithms learn from our buffer as from their own."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from onetake.envs import make
from onetake.replay import Hindsight

pytestmark = [
    pytest.mark.buffer_sb3,
    # Torch and Stable-Baselines3 warn about versions of each other.
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture
def sb3() -> Any:
    return pytest.importorskip(
        "stable_baselines3", reason="the extra `sb3` (Stable-Baselines3 and Torch) is not installed"
    )


def test_an_algorithm_learns_from_the_buffer(sb3: Any) -> None:
    from onetake.replay.sb3 import SB3ReplayBuffer

    model = sb3.SAC(
        "MlpPolicy",
        "Pendulum-v1",
        replay_buffer_class=SB3ReplayBuffer,
        replay_buffer_kwargs={"n_steps": 2, "gamma": 0.98},
        buffer_size=1_000,
        learning_starts=100,
        policy_kwargs={"net_arch": [8]},
        seed=1,
        device="cpu",
    )
    model.learn(450)
    buffer = model.replay_buffer
    assert (buffer.size(), buffer.pos, buffer.full) == (450, 450, False)
    drawn = buffer.sample(450)
    # Two episodes of 200 steps end at the time limit, which is no termination: values go on behind it.
    assert float(drawn.dones.sum()) == 0.0
    assert np.unique(drawn.discounts.numpy()) == pytest.approx([0.98**2, 0.98], rel=1e-6)
    with pytest.raises(Exception, match=r"wanted model\.replay_buffer\.buffer\.save"):
        model.save_replay_buffer("/nowhere/at/all")


def test_the_same_transitions_come_out_as_of_their_own_buffer(sb3: Any) -> None:
    from stable_baselines3.common.buffers import ReplayBuffer as Theirs

    from onetake.replay.sb3 import SB3ReplayBuffer

    box, two = gym.spaces.Box(-9e9, 9e9, (2,), np.float32), gym.spaces.Discrete(2)
    ours, theirs = (kind(60, box, two, "cpu", n_envs=2) for kind in (SB3ReplayBuffer, Theirs))
    for t in range(50):
        obs, next_obs = (np.array([[x, 0], [x, 1]], np.float32) for x in (t, t + 1))
        done, late = np.array([t % 7 == 6, t % 5 == 4]), [{"TimeLimit.truncated": t % 2 == 0}] * 2
        for buffer in (ours, theirs):
            buffer.add(obs, next_obs, np.array([t % 2, 0]), np.array([t, -t]) / 2, done, late)
    assert (ours.size(), ours.full, ours.pos) == (theirs.size(), theirs.full, theirs.pos)

    def seen(buffer: Any) -> set[Any]:
        rows = np.concatenate(
            [np.concatenate([p.numpy().reshape(60, -1) for p in buffer.sample(60)[:5]], 1) for _ in range(40)]
        )
        return set(map(tuple, rows.tolist()))

    # 2,400 draws of 60 kinds: one is missed with a chance of 60 e^-40.
    assert seen(ours) == seen(theirs)


def test_hindsight_works_inside_their_algorithms(sb3: Any) -> None:
    from onetake.replay.sb3 import SB3ReplayBuffer

    env = make("onetake/Reach-v0")
    kwargs = {"hindsight": Hindsight(env.unwrapped.compute_reward), "gamma": 0.95}  # type: ignore[attr-defined] # our own environment
    model = sb3.DDPG(
        "MultiInputPolicy",
        env,
        replay_buffer_class=SB3ReplayBuffer,
        replay_buffer_kwargs=kwargs,
        buffer_size=500,
        learning_starts=60,
        policy_kwargs={"net_arch": [8]},
        device="cpu",
    )
    model.learn(120)
    assert model.replay_buffer.size() == 120
