"""A gate that is asked every night: what of its error each night may use, and what it then says.

One season of ``nights`` shares one ``error``: the chance that any night of it alarms at an agent that loses no more
than the margin stays below it, whether the nights share their luck or not (the parts add up to the error). A night on
which nothing changed, neither the agent's rows nor the incumbent's, is the night before: it says the same and spends
nothing. A promotion begins a new season. Each agent has seasons of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import polars as pl

from onetake.build import nearest
from onetake.errors import ConfigError, SchemaError, UnknownIdError
from onetake.evaluation.gate import Judgement, judge, overall, relative_deviation, strata_of
from onetake.evaluation.incumbent import INCUMBENT
from onetake.evaluation.power import plan
from onetake.evaluation.promotion import Played, mismatch, stored_rows
from onetake.evaluation.spending import Spending, spent

VERSION = 1


@dataclass(frozen=True)
class GateSettings:
    """What a gate is asked.

    Attributes:
        margin: share of the incumbent's reward that may be lost.
        error: chance of a false alarm in a season; of a false pass too.
        nights: of a season.
        spending: how the error is shared among them.

    Raises:
        ConfigError: a setting outside its range.
    """

    margin: float = 0.005
    error: float = 0.05
    nights: int = 30
    spending: Spending = "even"

    def __post_init__(self) -> None:
        if isinstance(self.margin, bool) or not isinstance(self.margin, int | float) or not 0 <= self.margin < 1:
            raise ConfigError(f"gate.margin: got {self.margin!r}; wanted a share in [0, 1)")
        if not isinstance(self.error, float) or not 0 < self.error < 0.5:
            raise ConfigError(f"gate.error: got {self.error!r}; wanted a number between 0 and 0.5")
        if not isinstance(self.nights, int) or isinstance(self.nights, bool) or self.nights < 1:
            raise ConfigError(f"gate.nights: got {self.nights!r}; wanted an integer of at least 1")
        if self.spending not in get_args(Spending):
            raise ConfigError(f"gate.spending: got {self.spending!r}; wanted {', '.join(get_args(Spending))}")

    def error_of(self, night: int) -> float:
        """Error that a night of a season, counted from 1, may use.

        >>> GateSettings(nights=10).error_of(3)
        0.005...
        """
        own = [spent(each / self.nights, self.error, self.spending) for each in (night - 1, night)]
        return own[1] - own[0]


def ask(
    agent: str,
    played: Mapping[str, Played],
    settings: GateSettings,
    *,
    record: Mapping[str, Any] | None = None,
    ledger: Mapping[str, Any] | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Ask the gate about an agent.

    Args:
        agent: its name in the summaries.
        played: by suite.
        settings: margin, error and season.
        record: of a promoted incumbent; without one, each suite's own.
        ledger: of earlier nights, or None where there was none.

    Returns:
        The verdict as plain data, and the ledger with this night in it.

    Raises:
        UnknownIdError: an agent that no suite knows. SchemaError: a ledger of another kind.
    """
    known = sorted({name for each in played.values() for name in each.summary["agent"].to_list()} - {INCUMBENT})
    if agent not in known:
        raise UnknownIdError(f"agent: got '{agent}', which played no suite; nearest: {nearest(agent, known)}")
    asked = {suite: _pair(agent, suite, each, record) for suite, each in played.items()}
    pairs = {suite: pair for suite, pair in asked.items() if pair is not None}
    evidence = _evidence(agent, pairs, settings, record)
    comparable = any(not isinstance(pair, str) for pair in pairs.values())
    night, number, after = _night(ledger, agent, evidence, settings, spends=comparable)
    # Each suite may alarm by itself, so they share the night's error; all must pass, which needs no sharing but keeps
    # one interval for both.
    error = settings.error_of(number) / max(1, len(pairs))
    judged = {suite: _judged(pair, settings.margin, error) for suite, pair in pairs.items()}
    verdict, reason = overall(judged) if judged else ("undecided", f"{agent} could play none of the suites")
    told = {
        "version": VERSION,
        "verdict": verdict,
        "reason": reason,
        "agent": agent,
        "incumbent": "named by the suites" if record is None else record["agent"],
        "margin": settings.margin,
        "night": night,
        "night_of_season": number,
        "nights": settings.nights,
        "error_of_night": settings.error_of(number),
        "error_of_season": settings.error,
        "evidence": evidence,
        "suites": [{"suite": suite, **vars(each)} for suite, each in judged.items()],
    }
    return told, after


