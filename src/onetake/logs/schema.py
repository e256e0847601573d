"""The decision log: two tables joined by ``decision_id``, and what must be said about them once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import polars as pl

from onetake.errors import SchemaError
from onetake.types import PropensityKind

SCHEMA_VERSION = 1

Assignment = Literal["randomised", "logged_propensities", "instrument", "observational"]
ASSIGNMENTS: tuple[str, ...] = get_args(Assignment)
PROPENSITY_KINDS: tuple[str, ...] = get_args(PropensityKind)

TIME = pl.Datetime("us", "UTC")

# Ids may be numbers or text; everything else has one type.
IDS = (pl.Int64(), pl.String())

DECISIONS: dict[str, tuple[pl.DataType, ...]] = {
    "decision_id": (pl.Int64(),),
    "entity_id": IDS,
    "decision_time": (TIME,),
    "step": (pl.Int64(),),
    "available_actions": (pl.List(pl.Int64()),),
    "slot": (pl.Int64(),),
    "action": (pl.Int64(),),
    "propensity": (pl.Float64(),),
    "propensity_kind": (pl.String(),),
    "episode_id": IDS,
    "policy_id": (pl.String(),),
    "agent_hash": (pl.String(),),
}
OUTCOMES: dict[str, tuple[pl.DataType, ...]] = {
    "decision_id": (pl.Int64(),),
    "outcome_time": (TIME,),
    "reward": (pl.Float64(),),
    "success": (pl.Int64(),),
    "terminated": (pl.Boolean(),),
    "truncated": (pl.Boolean(),),
}
NULLABLE = {"available_actions", "slot", "propensity", "episode_id", "agent_hash", "success"}


@dataclass(frozen=True)
class ContextColumn:
    """A column that was known before the decision.

    Attributes:
        name: its name in the decisions table.
        kind: ``number`` and ``category`` are features; ``group`` (a village, a shop) is kept for strata and segments.
        levels: the categories that are known, sorted; empty for numbers.
        missing: what features do with nulls: ``refuse`` them, or ``indicate`` them by a column of their own.
    """

    name: str
    kind: Literal["number", "category", "group"]
    levels: tuple[str, ...] = ()
    missing: Literal["refuse", "indicate"] = "refuse"


@dataclass(frozen=True)
class LogMeta:
    """What a log's numbers mean.

    Attributes:
        source: files it came from.
        assignment: how actions came about, as declared by who knows.
        action_labels: name of each action; their number is the size of the action set.
        propensity_kind: how propensities are known (the weakest kind among the rows).
        num_slots: how many places there are (1 where there is one).
        time_zone, period: the calendar that turned times into steps.
        context: the context columns, in the order of the features.
        reward_scale, reward_offset: money for a success and for the action at all, per action, where the reward is
            ``scale[k] * success + offset[k]``; empty where it is not.
        notes: stand-ins, dropped rows and other facts, in words.
        marks: doubts that every estimate from this log must carry.
    """

    source: str
    assignment: Assignment
    action_labels: tuple[str, ...]
    propensity_kind: PropensityKind
    num_slots: int = 1
    time_zone: str = "UTC"
    period: str = "1d"
    context: tuple[ContextColumn, ...] = ()
    reward_scale: tuple[float, ...] = ()
    reward_offset: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()

    @property
    def num_actions(self) -> int:
        """Size of the action set."""
        return len(self.action_labels)

    def to_json(self) -> str:
        """Return the record as one line of JSON, keys sorted."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_mapping(cls, record: Mapping[str, Any]) -> LogMeta:
        """Return the record that ``to_json`` wrote.

        Raises:
            SchemaError: if a field is missing, unknown or unusable.
        """
        fields: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in record.items()
        }
        try:
            context = tuple(
                ContextColumn(**{**column, "levels": tuple(column["levels"])}) for column in fields.pop("context")
            )
            meta = cls(**fields, context=context)
        except (KeyError, TypeError) as error:
            raise SchemaError(f"log meta: got {sorted(record)}; wanted the fields of LogMeta ({error})") from error
        if meta.assignment not in ASSIGNMENTS:
            raise SchemaError(f"log meta: got assignment {meta.assignment!r}; wanted one of {', '.join(ASSIGNMENTS)}")
        return meta


@dataclass(frozen=True)
class DecisionLog:
    """Logged decisions and what came of them.

    ``decisions`` has a row per decision in order of time, with the columns of `DECISIONS` and the context columns of
    ``meta``; ``outcomes`` has at most one row per decision, with the columns of `OUTCOMES`. Actions and slots are
    indices from 0. Rewards are money or clicks per decision, as the source has them.
    """

    decisions: pl.DataFrame
    outcomes: pl.DataFrame
    meta: LogMeta

    def __len__(self) -> int:
        return self.decisions.height

    def joined(self) -> pl.DataFrame:
        """Return the decisions that have an outcome, each with it, in the order of the decisions."""
        return self.decisions.join(self.outcomes, on="decision_id", how="inner", maintain_order="left")

    def keep(self, rows: pl.Series) -> DecisionLog:
        """Return the decisions where ``rows`` ``(n,)`` holds, with their outcomes; the rest of the log as it is."""
        decisions = self.decisions.filter(rows)
        outcomes = self.outcomes.join(decisions.select("decision_id"), on="decision_id", how="semi")
        return DecisionLog(decisions, outcomes, self.meta)
