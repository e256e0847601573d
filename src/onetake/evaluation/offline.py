"""Agents that learn from a log, and are then frozen: what off-policy evaluation judges."""

from __future__ import annotations

import logging

import numpy as np

from onetake.agents.base import AbstractAgent, FrozenPolicy
from onetake.estimators import TargetPolicy
from onetake.logs import ContextEncoding, DecisionLog, to_arrays
from onetake.types import BatchSpec, CountReward, Float32, Float64, LoggedDecisions, Observation, Transitions

_log = logging.getLogger(__name__)


def spec_of_log(log: DecisionLog, encoding: ContextEncoding) -> BatchSpec:
    """Return what an agent may know of the log: one environment that every logged decision belongs to.

    Rewards that are ``scale[k] * success + offset[k]`` are given as such, so that agents learn chances.
    """
    meta, one = log.meta, np.zeros(1, np.uint32)
    if meta.reward_scale:
        scale, offset = np.array(meta.reward_scale), np.array(meta.reward_offset)
        low, high = np.minimum(offset, offset + scale).min(), np.maximum(offset, offset + scale).max()
        count_reward = CountReward(np.array(1.0), scale, offset)
    else:
        reward = log.outcomes["reward"].to_numpy()
        low, high, count_reward = reward.min(), reward.max(), None
    return BatchSpec(
        env_id="log/decisions-v0",
        entity_ids=one,
        replicate_ids=one,
        num_actions=meta.num_actions,
        observation_names=encoding.names,
        horizon=None,
        reward_low=np.asarray(low, np.float64),
        reward_high=np.asarray(high, np.float64),
        count_reward=count_reward,
        coupling="replicate",
        action_labels=meta.action_labels,
    )


def learn_from_log(
    name: str, agent: AbstractAgent, log: DecisionLog, encoding: ContextEncoding, seed: int
) -> FrozenPolicy | None:
    """Return the policy of ``agent`` after it has learnt from every decision of ``log`` that has an outcome.

    Where the log knows successes, the agent learns from them and the mean amounts of its actions: what it would know
    of a fitted environment. For an agent that cannot decide for such a log there is none; the run log says why.
    """
    spec = spec_of_log(log, encoding)
    reason = agent.supports(spec)
    if reason is not None:
        _log.warning("agent %s does not learn from %s: %s", name, log.meta.source, reason)
        return None
    agent.begin(spec, seed)
    arrays = to_arrays(log, encoding=encoding)
    context, never = _values(arrays), np.zeros(len(arrays.action), np.bool_)
    agent.learn(
        Transitions(
            decision_step=log.joined()["step"].to_numpy(),
            obs=context,
            action=arrays.action,
            reward=_reward(log, arrays),
            next_obs=context,
            terminated=~never,
            truncated=never,
            propensity=None if log.meta.propensity_kind == "none" else arrays.propensity,
            rows=np.zeros(len(arrays.action), np.int64),
        )
    )
    return agent.freeze()


def target_of(name: str, policy: FrozenPolicy, arrays: LoggedDecisions) -> TargetPolicy:
    """Return what a frozen policy would do for each logged decision; equal contexts are asked for once."""
    contexts, place = np.unique(_values(arrays), axis=0, return_inverse=True)
    observation = Observation(contexts, step=len(arrays.action), rows=np.zeros(len(contexts), np.int64))
    return TargetPolicy(name, policy.action_probabilities(observation), place.reshape(-1).astype(np.int64))


def _values(arrays: LoggedDecisions) -> Float32:
    return np.ascontiguousarray(arrays.context, dtype=np.float32)


def _reward(log: DecisionLog, arrays: LoggedDecisions) -> Float64:
    if not log.meta.reward_scale:
        return arrays.reward
    success = log.joined()["success"].to_numpy()
    scale, offset = np.array(log.meta.reward_scale), np.array(log.meta.reward_offset)
    return np.asarray(scale[arrays.action] * success + offset[arrays.action], np.float64)
