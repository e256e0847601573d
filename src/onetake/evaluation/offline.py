"""Agents that learn from a log, and are then frozen: what off-policy evaluation judges."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import numpy as np

from onetake.agents import make
from onetake.agents.base import AbstractAgent, FrozenPolicy
from onetake.build import build
from onetake.errors import ConfigError
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


def learn_from_log(agent: AbstractAgent, log: DecisionLog, encoding: ContextEncoding, seed: int) -> FrozenPolicy:
    """Return the policy of ``agent`` after it has learnt from every decision of ``log`` that has an outcome.

    Where the log knows successes, the agent learns from them and the mean amounts of its actions: what it would know
    of a fitted environment.

    Raises:
        ConfigError: if the agent cannot decide for such a log.
    """
    agent.begin(spec_of_log(log, encoding), seed)
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


def learn_all(
    agents: Mapping[str, Mapping[str, object]], log: DecisionLog, encoding: ContextEncoding, seed: int
) -> dict[str, FrozenPolicy]:
    """Return the frozen policy of each agent of conf after it has learnt from ``log``.

    An agent that cannot decide for such a log is left out, and the run log says why.

    Raises:
        ConfigError, UnknownIdError: if an entry cannot be built.
    """
    policies: dict[str, FrozenPolicy] = {}
    for name, entry in agents.items():
        agent = build(f"agents.{name}", entry, make)
        reason = agent.supports(spec_of_log(log, encoding))
        if reason is None:
            policies[name] = learn_from_log(agent, log, encoding, seed)
        else:
            _log.info("agent %s does not learn from this log: %s", name, reason)
    if not policies:
        raise ConfigError(f"agents: got {', '.join(agents) or 'none'}; wanted at least one that can learn from the log")
    return policies


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
