"""The part of the report about sellers who learn their prices against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from onetake.reports.columns import require_columns
from onetake.reports.document import Block, Cell, Column, Fact, Facts, Note, Section, Table, interval_cell, number_cell

MARKETS = (
    *("market", "crew", "runs", "gain", "gain_low", "gain_high", "episode_gain", "price", "nash_price"),
    *("monopoly_price", "converged", "control_gain", "answered", "punished", "verdict"),
)
NOTE = (
    "Sellers learn their prices against each other. A profit gain of 0 is competition (Bertrand–Nash) and 1 is what "
    "sellers would earn who maximise their joint profit. A high gain alone is no collusion: it may come from learning "
    "that has not found its best answers. So the same learners are trained without memory (the control): where they "
    "gain much, that is an artefact of learning, since without memory nobody can be punished. With memory, one seller "
    "is made to undercut for one period: the report says in how many runs rivals answered with lower prices, and in "
    "how many the deviation did not pay."
)
CAPTION = "Each crew in each market; intervals are over independent runs."


def markets_section(results: pl.DataFrame) -> Section:
    """Return the section.

    Args:
        results: columns `MARKETS`, a row for each crew in each market.

    Raises:
        SchemaError: where a column is missing.
    """
    require_columns(results, MARKETS, "market results")
    rows = list(results.iter_rows(named=True))
    facts = Facts(tuple(Fact(f"{row['crew']} in {row['market']}", _share(row["gain"]), row["verdict"]) for row in rows))
    warnings: list[Block] = [
        Note(f"{row['crew']} in {row['market']}: {row['verdict']}.", tone="warning")
        for row in rows
        if row["verdict"].startswith(("artefact", "collusive", "not judged"))
    ]
    return Section("markets", "Markets", (Note(NOTE), facts, *warnings, _table(rows)))


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    columns = (
        Column("market", numeric=False),
        Column("crew", "who sits in the seats", numeric=False),
        Column("runs"),
        Column("profit gain", "after learning: 0 is Nash, 1 is joint profit"),
        Column("whole episode", "profit gain while learning, where one episode is all there is"),
        Column("price", "mean over sellers and runs"),
        Column("Nash"),
        Column("joint profit"),
        Column("control", "profit gain of the same learners without memory"),
        Column("answered", "share of runs in which undercutting was answered by lower prices"),
        Column("did not pay", "share of runs in which undercutting did not pay"),
        Column("verdict", numeric=False),
    )
    shown = []
    for row in rows:
        numbers = ("price", "nash_price", "monopoly_price", "control_gain", "answered", "punished")
        shown.append(
            (
                Cell(row["market"], row["market"]),
                Cell(row["crew"], row["crew"]),
                number_cell(row["runs"]),
                interval_cell(row["gain"], row["gain_low"], row["gain_high"]),
                number_cell(row["episode_gain"]),
                *(number_cell(row[name]) for name in numbers),
                Cell(row["verdict"], row["verdict"]),
            )
        )
    return Table(CAPTION, columns, tuple(shown))


def _share(gain: float) -> str:
    return f"{gain:.0%} of the way from Nash to joint profit".replace("-", "−")