def enough(
    agent: str,
    played: Mapping[str, Played],
    settings: GateSettings,
    *,
    loss: float,
    power: float,
    record: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Say how many units a night of the gate needs on each suite, from how much its units scatter.

    Args:
        agent: whose units are looked at.
        played: by suite.
        settings: margin, error and season.
        loss: share of the incumbent's reward that is to be caught.
        power: with which chance.
        record: of a promoted incumbent; without one, each suite's own.

    Returns:
        One mapping a suite: ``suite``, ``units`` an environment played, ``deviation`` of one, ``needed`` units, and
        ``reason`` where that cannot be said.

    Raises:
        ConfigError: a loss that is not above the margin, or a power outside (0, 1).
    """
    pairs = {suite: _pair(agent, suite, each, record) for suite, each in played.items()}
    asked = {suite: pair for suite, pair in pairs.items() if pair is not None}
    error = settings.error_of(1) / max(1, len(asked))
    rows: list[dict[str, Any]] = []
    for suite, pair in asked.items():
        row: dict[str, Any] = {"suite": suite, "units": None, "deviation": None, "needed": None, "reason": ""}
        rows.append(row)
        if isinstance(pair, str):
            row["reason"] = pair
            continue
        strata, _ = strata_of(*pair)
        row["units"] = min(len(stratum.new) for stratum in strata)
        row["deviation"] = relative_deviation(strata, settings.margin)
        if row["deviation"] is None:
            row["reason"] = "its units do not scatter, or are fewer than two"
            continue
        row["needed"] = plan(row["deviation"], loss=loss, margin=settings.margin, error=error, power=power).units
    return rows


Pair = tuple[pl.DataFrame, pl.DataFrame] | str
"""Rows of the agent and of the incumbent, or why there are none to be paired."""


def _pair(agent: str, suite: str, played: Played, record: Mapping[str, Any] | None) -> Pair | None:
    own = played.rows(agent)
    if record is None:
        # What an agent cannot play it is not judged by: the suite itself promised nothing.
        rows = played.rows(INCUMBENT)
        if own.is_empty():
            return None
        return "the suite names no incumbent" if rows.is_empty() else (own, rows)
    if suite not in record["suites"] and own.is_empty():
        return None
    why = mismatch(record, suite, played)
    if why is not None:
        return why
    return f"{agent} does not play it, the incumbent does" if own.is_empty() else (own, stored_rows(record, suite))


def _judged(pair: Pair, margin: float, error: float) -> Judgement:
    if isinstance(pair, str):
        return Judgement("undecided", pair)
    try:
        strata, _ = strata_of(*pair)
    except SchemaError as refusal:
        return Judgement("undecided", str(refusal))
    return judge(strata, margin=margin, error=error)


def _night(
    ledger: Mapping[str, Any] | None, agent: str, evidence: str, settings: GateSettings, *, spends: bool
) -> tuple[int, int, dict[str, Any]]:
    """Number of this night, its number in its season, and the ledger after it; without a test nothing is spent."""
    fresh: dict[str, Any] = {"version": VERSION, "agents": {}}
    known = fresh if ledger is None else json.loads(json.dumps(ledger))
    if known.get("version") != VERSION or not isinstance(known.get("agents"), dict):
        raise SchemaError(f"nights: got version {known.get('version')}; wanted {VERSION} with agents")
    nights: list[str] = known["agents"].setdefault(agent, [])
    season = evidence.partition(":")[0]
    # A promotion, or another margin, begins anew.
    nights[:] = [each for each in nights if each.partition(":")[0] == season]
    if evidence not in nights and spends:
        nights.append(evidence)
    night = nights.index(evidence) + 1 if evidence in nights else len(nights) + 1
    return night, (night - 1) % settings.nights + 1, known


def _evidence(agent: str, pairs: Mapping[str, Pair], settings: GateSettings, record: Mapping[str, Any] | None) -> str:
    """``season:night``: what stands for the season, and for everything that the night is judged by."""
    season = [None if record is None else record["digest"], settings.margin, settings.error, settings.nights]
    rows = {
        suite: pair if isinstance(pair, str) else [part.to_dict(as_series=False) for part in pair]
        for suite, pair in pairs.items()
    }
    return f"{_digest([*season, settings.spending])}:{_digest([agent, rows])}"


def _digest(content: Sequence[Any]) -> str:
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=8).hexdigest()
