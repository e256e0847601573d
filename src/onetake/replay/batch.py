"""What buffers give: named tuples of arrays, which JAX takes as trees without registration."""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray

from onetake.types import Bool, Float32, Int64

Array = NDArray[Any]
#: One array, or one a key where observations are dicts.
Obs = Array | dict[str, Array]


class Batch(NamedTuple):
    """Drawn transitions; axis 0 is the batch ``n`` everywhere, and no array is shared with the buffer.

    With ``n_step = 1`` and plain observations the target of a value function is
    ``reward + discount * value(next_obs)``, whatever ended the episode: after a termination ``discount`` is 0, after a
    truncation it is not.

    Attributes:
        obs: what was seen ``(n, …)``.
        action: what was done ``(n, …)``.
        reward: discounted rewards of the steps that the transition spans ``(n,)``.
        next_obs: what was seen behind the last of these steps ``(n, …)``: after an end, the final observation.
        terminated: whether the last of them terminated its episode ``(n,)``.
        truncated: whether the last of them truncated its episode ``(n,)``.
        discount: what the value of ``next_obs`` is multiplied with ``(n,)``: ``discount ** steps``, 0 if terminated.
        weight: importance weights, at most 1 ``(n,)``; ones where nothing is prioritized.
        indices: number of each transition in the order of adding, for `ReplayBuffer.update_priorities` ``(n,)``;
            ``-1 - number`` for demonstrations.
        relabelled: whether hindsight gave the transition another goal ``(n,)``.
        demonstration: whether the transition was demonstrated ``(n,)``.
    """

    obs: Any
    action: Array
    reward: Array
    next_obs: Any
    terminated: Bool
    truncated: Bool
    discount: Array
    weight: Float32
    indices: Int64
    relabelled: Bool
    demonstration: Bool


class Sequences(NamedTuple):
    """Runs of steps side by side, time ``T`` before batch ``n``; what lies behind the end of a run is 0.

    Attributes:
        obs: what was seen ``(T + 1, n, …)``: the next observation of step t is row ``t + 1``.
        action: what was done ``(T, n, …)``.
        reward: rewards ``(T, n)``.
        terminated: whether a step terminated its episode ``(T, n)``.
        truncated: whether a step truncated its episode ``(T, n)``.
        mask: whether there is a step ``(T, n)``.
        indices: number of the first transition of each run ``(n,)``.
    """

    obs: Any
    action: Array
    reward: Array
    terminated: Bool
    truncated: Bool
    mask: Bool
    indices: Int64
