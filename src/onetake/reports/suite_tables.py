"""What a suite found, as tables that a person reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onetake.reports.document import (
    Cell,
    Column,
    Table,
    interval_cell,
    number_cell,
    p_value,
    score,
    score_cell,
    share_cell,
)
from onetake.reports.standings import Standings

AGGREGATES = {
    "iqm": "the interquartile mean of all runs, in which every environment weighs the same",
    "mean": "the mean over environments, which all weigh the same",
}


def plays_table(standings: Standings) -> Table:
    """Return what was played, one row a suite."""
    columns = (
        Column("suite", numeric=False),
        Column("environments"),
        Column("entities", "Products, customers or patients that live at once; most of any environment."),
        Column("steps", "Length of the one episode."),
        Column("replicates", "Times the episode was played, each with luck of its own."),
        Column("parameter draws", "More than 1 where the environment was fitted and its parameters are uncertain."),
        Column("yardstick", "What regret is counted against; ≤ marks a bound that nothing exceeds.", numeric=False),
    )
    numbers = ("environments", "entities", "steps", "replicates", "draws")
    rows = tuple(
        (
            Cell(row["suite"], order=row["suite"]),
            *(Cell(f"{row[name]:,}", order=row[name], kind="number") for name in numbers),
            Cell(row["yardstick"].replace("bound", "≤ bound"), order=row["yardstick"]),
        )
        for row in standings.plays.iter_rows(named=True)
    )
    return Table("What was played.", columns, rows)


def leaderboard_table(own: Standings) -> Table:
    """Return who did best in one suite and how sure that is."""
    least = " ≥" if own.bounded else ""
    columns = (
        Column("rank", "Rank by score; in brackets the ranks it takes when replicates are drawn again."),
        Column("agent", numeric=False),
        Column(f"score{least}", "0 is random play, 1 the clairvoyant yardstick; interval over replicates."),
        Column("comes first", "How often it is first when replicates are drawn again, all agents together."),
        Column("against incumbent", "Expected reward above the incumbent's, mean over replicates."),
        Column("worse than incumbent", "Share of runs in which it earned less than the incumbent."),
        Column("runs", "Environments × replicates."),
        Column("status", numeric=False),
    )
    rows = []
    for row in own.board.iter_rows(named=True):
        finished = row["status"] == "finished"
        rows.append(
            (
                _rank_cell(row),
                Cell(row["agent"], order=row["agent"]),
                score_cell(row["score"], row["score_low"], row["score_high"]),
                share_cell(row["best_share"]),
                number_cell(row["incumbent_difference"]),
                share_cell(row["worse_than_incumbent"]),
                number_cell(row["runs"]),
                Cell(row["status"], order=row["status"], kind="text" if finished else "mark"),
            )
        )
    ranked = own.board["ranked_by"].drop_nulls()
    by = AGGREGATES.get(ranked[0] if len(ranked) else "", "score")
    return Table(f"Leaderboard, ranked by score: {by}. Click a head to sort.", columns, tuple(rows))


def regret_table(own: Standings) -> Table:
    """Return where the money of one suite went: regret, its parts, and the distance to fixed play."""
    most = " ≤" if own.bounded else ""
    constrained = (own.board["cost_of_constraints"].fill_null(0.0) != 0.0).any()
    shown: dict[str, Column] = {
        "cost_of_constraints": Column("constraints", "Best without constraints minus best allowed."),
        "cost_of_not_knowing": Column("not knowing", "Best allowed minus the greedy choice under the agent's beliefs."),
        "cost_of_exploring": Column(
            "exploring", "Greedy choice minus what was played; below 0 exploring paid at once."
        ),
        "regret_to_best_fixed": Column(
            "to one arm for all", "Reward of the best single arm for everyone minus its own."
        ),
        "regret_to_best_fixed_per_entity": Column(
            "to own best arm each", "Reward had every entity played its own best arm throughout, minus its own."
        ),
        "realised": Column("realised reward", "What luck really paid; all else here is in expected reward."),
    }
    if not constrained:
        del shown["cost_of_constraints"]
    head = Column(f"regret{most}", "Yardstick minus what was played.")
    columns = (Column("agent", numeric=False), head, *shown.values())
    rows = [
        (
            Cell(row["agent"], order=row["agent"]),
            interval_cell(row["regret"], row["regret_low"], row["regret_high"]),
            *(number_cell(row[name]) for name in shown),
        )
        for row in own.board.iter_rows(named=True)
        if row["regret"] is not None
    ]
    caption = "Pseudo-regret and its parts, in reward: mean over replicates"
    if own.environments["environment"].n_unique() > 1:
        caption += (
            ", summed over environments. Here an environment counts by its reward and in the score all count alike, "
            "so the two orders may differ"
        )
    return Table(f"{caption}.", columns, tuple(rows))


def pairs_table(own: Standings) -> Table:
    """Return the agents of one suite compared in pairs, under the same luck."""
    drawn = (own.pairs["draws"] > 1).any()
    columns = [
        Column("agent", numeric=False),
        Column("minus", numeric=False),
        Column("difference in score", "In mean score, paired by replicate; interval over units of resampling."),
        Column("wins", "Share of replicates won, ties half."),
    ]
    tested = own.pairs["p_adjusted"].is_not_null().any()
    if tested:
        columns.append(Column("p, adjusted", "Paired t-test; Holm over all pairs of this table."))
    if drawn:
        columns += [
            Column(
                "over draws",
                "Holds the difference for that share of the parameter draws; more luck does not narrow it.",
            ),
            Column("winner changes", "Share of parameter draws whose winner is not the winner on average."),
        ]
    rows = []
    for row in own.pairs.iter_rows(named=True):
        low, high = (
            (row["low"], row["high"]) if row["low"] is not None else (row["bootstrap_low"], row["bootstrap_high"])
        )
        cells = [
            Cell(row["agent"], order=row["agent"]),
            Cell(row["opponent"], order=row["opponent"]),
            score_cell(row["difference"], low, high),
            share_cell(row["wins"]),
        ]
        if tested:
            p = row["p_adjusted"]
            cells.append(Cell("–" if p is None else p_value(p), order=p, kind="number"))
        if drawn:
            span = Cell(f"[{score(row['draw_low'])}, {score(row['draw_high'])}]", order=row["draw_low"], kind="number")
            cells += [span, share_cell(row["winner_changes"])]
        rows.append(tuple(cells))
    return Table("Agents in pairs: equal policies differ by exactly 0.", tuple(columns), tuple(rows))


def environments_table(own: Standings) -> Table:
    """Return the mean score of each agent in each environment of one suite."""
    agents = own.environments["agent"].unique(maintain_order=True).to_list()
    wide = own.environments.pivot("agent", index="environment", values="score", maintain_order=True)
    columns = (Column("environment", numeric=False), *(Column(agent) for agent in agents))
    rows = tuple(
        (Cell(row["environment"], order=row["environment"]), *(score_cell(row[agent]) for agent in agents))
        for row in wide.iter_rows(named=True)
    )
    return Table("Mean score by environment; a dash where every arm pays the same.", columns, rows)


def _rank_cell(row: Mapping[str, Any]) -> Cell:
    if row["rank"] is None:
        return Cell("–", kind="number")
    low, high = row["rank_low"], row["rank_high"]
    span = "" if low is None or low == high else f" ({low} to {high})"
    return Cell(f"{row['rank']}{span}", order=row["rank"], kind="number")
