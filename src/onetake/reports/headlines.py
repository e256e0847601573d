"""Who leads a suite, and whether that is sure: the paired test decides, not the order of the scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from onetake.evaluation.incumbent import INCUMBENT
from onetake.reports.document import Fact, Note, p_value, score
from onetake.reports.standings import Standings

Answer = Literal["ahead", "behind", "level", "untested"]
CLAIRVOYANT = "The incumbent has no regret at all: the best fixed action is here also the clairvoyant choice."


@dataclass(frozen=True)
class Duel:
    """What the paired test says of one agent against another."""

    answer: Answer
    p_adjusted: float | None


def duel(pairs: pl.DataFrame, agent: str, opponent: str) -> Duel:
    """Return the answer for ``agent`` against ``opponent``, from the pairs of one suite as a whole."""
    for row in pairs.iter_rows(named=True):
        if {row["agent"], row["opponent"]} == {agent, opponent}:
            p = row["p_adjusted"]
            if p is None:
                return Duel("untested", None)
            if p >= 1 - row["level"] or not row["difference"]:
                return Duel("level", p)
            return Duel("ahead" if (row["difference"] > 0) == (row["agent"] == agent) else "behind", p)
    return Duel("untested", None)


def headline(own: Standings) -> Fact:
    """Return the agent that leads a suite, with those that cannot be told apart from it.

    The incumbent stands in the headline only where no agent reaches it though one could.
    """
    suite = f"suite {own.suites[0]}"
    ranked = own.board.filter(pl.col("rank").is_not_null()).sort("rank", "agent")
    agents = ranked.filter(pl.col("agent") != INCUMBENT)
    if agents.is_empty():
        return Fact(suite, "nobody", "no agent could be ranked")
    scores = {row["agent"]: row for row in ranked.iter_rows(named=True)}
    first, *others = agents["agent"].to_list()
    duels = {name: duel(own.pairs, first, name) for name in others}
    equals = [name for name, found in duels.items() if found.answer != "ahead"]
    incumbent = scores.get(INCUMBENT)
    against = None if incumbent is None else duel(own.pairs, first, INCUMBENT)
    if against is not None and incumbent is not None and not incumbent["flawless"]:
        beaten = [name for name in equals if duel(own.pairs, name, INCUMBENT).answer != "behind"]
        if against.answer == "behind" and not beaten:
            best = f"best agent {first}, {_span(scores[first])}"
            return Fact(suite, INCUMBENT, "; ".join(["no agent reaches it", _span(incumbent), best, *_unable(own)]))
    tested = any(found.answer != "untested" for found in duels.values())
    parts = [_standing(equals, duels, tested), _span(scores[first]), _next_to(incumbent, against), *_unable(own)]
    return Fact(suite, _names([first, *equals] if tested else [first]), "; ".join(parts))


def remarks(own: Standings) -> list[Note]:
    """Return what a reader of one suite's tables must know first."""
    notes = []
    if own.bounded:
        words = (
            "The yardstick is a bound that nothing exceeds, not a value that something reaches: true regret is at "
            "most (≤) what stands here, and true scores are at least (≥)."
        )
        notes.append(Note(words, tone="warning"))
    if own.board.filter((pl.col("agent") == INCUMBENT) & pl.col("flawless")).height:
        notes.append(Note(CLAIRVOYANT))
    reasons = own.board.filter(pl.col("rank").is_null() & pl.col("status").str.starts_with("unsupported: "))
    for status, names in _by_status(reasons).items():
        notes.append(Note(f"Cannot play this suite: {', '.join(names)}. {status.removeprefix('unsupported: ')}."))
    return notes


def _standing(equals: Sequence[str], duels: Mapping[str, Duel], tested: bool) -> str:
    if not duels:
        return "the only agent"
    if not tested:
        return "highest score; one replicate cannot tell more"
    if equals:
        least = min(duels[name].p_adjusted or 0.0 for name in equals)
        return f"cannot be told apart (paired test, p = {p_value(least)})"
    return "surely ahead of all other agents"


def _next_to(incumbent: Mapping[str, Any] | None, against: Duel | None) -> str:
    if incumbent is None or against is None:
        return "no incumbent"
    if incumbent["flawless"]:
        return "the incumbent is the best fixed action and here also the clairvoyant one"
    words = {
        "ahead": "ahead of the incumbent",
        "behind": "behind the incumbent",
        "level": "not told apart from the incumbent",
        "untested": "not tested against the incumbent",
    }
    return f"{words[against.answer]} ({score(incumbent['score'])})"


def _unable(own: Standings) -> list[str]:
    unable = own.board.filter(pl.col("rank").is_null()).height
    return [f"{unable} {'agent' if unable == 1 else 'agents'} cannot play it"] if unable else []


def _names(names: Sequence[str]) -> str:
    if len(names) > 3:
        return f"{names[0]} or {len(names) - 1} others"
    return " or ".join(names)


def _span(row: Mapping[str, Any]) -> str:
    if row["score_low"] is None:
        return f"score {score(row['score'])}"
    return f"score {score(row['score'])} [{score(row['score_low'])}, {score(row['score_high'])}]"


def _by_status(board: pl.DataFrame) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for agent, status in board.select("agent", "status").iter_rows():
        found.setdefault(status, []).append(agent)
    return found
