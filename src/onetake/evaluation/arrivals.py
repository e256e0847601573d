"""What agents learn from where outcomes are late: decisions are kept until what came of them arrives."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from onetake.types import Arrivals, Transitions


@dataclass
class Kept:
    """Decisions of the last ``longest + 1`` steps.

    Attributes:
        longest: most steps from a decision to the arrival of its outcome.

    >>> obs, ends = np.zeros((2, 1), np.float32), np.zeros(2, bool)
    >>> kept = Kept(longest=3)
    >>> kept.keep(Transitions(0, obs, np.array([1, 0]), np.zeros(2), obs, ends, ends))
    >>> late = kept.outcomes(Arrivals(np.array([1]), np.array([0]), np.array([5.0])))
    >>> late.action.tolist(), late.reward.tolist(), late.rows.tolist()
    ([0], [5.0], [1])
    """

    longest: int
    _made: dict[int, Transitions] = field(init=False, default_factory=dict)

    def keep(self, made: Transitions) -> None:
        """Keep the decisions of a step, of all environments; its rewards and ends are not those of the decisions."""
        step = int(np.asarray(made.decision_step))
        self._made[step] = made
        self._made.pop(step - self.longest - 1, None)

    def outcomes(self, arrived: Arrivals) -> Transitions:
        """Return what arrived, decision by decision, oldest first, as an agent may learn it."""
        order = np.argsort(arrived.decision_step, kind="stable")
        rows, steps = arrived.rows[order], arrived.decision_step[order]
        first = np.flatnonzero(np.diff(steps, prepend=-1))
        made = [self._made[int(step)] for step in steps[first]]
        parts = np.split(rows, first[1:])
        if not made:
            made, parts = [next(iter(self._made.values()))], [rows]
        return Transitions(
            steps,
            np.concatenate([of.obs[part] for of, part in zip(made, parts, strict=True)]),
            np.concatenate([of.action[part] for of, part in zip(made, parts, strict=True)]),
            arrived.reward[order],
            np.concatenate([of.next_obs[part] for of, part in zip(made, parts, strict=True)]),
            np.concatenate([of.terminated[part] for of, part in zip(made, parts, strict=True)]),
            np.concatenate([of.truncated[part] for of, part in zip(made, parts, strict=True)]),
            rows=rows,
        )
