"""Replay buffers in a peer's own venv: reads a number of calls from each line, makes them, answers with a line.

Needs nothing of onetake. Arguments: which case, how many transitions are held.
"""

import sys

import numpy as np

OBS, ACTION, BATCH = 17, 6, 256


def numbers(held):
    rng = np.random.default_rng(0)
    obs = rng.standard_normal((held + 1, OBS), np.float32)
    return obs, rng.standard_normal((held, ACTION), np.float32), rng.standard_normal(held)


def box(count):
    from gymnasium import spaces

    return spaces.Box(-9, 9, (count,), np.float32)


def sb3(held):
    import torch
    from stable_baselines3.common.buffers import ReplayBuffer

    torch.set_num_threads(1)
    buffer = ReplayBuffer(held, box(OBS), box(ACTION), device="cpu")
    obs, action, reward = numbers(held)
    buffer.observations[:, 0], buffer.next_observations[:, 0], buffer.actions[:, 0] = obs[:-1], obs[1:], action
    buffer.rewards[:, 0], buffer.dones[:], buffer.timeouts[:], buffer.full = reward, 0, 0, True
    return buffer


def sb3_uniform(held):
    buffer = sb3(held)
    return lambda: buffer.sample(BATCH)


def sb3_add(held):
    buffer = sb3(held)
    obs, action, reward = np.ones((1, OBS), np.float32), np.ones((1, ACTION), np.float32), np.zeros(1, np.float32)
    ends, infos = np.zeros(1, np.bool_), [{}]
    return lambda: buffer.add(obs, obs, action, reward, ends, infos)


def near(achieved, desired, info):
    return -(np.linalg.norm(achieved - desired, axis=-1) > 0.05).astype(np.float32)


def sb3_hindsight(held):
    import gymnasium
    import torch
    from stable_baselines3 import HerReplayBuffer
    from stable_baselines3.common.vec_env import DummyVecEnv

    torch.set_num_threads(1)
    goals = {"observation": box(OBS), "achieved_goal": box(3), "desired_goal": box(3)}

    class Still(gymnasium.Env):
        observation_space, action_space = gymnasium.spaces.Dict(goals), box(ACTION)

        def compute_reward(self, achieved, desired, info):
            return near(achieved, desired, info)

    env = DummyVecEnv([Still])
    buffer = HerReplayBuffer(held, env.observation_space, env.action_space, env=env, device="cpu", n_sampled_goal=4)
    obs, action, _ = numbers(held)

    def seen(one):
        return {"observation": one[None], "achieved_goal": one[None, :3], "desired_goal": one[None, 3:6]}

    for t in range(held):
        ends = np.array([t % 50 == 49])
        buffer.add(seen(obs[t]), seen(obs[t + 1]), action[t][None], np.zeros(1, np.float32), ends, [{}])
    return lambda: buffer.sample(BATCH)


def cpprb(held, kind, **settings):
    import cpprb

    fields = {"obs": {"shape": OBS}, "act": {"shape": ACTION}, "rew": {}, "next_obs": {"shape": OBS}, "done": {}}
    obs, action, reward = numbers(held)
    buffer = getattr(cpprb, kind)(held, fields, **settings)
    buffer.add(obs=obs[:-1], act=action, rew=reward, next_obs=obs[1:], done=np.zeros(held))
    return buffer


def cpprb_uniform(held):
    buffer = cpprb(held, "ReplayBuffer")
    return lambda: buffer.sample(BATCH)


def cpprb_prioritized(held):
    buffer, rng = cpprb(held, "PrioritizedReplayBuffer", alpha=0.6), np.random.default_rng(0)
    return lambda: buffer.update_priorities(buffer.sample(BATCH, beta=0.4)["indexes"], rng.random(BATCH))


def tianshou_prioritized(held):
    from tianshou.data import Batch, PrioritizedReplayBuffer

    buffer, rng = PrioritizedReplayBuffer(held, alpha=0.6, beta=0.4), np.random.default_rng(0)
    obs, action = np.ones(OBS, np.float32), np.ones(ACTION, np.float32)
    # It takes transitions one by one: a tenth of them shows the same.
    for _ in range(max(held // 10, BATCH)):
        buffer.add(Batch(obs=obs, act=action, rew=0.0, terminated=False, truncated=False, obs_next=obs, info={}))

    def call():
        _, indices = buffer.sample(BATCH)
        buffer.update_weight(indices, rng.random(BATCH))

    return call


def torchrl_add(held):
    import torch
    from tensordict import TensorDict
    from torchrl.data import LazyTensorStorage, TensorDictReplayBuffer

    torch.set_num_threads(1)
    buffer = TensorDictReplayBuffer(storage=LazyTensorStorage(held), batch_size=BATCH)
    then = {"observation": torch.ones(OBS), "reward": torch.zeros(1), "done": torch.zeros(1, dtype=torch.bool)}
    one = TensorDict({"observation": torch.ones(OBS), "action": torch.ones(ACTION), "next": then}, batch_size=[])
    return lambda: buffer.add(one)


if __name__ == "__main__":
    call = globals()[sys.argv[1]](int(sys.argv[2]))
    for line in sys.stdin:
        for _ in range(int(line)):
            call()
        print("taken", flush=True)
