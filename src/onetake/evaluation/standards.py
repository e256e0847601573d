"""What regret and scores are counted against where an action changes what comes later.

There the best arm of each step is no yardstick, and what an arm would have earned in a state that another arm led to
says nothing of that arm. So the family tells what whole episodes are worth from their start; what it does not know of
random play and of arms played throughout is played out here on forks, with the same luck.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from onetake.budget import top
from onetake.draws import Draws, total
from onetake.evaluation.regret import Standards
from onetake.types import Bool, Float64, Int64

if TYPE_CHECKING:
    from onetake.envs.suite import AnyVectorEnv, EnvironmentEntry

    Wish = Callable[[int], Int64]
    Policy = Callable[[AnyVectorEnv, int], Int64]


def standards(env: AnyVectorEnv, seed: int) -> Standards | None:
    """Return the values of whole episodes of a batch that was just reset; None where best-now is the yardstick.

    Args:
        env: just reset; its state does not change.
        seed: of the draws of random play, where the family does not know its value.
    """
    ask = getattr(env, "start_values", None)
    values = None if ask is None else ask()
    if values is None:
        return None
    spec = env.batch_spec
    replicates, num_actions = len(spec.replicate_ids), spec.num_actions
    random = values.get("random")
    if random is None:
        random = _played_out(env, _within(env, seed, _evenly(env, seed)))
    arms = values.get("arms")
    if arms is None:
        played = [_played_out(env, _within(env, seed, _always(env, k))) for k in range(num_actions)]
        arms = np.stack(played, axis=1)
    return Standards(
        best=per_replicate(values["best"], replicates),
        random=per_replicate(random, replicates),
        arms=np.stack([per_replicate(np.ascontiguousarray(arm), replicates) for arm in arms.T], axis=1),
        best_fixed_per_entity=per_replicate(arms.max(axis=1), replicates),
    )


def without_budget(entry: EnvironmentEntry, seed: int, first: int, count: int) -> Float64 | None:
    """Return what the best policy would be worth ``(R,)`` were nobody's budget hard; None where there is none.

    Args:
        entry: the environment.
        seed: of the batch that is played.
        first: number of its first replicate.
        count: of its replicates.
    """
    if entry.config.get("budget") is None or entry.config.get("soft_budget"):
        return None
    free = replace(entry, config={**entry.config, "budget": None}).make(seed, first_replicate=first, replicates=count)
    free.reset(seed=seed)
    ask = getattr(free, "start_values", None)
    values = None if ask is None else ask()
    return None if values is None else per_replicate(values["best"], count)


def yardstick_kind(env: AnyVectorEnv) -> str:
    """The word for a table: ``exact``, ``bound`` (no more is proved than that nothing exceeds it), or ``unknown``."""
    kind: str = getattr(env, "yardstick_kind", "best_now")
    return "exact" if kind == "best_now" else kind


def is_known(env: AnyVectorEnv) -> bool:
    """Whether anything is known of what actions would have earned; if not, only the reward that was paid is told."""
    return yardstick_kind(env) != "unknown"


def nothing_known(replicates: int, num_actions: int) -> dict[str, Float64]:
    """Return the account of a step of which nothing is known: NaN throughout."""
    sums = {name: np.full(replicates, np.nan) for name in ("oracle", "played", "greedy", "random")}
    return sums | {"arms": np.full((replicates, num_actions), np.nan)}


def allowed_arms(env: AnyVectorEnv) -> Bool | None:
    """Arms that are allowed at the coming step ``(n, k)``, or None where all are, as far as the batch says."""
    ask = getattr(env, "action_mask", None)
    return None if ask is None else ask()


def per_replicate(values: Float64, replicates: int) -> Float64:
    """Sums over the entities of each replicate ``(R,)`` of one number per environment ``(R x E,)``, in fixed order."""
    table = values.reshape(replicates, -1)
    if table.shape[1] == 1:
        return table[:, 0].astype(np.float64)
    return np.array([total(row) for row in table])


def _played_out(env: AnyVectorEnv, policy: Policy) -> Float64:
    """Expected rewards of what a policy does ``(n,)``, summed along one episode of a fork."""
    twin = env.fork()
    earned, row, step = np.zeros(env.num_envs), np.arange(env.num_envs), 0
    while True:
        action = policy(twin, step)
        earned += twin.expected_reward()[row, action]
        _, _, terminated, truncated, _ = twin.step(action)
        step += 1
        if (terminated | truncated).all():
            return earned


def _always(env: AnyVectorEnv, arm: int) -> Wish:
    return lambda step: np.full(env.num_envs, arm)


def _evenly(env: AnyVectorEnv, seed: int) -> Wish:
    draws, count = _luck(env, seed), env.batch_spec.num_actions
    return lambda step: np.asarray(draws.uniform(step) * count, dtype=np.int64)


def _within(env: AnyVectorEnv, seed: int, wish: Wish) -> Policy:
    """What is left of wishes where arms are barred, or where a budget is drawn evenly among those who wish."""
    spec, draws = env.batch_spec, _luck(env, seed)
    table = (len(spec.replicate_ids), len(spec.entity_ids))

    def policy(now: AnyVectorEnv, step: int) -> Int64:
        action, mask = wish(step), allowed_arms(now)
        if mask is not None:
            action = np.where(mask[np.arange(len(action)), action], action, 0)
        if spec.budget is not None:
            luck = draws.uniform(step, slot=1).reshape(table)
            action = np.where(top(luck, (action > 0).reshape(table), spec.budget).ravel(), action, 0)
        return action

    return policy


def _luck(env: AnyVectorEnv, seed: int) -> Draws:
    spec = env.batch_spec
    return Draws(
        seed,
        first_entity=int(spec.entity_ids[0]),
        entities=len(spec.entity_ids),
        first_replicate=int(spec.replicate_ids[0]),
        replicates=len(spec.replicate_ids),
    )
