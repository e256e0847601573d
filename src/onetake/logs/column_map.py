"""The column map: what conf says about a user's table so that it can become a decision log."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, cast, get_type_hints
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from onetake.errors import ConfigError
from onetake.logs.declared import coerced, declared
from onetake.logs.schema import ASSIGNMENTS, Assignment

# Refused by the record below, in better words than Python's own for a missing argument.
_UNDECLARED = cast("Assignment", "")

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class ActionMap:
    """How a column names the action; exactly one of ``cut``, ``values`` and ``count``.

    Attributes:
        column: the column.
        cut: upper ends of bins of a number, ascending; the first bin is everything up to its end.
        values: the values, one per action.
        count: how many actions there are, where they are numbered from ``first``.
        labels: names of the actions; the values or bins where empty.
    """

    column: str
    cut: tuple[float, ...] = ()
    values: tuple[Any, ...] = ()
    count: int | None = None
    first: int = 0
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if sum((bool(self.cut), bool(self.values), self.count is not None)) != 1:
            raise ConfigError("action: got none or several of cut, values, count; wanted exactly one")
        if any(low >= high for low, high in zip(self.cut, self.cut[1:], strict=False)):
            raise ConfigError(f"action.cut: got {list(self.cut)}; wanted ascending numbers")
        if not all(isinstance(value, str | int | float) for value in self.values):
            raise ConfigError(f"action.values: got {list(self.values)}; wanted texts, numbers, true or false")
        if len(set(self.values)) != len(self.values):
            raise ConfigError(f"action.values: got {list(self.values)}; wanted each value once")
        if self.count is not None and self.count < 1:
            raise ConfigError(f"action.count: got {self.count}; wanted at least 1")
        if self.labels and len(self.labels) != self.size:
            raise ConfigError(f"action.labels: got {len(self.labels)} labels; wanted {self.size}")

    @property
    def size(self) -> int:
        """Number of actions."""
        return self.count if self.count is not None else len(self.cut) + len(self.values)

    @property
    def names(self) -> tuple[str, ...]:
        """Label of each action."""
        if self.labels:
            return self.labels
        if self.count is not None:
            return tuple(str(self.first + i) for i in range(self.count))
        return tuple(str(value) for value in self.values) or tuple(f"≤ {end:g}" for end in self.cut)


@dataclass(frozen=True)
class SlotMap:
    """The place in which the action was shown: a column of numbers ``first … first + count − 1``."""

    column: str
    count: int
    first: int = 0

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ConfigError(f"slot.count: got {self.count}; wanted at least 1")


@dataclass(frozen=True)
class RewardMap:
    """The reward: a column of money, or ``(value − paid) · success − cost[action]``.

    Attributes:
        column: a column that is the reward already.
        success: a column of 0 and 1.
        value: money for a success.
        paid: a column of money that is paid out on a success only, such as a voucher.
        costs: money for playing each action, success or not; none where empty.
    """

    column: str | None = None
    success: str | None = None
    value: float = 1.0
    paid: str | None = None
    costs: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if (self.column is None) == (self.success is None):
            raise ConfigError("reward: got none or both of column and success; wanted exactly one")
        if self.column is not None and self.paid is not None:
            raise ConfigError("reward.paid: got a column beside reward.column; wanted it beside reward.success")


@dataclass(frozen=True)
class PropensityMap:
    """How propensities are known.

    Attributes:
        method: ``column`` where they were logged, ``counts`` to estimate them, ``none`` to do without.
        column: the logged ones.
        smoothing: pseudo-count of every action in an estimate from counts.
        folds: estimates for a row come from the other folds; 1 takes the same rows.
        strata: context columns within which actions were assigned; one stratum where empty.
    """

    method: Literal["column", "counts", "none"] = "counts"
    column: str | None = None
    smoothing: float = 1.0
    folds: int = 5
    strata: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.method == "column") != (self.column is not None):
            raise ConfigError(f"propensity.column: got {self.column!r}; wanted a column exactly where method is column")
        if not 0 < self.smoothing < math.inf:
            raise ConfigError(f"propensity.smoothing: got {self.smoothing}; wanted a finite number above 0")
        if self.folds < 1:
            raise ConfigError(f"propensity.folds: got {self.folds}; wanted at least 1")


@dataclass(frozen=True)
class ContextMap:
    """What was known before the decision: name in the log → column of the table, by kind.

    ``number`` and ``category`` become features; ``group`` columns are kept as text for strata and segments.
    ``missing: indicate`` lets nulls in and gives them a feature of their own.
    """

    number: dict[str, str] = field(default_factory=dict)
    category: dict[str, str] = field(default_factory=dict)
    group: dict[str, str] = field(default_factory=dict)
    missing: Literal["refuse", "indicate"] = "refuse"

    def __post_init__(self) -> None:
        names = [*self.number, *self.category, *self.group]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigError(
                f"context: got {', '.join(twice)} twice; wanted each name in one of number, category, group"
            )


@dataclass(frozen=True)
class CalendarMap:
    """How times become steps.

    Attributes:
        time: column of decision times; without one all decisions stand at ``start``, which is noted as a stand-in.
        outcome: column of outcome times; without one an outcome is there with its decision.
        start: first moment of step 0, ISO 8601 in ``zone``; where empty, the period that holds the first decision.
        zone: IANA time zone: of times that carry none, and of the borders between periods.
        period: length of a step, such as ``15m``, ``1h``, ``1d``, ``1w``.
    """

    time: str | None = None
    outcome: str | None = None
    start: str | None = None
    zone: str = "UTC"
    period: str = "1d"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[1-9]\d*[mhdw]", self.period):
            raise ConfigError(
                f"calendar.period: got {self.period!r}; wanted a number and one of m, h, d, w, such as 1d"
            )
        try:
            timedelta(**self.period_arguments)
        except OverflowError as error:
            raise ConfigError(f"calendar.period: got {self.period!r}; wanted a length below 10**9 days") from error
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ConfigError(f"calendar.zone: got {self.zone!r}; wanted an IANA time zone") from error
        if self.time is None and self.start is None:
            raise ConfigError("calendar.start: got nothing; wanted a stand-in date, as there is no column of times")
        if self.start is not None:
            try:
                datetime.fromisoformat(self.start)
            except ValueError as error:
                raise ConfigError(f"calendar.start: got {self.start!r}; wanted an ISO 8601 date or time") from error

    @property
    def period_arguments(self) -> dict[str, int]:
        """The period as arguments of ``timedelta``."""
        return {_UNITS[self.period[-1]]: int(self.period[:-1])}


@dataclass(frozen=True)
class IdMap:
    """Columns that say who and by whom; the stand-ins are the row number, none, and ``policy`` itself.

    Attributes:
        entity: column of the product, person or visitor decided for.
        episode: column of the episode in sequential logs, whose rows stand together and in order.
        ended: column of true and false that says where an episode came to its own end; one whose last decision is not
            marked was cut. Without it every episode ends at its last decision.
        policy: name of the policy that decided.
    """

    entity: str | None = None
    episode: str | None = None
    ended: str | None = None
    policy: str = "logging"

    def __post_init__(self) -> None:
        if self.ended is not None and self.episode is None:
            raise ConfigError(f"ids.ended: got {self.ended!r} without ids.episode; wanted both")


@dataclass(frozen=True)
class KeepMap:
    """Which rows count: those with a value in every ``present`` column and the given values in the ``equal`` ones.

    ``rows`` states how many must be left, so that a changed file does not pass unseen.
    """

    present: tuple[str, ...] = ()
    equal: dict[str, Any] = field(default_factory=dict)
    rows: int | None = None


@dataclass(frozen=True, kw_only=True)
class ColumnMap:
    """A table's way to a decision log.

    ``assignment`` has no default: only who knows how actions came about can say whether the log carries causal
    statements. ``adaptive`` marks a policy that learned while it logged, ``interference`` decisions that touch each
    other's outcomes; both are shown with every estimate.

    >>> entry = {"action": {"column": "arm", "count": 2}, "reward": {"success": "came"}, "calendar": {"time": "at"}}
    >>> ColumnMap.from_mapping({"assignment": "randomised", **entry}).action.names
    ('0', '1')
    >>> ColumnMap.from_mapping(entry)
    Traceback (most recent call last):
    onetake.errors.ConfigError: assignment: got nothing; wanted randomised, logged_propensities, instrument or ...
    """

    assignment: Assignment = _UNDECLARED
    action: ActionMap
    reward: RewardMap
    calendar: CalendarMap
    propensity: PropensityMap = PropensityMap()
    context: ContextMap = field(default_factory=ContextMap)
    slot: SlotMap | None = None
    ids: IdMap = IdMap()
    keep: KeepMap = field(default_factory=KeepMap)
    adaptive: bool = False
    interference: bool = False

    def __post_init__(self) -> None:
        if self.assignment not in ASSIGNMENTS:
            wanted = f"{', '.join(ASSIGNMENTS[:-1])} or {ASSIGNMENTS[-1]}"
            raise ConfigError(f"assignment: got {str(self.assignment) or 'nothing'}; wanted {wanted}")
        for name, kind in get_type_hints(ColumnMap).items():
            object.__setattr__(self, name, coerced(kind, getattr(self, name), name))
        if self.assignment == "logged_propensities" and self.propensity.method != "column":
            raise ConfigError("propensity.method: got no column; wanted one, as assignment is logged_propensities")
        if self.reward.costs and len(self.reward.costs) != self.action.size:
            raise ConfigError(f"reward.costs: got {len(self.reward.costs)} numbers; wanted {self.action.size}")

    @classmethod
    def from_mapping(cls, entry: object, path: str = "column map") -> ColumnMap:
        """Return the map that a conf entry declares.

        Raises:
            ConfigError: naming the path of what is missing, unknown or ill-typed; also where no assignment is declared.
        """
        return declared(cls, entry, path)
