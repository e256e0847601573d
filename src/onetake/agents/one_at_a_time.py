"""One decision and one outcome at a time: the verbs of streaming learners, on an agent that was begun for one entity.

An agent learns from one of two forms, and refuses the others by name:

- *decisions*: ``learn_one(context, action, reward, proba)``; the chance of the action may be left out;
- *transitions*: ``learn_one(state, action, reward, next_state)``, or a whole trajectory of such four.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from onetake.errors import ConfigError, ShapeError
from onetake.types import BatchSpec, Float32, Observation, Transitions

if TYPE_CHECKING:
    from onetake.agents.base import AbstractAgent

_FORMS = {
    "decisions": "learn_one(context, action, reward, proba)",
    "transitions": "learn_one(state, action, reward, next_state) or learn_one(trajectory)",
}
_PARTS = 4


def one_entity(
    num_actions: int,
    context: Sequence[str] = (),
    reward_bounds: tuple[float, float] = (0.0, 1.0),
    *,
    horizon: int | None = None,
    **more: Any,
) -> BatchSpec:
    """The batch of a single entity, for an agent that is asked one decision at a time.

    >>> one_entity(3, ["age"]).num_envs
    1
    """
    ids, (low, high) = np.zeros(1, dtype=np.uint32), reward_bounds
    bounds = (np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64))
    return BatchSpec("onetake/One-v0", ids, ids.copy(), num_actions, tuple(context), horizon, *bounds, **more)


def row(agent: AbstractAgent, name: str, values: Any) -> Float32:
    """A context as the batch of one ``(1, d)``; a mapping is read by the names of the spec, None is no context.

    Raises:
        ShapeError: for an agent of many entities, or a context of another width.
    """
    spec = agent.spec
    if spec.num_envs != 1:
        raise ShapeError(f"{name}: got an agent of {spec.num_envs} entities; wanted one that was begun for one entity")
    names = spec.observation_names
    if isinstance(values, dict):
        missing = [each for each in names if each not in values]
        if missing:
            raise ShapeError(f"{name}: got {', '.join(map(str, values)) or 'nothing'}; wanted {', '.join(missing)} too")
        values = [values[each] for each in names]
    given = np.asarray([] if values is None else values, dtype=np.float32).reshape(1, -1)
    if given.shape[1] != len(names):
        raise ShapeError(f"{name}: got {given.shape[1]} numbers; wanted {len(names)} as at begin")
    return given


def predict_one(agent: AbstractAgent, context: Any, step: int, mask: Sequence[bool] | None, explore: bool) -> Any:
    """The action of one decision: an arm as a whole number, or a point as an array."""
    seen = Observation(row(agent, "context", context), step, mask=_mask(mask))
    action = agent.act(seen, explore=explore).action[0]
    return int(action) if agent.spec.num_actions else action


def predict_proba_one(agent: AbstractAgent, context: Any, step: int, mask: Sequence[bool] | None) -> dict[Any, float]:
    """Chances of one decision by the label of the action, or by its number where actions have no labels."""
    seen = Observation(row(agent, "context", context), step, mask=_mask(mask))
    chances = agent.action_probabilities(seen)[0].tolist()
    labels: Sequence[Any] = agent.spec.action_labels or range(len(chances))
    return dict(zip(labels, chances, strict=True))


def learn_one(agent: AbstractAgent, step: int, given: tuple[Any, ...], named: dict[str, Any]) -> None:
    """Take in one outcome, or a trajectory of them, in the form that fits the agent.

    Raises:
        ConfigError: another form, which is named with the one that fits.
    """
    form = agent.learns_from
    if len(given) == 1 and not named:
        if form != "transitions":
            raise _refused(agent, "a trajectory")
        for i, part in enumerate(given[0]):
            learn_one(agent, step + i, tuple(part), {})
        return
    last = {"decisions": "proba", "transitions": "next_state"}[form]
    first = {"decisions": "context", "transitions": "state"}[form]
    names = (first, "action", "reward", last)
    odd = [name for name in named if name not in names]
    if odd or len(given) > _PARTS:
        raise _refused(agent, ", ".join(odd) or f"{len(given)} values")
    parts = dict(zip(names, given, strict=False)) | named
    missing = [name for name in names if name not in parts and name != "proba"]
    if missing:
        raise _refused(agent, f"no {' and no '.join(missing)}")
    agent.learn(_transitions(agent, step, parts, first))


def _transitions(agent: AbstractAgent, step: int, parts: dict[str, Any], first: str) -> Transitions:
    obs = row(agent, first, parts[first])
    after = row(agent, "next_state", parts["next_state"]) if "next_state" in parts else obs
    points = agent.spec.num_actions == 0
    action = np.asarray(parts["action"], dtype=np.float32 if points else None).reshape((1, -1) if points else (1,))
    proba = parts.get("proba")
    never = np.zeros(1, dtype=np.bool_)
    return Transitions(
        decision_step=step,
        obs=obs,
        action=action,
        reward=np.asarray([parts["reward"]], dtype=np.float64),
        next_obs=after,
        terminated=never,
        truncated=never.copy(),
        propensity=None if proba is None else np.asarray([proba], dtype=np.float64),
    )


def _mask(mask: Sequence[bool] | None) -> Any:
    return None if mask is None else np.asarray(mask, dtype=np.bool_)[None]


def _refused(agent: AbstractAgent, got: str) -> ConfigError:
    return ConfigError(f"learn_one: got {got}; {type(agent).__name__} wanted {_FORMS[agent.learns_from]}")
