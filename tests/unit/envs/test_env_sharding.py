"""Cuts where tables, blocks and ages differ, and what a saved state refuses; what every family keeps is a contract."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onetake.envs import SimVectorEnv
from onetake.errors import CheckpointError

WALK = [{"kind": "random_walk", "step": 0.01}, {"kind": "season", "values": [1, 1.1]}]
FAMILIES = pytest.mark.parametrize("family", ["bandit", "cohort"])


def history(env: SimVectorEnv, steps: int = 4, seed: int | None = 5) -> list[bytes]:
    """Everything that a batch gives, as bytes."""
    out = [env.reset(seed=seed)[0].tobytes()] if seed is not None else []
    entity = env.batch_spec.entity_ids
    for t in range(steps):
        action = np.tile((entity + t) % 2, env.num_envs // len(entity)).astype(np.int64)
        out += [value.tobytes() for value in env.account(action, action).values()]
        out += [array.tobytes() for array in env.step(action)[:4]]
    return out


@pytest.mark.worker_independence
@pytest.mark.parametrize("modifiers", [[], WALK])
@FAMILIES
def test_shards_are_the_whole(family: str, modifiers: list[dict[str, Any]]) -> None:
    """Parts are small enough to have no tables, and cut where no block begins; the whole uses tables from step 2 on."""
    n, cut = 9_000, 5_003
    whole = SimVectorEnv(family, {"modifiers": modifiers}, entities=n, replicates=2)
    parts = [
        SimVectorEnv(family, {"modifiers": modifiers}, entities=size, first_entity=first, first_replicate=replicate)
        for replicate in (0, 1)
        for first, size in ((0, cut), (cut, n - cut))
    ]
    for env in (whole, *parts):
        env.reset(seed=6)
    action = np.arange(2 * n) % 2
    for _ in range(5):
        together = whole.step(action)
        starts = np.cumsum([0, *(part.num_envs for part in parts)])
        apart = [part.step(action[a:b]) for part, a, b in zip(parts, starts[:-1], starts[1:], strict=True)]
        for column in range(4):
            assert (together[column] == np.concatenate([step[column] for step in apart])).all()


@pytest.mark.worker_independence
@FAMILIES
def test_shards_that_are_cut_between_blocks_have_accounts_that_add_up_exactly(family: str) -> None:
    whole = SimVectorEnv(family, entities=4096 + 5)
    parts = [SimVectorEnv(family, entities=2048), SimVectorEnv(family, entities=2048 + 5, first_entity=2048)]
    for env in (whole, *parts):
        env.reset(seed=6)
    action = np.arange(4101) % 2
    sums = [parts[0].account(action[:2048]), parts[1].account(action[2048:])]
    assert whole.account(action)["played"][0] == pytest.approx(sums[0]["played"][0] + sums[1]["played"][0], rel=1e-15)


@pytest.mark.fork_resume
def test_a_state_with_environments_of_different_ages_is_saved_too() -> None:
    env = SimVectorEnv("bandit", {"modifiers": WALK}, entities=5, autoreset_mode="Disabled")
    history(env)
    env.reset(options={"reset_mask": np.array([True, False, True, False, False])})
    state = env.save()
    ahead = history(env, seed=None)
    env.restore(state)
    assert env.elapsed.tolist() == [0, 4, 0, 4, 4]
    assert history(env, seed=None) == ahead


@pytest.mark.fork_resume
def test_changed_or_foreign_states_are_refused_and_change_nothing() -> None:
    env = SimVectorEnv("cohort", entities=3)
    history(env)
    state = env.save()
    changed = bytearray(state)
    changed[40] ^= 1
    other = SimVectorEnv("cohort", {"size": 9}, entities=3)
    other.reset(seed=1)
    for bad in (bytes(changed), state[:-1], b"", b"onetake" * 9, other.save()):
        with pytest.raises(CheckpointError, match="saved state: got"):
            env.restore(bad)
    assert env.save() == state
