"""Does the winner survive where demand is of another kind than was assumed?

A suite fixes one model of how people answer. A *rival* is a suite of the same decisions under another model. An agent
that leads one and loses in the others was chosen by the model, not by the evidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from onetake.build import nearest
from onetake.errors import UnknownIdError
from onetake.evaluation.incumbent import INCUMBENT

SURVIVAL_SCHEMA: dict[str, pl.DataType] = {
    "suite": pl.String(),
    "rival": pl.String(),
    "winner": pl.String(),
    "rival_winner": pl.String(),
    "rank": pl.Int64(),
    "difference": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "survives": pl.String(),
}
"""Columns: the suite's winner and its rank in the rival; there, its score minus that of the rival's winner with the
paired interval; and what that says: ``yes`` it leads there too, ``cannot tell`` the interval reaches 0, ``no``."""


def survival(cards: Mapping[str, Mapping[str, pl.DataFrame]], rivals: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """Return whether the winner of each suite survives its rivals.

    Args:
        cards: scorecards by suite, each with ``leaderboard`` and ``differences``.
        rivals: names of rival suites by suite; those that were not played are left out.

    Raises:
        UnknownIdError: a suite that was not played.
    """
    rows = []
    for suite, others in rivals.items():
        if suite not in cards:
            raise UnknownIdError(f"rivals: got suite {suite!r}; nearest that was played: {nearest(suite, cards)}")
        order = ranking(cards[suite]["leaderboard"])
        for rival in (name for name in others if name in cards):
            there = ranking(cards[rival]["leaderboard"])
            if order and there:
                row = {"suite": suite, "rival": rival, "winner": order[0], "rival_winner": there[0]}
                rows.append(row | _fate(order[0], there, cards[rival]["differences"]))
    return pl.DataFrame(rows, schema=SURVIVAL_SCHEMA)


def ranking(board: pl.DataFrame) -> list[str]:
    """Agents of a leaderboard, best first; the incumbent is no contestant.

    >>> ranking(pl.DataFrame({"agent": ["b", "incumbent", "a"], "rank": [3, 1, 2]}))
    ['a', 'b']
    """
    contestants = board.filter(pl.col("rank").is_not_null() & (pl.col("agent") != INCUMBENT))
    return contestants.sort("rank")["agent"].to_list()


def _fate(winner: str, there: Sequence[str], differences: pl.DataFrame) -> dict[str, object]:
    if winner not in there:
        return {"rank": None, "survives": "did not play"}
    if winner == there[0]:
        return {"rank": 1, "difference": 0.0, "low": 0.0, "high": 0.0, "survives": "yes"}
    scores = differences.filter(pl.col("metric") == "score")
    # The row over all environments stands last; where there is only one, it is that one.
    for agent, opponent, sign in ((winner, there[0], 1.0), (there[0], winner, -1.0)):
        pair = scores.filter((pl.col("agent") == agent) & (pl.col("opponent") == opponent))
        if pair.is_empty():
            continue
        row = pair.row(-1, named=True)
        ends = [row["low"], row["high"]] if row["low"] is not None else [row["bootstrap_low"], row["bootstrap_high"]]
        if ends[0] is None or ends[1] is None:
            break
        low, high = sorted(sign * end for end in ends)
        told = {"difference": sign * row["difference"], "low": low, "high": high}
        return told | {"rank": there.index(winner) + 1, "survives": "no" if high < 0 else "cannot tell"}
    return {"rank": there.index(winner) + 1, "survives": "cannot tell"}
