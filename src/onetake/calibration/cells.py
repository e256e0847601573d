"""A log of yes-or-no outcomes as arrays, and the table of counts that rate models are fitted to."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from onetake.errors import CalibrationError
from onetake.logs.schema import ASSIGNMENTS
from onetake.types import Float64, Int64


@dataclass(frozen=True)
class Cells:
    """Counts per segment and arm.

    Attributes:
        trials: decisions ``(v, k)``. successes: how many of them succeeded ``(v, k)``.

    >>> cells = Cells(np.array([[4.0, 2.0]]), np.array([[1.0, 2.0]]))
    >>> cells.pooled_rate
    0.5
    """

    trials: Float64
    successes: Float64

    @property
    def num_segments(self) -> int:
        """Number of segments ``v``."""
        return int(self.trials.shape[0])

    @property
    def num_actions(self) -> int:
        """Number of arms ``k``."""
        return int(self.trials.shape[1])

    @property
    def pooled_rate(self) -> float:
        """Share of successes over everything."""
        return float(self.successes.sum() / self.trials.sum())

    def without(self, held: Cells) -> Cells:
        """What is left when ``held`` is taken away."""
        return Cells(self.trials - held.trials, self.successes - held.successes)


@dataclass(frozen=True)
class BinaryLog:
    """Logged decisions whose outcome is yes or no: ``reward = scale[action] * success + offset[action]``.

    Rows stand in the order in which they were decided. Segments are groups that share circumstances (villages, shops).

    Attributes:
        name: of the log. action: arm of each row ``(n,)``. success: outcome ``(n,)``. segment: of each row ``(n,)``.
        scale: money for a success ``(k,)``. offset: money for playing the arm at all ``(k,)``.
        assignment: how actions came about; an empty text where nobody said.
        action_labels: name of each arm ``(k,)``. segment_labels: name of each segment ``(v,)``.

    Raises:
        CalibrationError: no declared assignment, unequal lengths, values that are not whole numbers or not 0 or 1.
    """

    name: str
    action: Int64
    success: Float64
    segment: Int64
    scale: Float64
    offset: Float64
    assignment: str
    action_labels: tuple[str, ...]
    segment_labels: tuple[str, ...] = field(default=("all",))

    def __post_init__(self) -> None:
        """Refuse what no fit could mean."""
        if self.assignment not in ASSIGNMENTS:
            declared = repr(self.assignment) if self.assignment else "none declared"
            raise CalibrationError(f"{self.name}.assignment: got {declared}; wanted one of {', '.join(ASSIGNMENTS)}")
        rows = len(self.action)
        for what, column in (("success", self.success), ("segment", self.segment)):
            if len(column) != rows:
                raise CalibrationError(
                    f"{self.name}.{what}: got {len(column)} rows; wanted {rows}, one for each action"
                )
        if not np.isin(self.success, (0.0, 1.0)).all():
            odd = self.success[~np.isin(self.success, (0.0, 1.0))][0]
            raise CalibrationError(f"{self.name}.success: got {odd}; wanted 0 or 1")
        for what, column, labels in (
            ("action", self.action, self.action_labels),
            ("segment", self.segment, self.segment_labels),
        ):
            if not np.issubdtype(column.dtype, np.integer) or (
                rows and (column.min() < 0 or column.max() >= len(labels))
            ):
                raise CalibrationError(f"{self.name}.{what}: got {column.dtype} values; wanted 0 to {len(labels) - 1}")
        for what, money in (("scale", self.scale), ("offset", self.offset)):
            if money.shape != (len(self.action_labels),) or not np.isfinite(money).all():
                raise CalibrationError(f"{self.name}.{what}: got {money}; wanted one finite number for each action")

    @property
    def num_actions(self) -> int:
        """Number of arms ``k``."""
        return len(self.action_labels)

    @property
    def num_segments(self) -> int:
        """Number of segments ``v``."""
        return len(self.segment_labels)

    def cells(self, rows: Int64 | None = None) -> Cells:
        """Counts of ``rows``, or of all."""
        pick = slice(None) if rows is None else rows
        index = self.segment[pick] * self.num_actions + self.action[pick]
        size, shape = self.num_segments * self.num_actions, (self.num_segments, self.num_actions)
        trials = np.bincount(index, minlength=size).astype(np.float64)
        successes = np.bincount(index, weights=self.success[pick], minlength=size).astype(np.float64)
        return Cells(trials.reshape(shape), successes.reshape(shape))

    def refuse_unless_fit_for(self, *, min_rows: int) -> None:
        """Refuse a log with too few rows, one action only, or only one kind of outcome.

        Raises:
            CalibrationError: with the reason.
        """
        if len(self.action) < min_rows:
            raise CalibrationError(f"{self.name}: got {len(self.action)} rows; wanted at least {min_rows}")
        played = np.unique(self.action)
        if len(played) < 2:
            raise CalibrationError(
                f"{self.name}.action: got one action only ({self.action_labels[int(played[0])]}); wanted at least two"
            )
        if self.success.min() == self.success.max():
            raise CalibrationError(
                f"{self.name}.success: got {self.success[0]:g} in every row; wanted some of 0 and some of 1"
            )
