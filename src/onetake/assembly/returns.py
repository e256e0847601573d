"""What is still to come of rewards: reward-to-go and generalised advantages, with ends kept apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from onetake.assembly.bookkeeping import Collector
from onetake.assembly.parcel import Declared, Parcel, declared
from onetake.errors import ConfigError, ShapeError
from onetake.types import Float64


def reward_to_go(
    reward: ArrayLike,
    terminated: ArrayLike,
    truncated: ArrayLike,
    *,
    discount: float,
    final_value: ArrayLike = 0.0,
    next_value: ArrayLike | None = None,
) -> Float64:
    """Return discounted rewards from each step to the end of its episode ``(T, ...)``.

        g_t = r_t + discount · g_{t+1},   g_{t+1} = 0 after a termination, v(next obs) after a truncation

    Args:
        reward: ``(T,)``, or ``(T, n)`` for n environments.
        terminated: ends by the environment's own rules, of the same shape.
        truncated: ends by a limit, likewise.
        discount: in [0, 1].
        final_value: value of what follows the last step ``()`` or ``(n,)``, where it did not end there.
        next_value: value of each step's next observation ``(T, ...)``, used where an episode was truncated; 0 if None.

    Raises:
        ShapeError: shapes that do not fit, or NaN. ConfigError: a discount outside [0, 1].

    >>> reward_to_go([1, 1, 1, 1], [0, 1, 0, 0], [0, 0, 0, 0], discount=0.5, final_value=8).tolist()
    [1.5, 1.0, 3.5, 5.0]
    """
    return generalized_advantages(
        reward, 0.0, terminated, truncated, discount=discount, decay=1.0, final_value=final_value, next_value=next_value
    )


def generalized_advantages(
    reward: ArrayLike,
    value: ArrayLike,
    terminated: ArrayLike,
    truncated: ArrayLike,
    *,
    discount: float,
    decay: float,
    final_value: ArrayLike = 0.0,
    next_value: ArrayLike | None = None,
) -> Float64:
    """Return generalised advantages ``(T, ...)``.

        A_t = δ_t + discount · decay · A_{t+1} (0 across any end),   δ_t = r_t + discount · v_{t+1} - v_t

    ``v_{t+1}`` is 0 after a termination and the value of the true next observation after a truncation.

    Args:
        reward: ``(T,)`` or ``(T, n)``.
        value: of each step's observation, of the same shape.
        terminated: ends by the environment's own rules, likewise.
        truncated: ends by a limit, likewise.
        discount: in [0, 1].
        decay: λ in [0, 1]; 1 gives the reward-to-go less the value, 0 gives δ.
        final_value: value of what follows the last step.
        next_value: value of each step's next observation; where None, the next row's value, and 0 at truncations.

    Raises:
        ShapeError: shapes that do not fit, or NaN. ConfigError: a discount or decay outside [0, 1].
    Source: Schulman, Moritz, Levine, Jordan, Abbeel (2016), High-dimensional continuous control using generalized
        advantage estimation, equation 16.

    >>> generalized_advantages([1, 1], [0.5, 0.5], [0, 1], [0, 0], discount=1, decay=1).tolist()
    [1.5, 0.5]
    """
    for name, number in (("discount", discount), ("decay", decay)):
        if not 0 <= number <= 1:
            raise ConfigError(f"{name}: got {number}; wanted a number in [0, 1]")
    rewards = _numbers("reward", reward, None)
    values = _numbers("value", value, rewards.shape)
    stops = _numbers("terminated", terminated, rewards.shape) != 0
    cuts = _numbers("truncated", truncated, rewards.shape) != 0
    last = np.broadcast_to(_numbers("final_value", final_value, rewards.shape[1:]), rewards.shape[1:])
    following = (
        _following(values, cuts, last) if next_value is None else _numbers("next_value", next_value, values.shape)
    )
    delta = rewards + discount * np.where(stops, 0.0, following) - values
    keep = np.where(stops | cuts, 0.0, discount * decay)
    out: Float64 = np.empty_like(delta)
    coming = np.zeros(rewards.shape[1:])
    for t in range(len(delta) - 1, -1, -1):
        coming = delta[t] + keep[t] * coming
        out[t] = coming
    return out


def returns(
    collected: Collector, *, discount: float, decay: float = 1.0, value: str | None = None, name: str = "returns"
) -> Declared:
    """A participant that writes ``reward_to_go`` and, given values, ``advantage`` of all that was collected.

    Args:
        collected: what has taken down ``reward``, ``terminated`` and ``truncated`` (and the key of ``value``).
        discount: in [0, 1].
        decay: λ in [0, 1].
        value: key of the value of each step's observation, or None.
        name: what the participant is called.
    """

    def write(parcel: Parcel) -> None:
        ends = (collected.column("terminated"), collected.column("truncated"))
        reward = collected.column("reward")
        parcel["reward_to_go"] = reward_to_go(reward, *ends, discount=discount)
        if value is not None:
            values = collected.column(value)
            parcel["advantage"] = generalized_advantages(reward, values, *ends, discount=discount, decay=decay)

    return declared(write, writes=["reward_to_go", *(["advantage"] if value else [])], name=name)


def _following(values: Float64, cuts: NDArray[np.bool_], last: Float64) -> Float64:
    shifted: Float64 = np.concatenate([values[1:], last[np.newaxis]])
    # The next row after a truncation is of another episode.
    shifted[:-1][cuts[:-1]] = 0.0
    return shifted


def _numbers(name: str, given: ArrayLike, shape: tuple[int, ...] | None) -> Any:
    array = np.asarray(given, dtype=np.float64)
    if shape is None and array.ndim == 0:
        raise ShapeError(f"{name}: got one number; wanted a row of them along time")
    if shape is not None and array.shape not in (shape, ()):
        raise ShapeError(f"{name}: got shape {array.shape}; wanted {shape}")
    if np.isnan(array).any():
        raise ShapeError(f"{name}: got NaN; wanted numbers")
    return array if shape is None else np.broadcast_to(array, shape)
