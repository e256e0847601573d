"""Single outcomes as agents need them that learn from each: checked, with their place and their reward."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onetake.errors import ShapeError
from onetake.types import BatchSpec, Float64, Int64, Transitions

#: How far a reward may lie beside its bounds, as a part of their distance.
_SLACK = 1e-6


@dataclass(frozen=True)
class Outcomes:
    """Outcomes of earlier decisions, row for row.

    Attributes:
        row: environments ``(m,)``. action: what was played ``(m,)``. reward: as it came ``(m,)``.
        step: the step that was decided ``(m,)``.
    """

    row: Int64
    action: Int64
    reward: Float64
    step: Int64

    @classmethod
    def of(cls, spec: BatchSpec, transitions: Transitions) -> Outcomes:
        """Check what came.

        Raises:
            ShapeError: an action that is none, or a reward that is not finite.
        """
        action = np.ascontiguousarray(transitions.action, dtype=np.int64)
        row = np.arange(len(action)) if transitions.rows is None else transitions.rows
        bad = (action < 0) | (action >= spec.num_actions)
        if bad.any():
            place = int(bad.argmax())
            raise ShapeError(f"action: got {action[place]} in row {place}; wanted 0 to {spec.num_actions - 1}")
        if not np.isfinite(transitions.reward).all():
            place = int(np.argmin(np.isfinite(transitions.reward)))
            raise ShapeError(f"reward: got {transitions.reward[place]} in row {place}; wanted a finite number")
        step = np.broadcast_to(np.asarray(transitions.decision_step, dtype=np.int64), action.shape)
        return cls(row, action, transitions.reward, step)

    def scaled(self, spec: BatchSpec) -> Float64:
        """Rewards scaled to [0, 1] by the bounds of the batch ``(m,)``.

        Raises:
            ShapeError: a reward beyond them.
        """
        low, high = (
            np.broadcast_to(bound, (spec.num_envs,))[self.row] for bound in (spec.reward_low, spec.reward_high)
        )
        value = (self.reward - low) / (high - low)
        bad = (value < -_SLACK) | (value > 1.0 + _SLACK)
        if bad.any():
            place = int(bad.argmax())
            wanted = f"{low[place]:g} to {high[place]:g}"
            raise ShapeError(f"reward: got {self.reward[place]} in row {place}; wanted {wanted}")
        return np.asarray(np.clip(value, 0.0, 1.0))


def bounds_reason(spec: BatchSpec) -> str | None:
    """Why rewards cannot be scaled to [0, 1], or None if they can."""
    low, high = np.asarray(spec.reward_low), np.asarray(spec.reward_high)
    if np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all():
        return None
    return f"reward bounds: got [{low.min():g}, {high.max():g}]; wanted finite ones, low below high"
