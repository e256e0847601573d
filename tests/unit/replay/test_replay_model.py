"""Whatever is done to a buffer, it holds and gives what a plain list does."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from onetake.replay import Batch, Hindsight, Priorities, ReplayBuffer, Sequences

from .plain import PlainBuffer, equal

pytestmark = pytest.mark.buffer_model

GOALS = spaces.Dict({key: spaces.Box(-99, 99, (2,), np.float32) for key in ("achieved_goal", "desired_goal")})
PLAIN = spaces.Box(0, 255, (3,), np.uint8)
ENDS = st.sampled_from([(False, False)] * 6 + [(True, False), (False, True), (True, True)])


def reward_of(achieved: Any, desired: Any, info: Any) -> Any:
    return -np.abs(achieved - desired).sum(axis=-1).astype(np.float64)


class AgainstPlainLists(RuleBasedStateMachine):
    """Adds, ends, cuts, draws, saves and loads, in any order, for every kind of buffer."""

    @initialize(
        capacity=st.integers(1, 9),
        num_envs=st.integers(1, 3),
        n_step=st.integers(1, 4),
        kind=st.sampled_from(["uniform", "priorities", "future", "final", "episode"]),
        mapped=st.booleans(),
    )
    def begin(self, capacity: int, num_envs: int, n_step: int, kind: str, mapped: bool) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.goals = kind in ("future", "final", "episode")
        n_step = 1 if self.goals else n_step
        self.hindsight = Hindsight(reward_of, kind, goals=2) if self.goals else None  # type: ignore[arg-type] # one of the three names
        self.buffer = ReplayBuffer(
            GOALS if self.goals else PLAIN,
            spaces.Discrete(5),
            capacity * num_envs,
            num_envs=num_envs,
            seed=7,
            n_step=n_step,
            discount=0.5,
            priorities=Priorities(alpha=1.0, beta_batches=3) if kind == "priorities" else None,
            hindsight=self.hindsight,
            memory_map=Path(self.folder.name) / "rows" if mapped else None,
        )
        self.plain = PlainBuffer(capacity, num_envs, n_step, 0.5)
        self.clock = 0
        self.seen: list[Any] = [self.obs() for _ in range(num_envs)]

    def obs(self) -> Any:
        self.clock += 1
        if self.goals:
            return {key: np.float32([self.clock, sign]) for key, sign in (("achieved_goal", 1), ("desired_goal", -1))}
        return np.array([self.clock % 256, self.clock // 256, 7], np.uint8)

    def stack(self, many: list[Any]) -> Any:
        return {key: np.stack([one[key] for one in many]) for key in many[0]} if self.goals else np.stack(many)

    @rule(ends=st.lists(ENDS, min_size=3, max_size=3), strays=st.integers(0, 9), single=st.booleans())
    def step(self, ends: list[tuple[bool, bool]], strays: int, single: bool) -> None:
        n = self.plain.num_envs
        if strays == 0:  # An observation that does not follow.
            self.seen[-1] = self.obs()
        nexts = [self.obs() for _ in range(n)]
        actions, rewards = np.arange(n) % 5, np.arange(n) + self.clock / 8.0
        flags = [np.array([pair[i] for pair in ends[:n]]) for i in (0, 1)]
        if n == 1 and single:
            given = (self.seen[0], int(actions[0]), float(rewards[0]), nexts[0], *(bool(flag[0]) for flag in flags))
            self.buffer.add(*given)
        else:
            self.buffer.add(self.stack(self.seen), actions, rewards, self.stack(nexts), *flags)
        for env in range(n):
            self.plain.add(env, self.seen[env], actions[env], rewards[env], nexts[env], ends[env])
        self.seen = [self.obs() if any(pair) else new for pair, new in zip(ends, nexts, strict=False)]

    @rule(count=st.integers(1, 12), ends=st.lists(ENDS, min_size=12, max_size=12), env=st.integers(0, 2))
    def recorded(self, count: int, ends: list[tuple[bool, bool]], env: int) -> None:
        env %= self.plain.num_envs
        obs = [self.seen[env]]
        nexts = []
        for pair in ends[:count]:
            nexts.append(self.obs())
            obs.append(self.obs() if any(pair) else nexts[-1])
        flags = [np.array([pair[i] for pair in ends[:count]]) for i in (0, 1)]
        reward = np.linspace(0, 1, count)
        self.buffer.extend(
            self.stack(obs[:-1]), np.arange(count, dtype=np.int32) % 5, reward, self.stack(nexts), *flags, env=env
        )
        for i in range(count):
            self.plain.add(env, obs[i], i % 5, reward[i], nexts[i], ends[i])
        self.seen[env] = obs[-1]

    @rule()
    def cut(self) -> None:
        self.buffer.cut()
        self.plain.cut()

    @rule()
    def save_and_load(self) -> None:
        path = Path(self.folder.name) / "saved"
        self.buffer.save(path)
        before = path.read_bytes()
        loaded = ReplayBuffer.load(path, hindsight=self.hindsight)
        loaded.save(path)
        assert path.read_bytes() == before
        if len(loaded):
            one, other = loaded.sample(len(loaded)), self.buffer.sample(len(loaded))
            assert all(a is None or equal(a, b) for a, b in zip(one, other, strict=True))
        self.buffer = loaded

    @precondition(lambda self: len(self.buffer) > 0)
    @rule(share=st.floats(0.01, 1.0))
    def sample(self, share: float) -> None:
        held = self.plain.held()
        batch = self.buffer.sample(max(1, int(share * len(held))))
        for i, number in enumerate(batch.indices.tolist()):
            self.check(batch, i, number)
        if self.buffer.beta is not None:
            self.buffer.update_priorities(batch.indices, np.arange(len(batch.indices)) / 4.0)

    def check(self, batch: Batch, i: int, number: int) -> None:
        obs, action, reward, next_obs, terminated, truncated, discount = self.plain.transition(number)
        assert batch.action[i] == action
        assert (batch.terminated[i], batch.truncated[i]) == (terminated, truncated)
        assert batch.discount[i] == discount
        if not self.goals:
            assert batch.reward[i] == pytest.approx(reward, rel=1e-14)
            assert np.array_equal(batch.obs[i], obs)
            assert np.array_equal(batch.next_obs[i], next_obs)
            return
        assert np.array_equal(batch.obs["achieved_goal"][i], obs["achieved_goal"])
        assert np.array_equal(batch.next_obs["achieved_goal"][i], next_obs["achieved_goal"])
        goal = batch.obs["desired_goal"][i]
        if not batch.relabelled[i]:
            assert np.array_equal(goal, obs["desired_goal"])
            assert np.array_equal(batch.next_obs["desired_goal"][i], next_obs["desired_goal"])
            assert batch.reward[i] == reward
            return
        assert np.array_equal(batch.next_obs["desired_goal"][i], goal)
        assert goal.tolist() in [step.next_obs["achieved_goal"].tolist() for step in self.goals_for(number)]
        assert batch.reward[i] == reward_of(next_obs["achieved_goal"], goal, {})

    def goals_for(self, number: int) -> list[Any]:
        assert self.hindsight is not None
        ahead = self.plain.run(number)
        if self.hindsight.strategy == "future":
            return ahead
        if self.hindsight.strategy == "final":
            return ahead[-1:]
        env, at = self.plain.held()[number]
        own = self.plain.steps[env]
        while at > 0 and not own[at - 1].last:
            at -= 1
        return self.plain.run(own[at].number)

    @precondition(lambda self: len(self.buffer) > 0)
    @rule(length=st.integers(1, 5))
    def slices(self, length: int) -> None:
        self.compare(self.buffer.sample_slices(1, length), length)

    @precondition(lambda self: self.buffer.num_episodes > 0)
    @rule()
    def episodes(self) -> None:
        drawn = self.buffer.sample_episodes(1)
        self.compare(drawn, len(drawn.mask))
        assert drawn.mask.all()
        assert int(drawn.indices[0]) in [steps[0].number for steps in self.plain.whole()]

    def compare(self, drawn: Sequences, length: int) -> None:
        steps = self.plain.run(int(drawn.indices[0]))[:length]
        assert drawn.mask[:, 0].tolist() == [t < len(steps) for t in range(length)]
        assert drawn.reward[:, 0].tolist() == [step.reward for step in steps] + [0.0] * (length - len(steps))
        assert drawn.terminated[: len(steps), 0].tolist() == [step.terminated for step in steps]
        assert drawn.truncated[: len(steps), 0].tolist() == [step.truncated for step in steps]
        parts = drawn.obs if self.goals else {"": drawn.obs}
        for key, part in parts.items():
            lived = [step.obs for step in steps] + [steps[-1].next_obs]
            for t, one in enumerate(lived):
                assert np.array_equal(part[t, 0], one[key] if self.goals else one)
            assert not part[len(lived) :].any()

    @invariant()
    def counts_agree(self) -> None:
        if hasattr(self, "buffer"):
            assert len(self.buffer) == len(self.plain.held())
            assert self.buffer.num_episodes == len(self.plain.whole())

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            del self.buffer
            self.folder.cleanup()


TestAgainstPlainLists = pytest.mark.buffer_model(AgainstPlainLists.TestCase)
# Shrinking such runs takes minutes; what failed is printed all the same.
TestAgainstPlainLists.settings = settings(max_examples=40, stateful_step_count=40, phases=[Phase.generate])
