"""Frames as tables that a person reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from onetake.reports.columns import require_columns, require_keys
from onetake.reports.document import Cell, Column, Table, interval_cell, number, number_cell
from onetake.reports.standings import Standings

ESTIMATES = (
    *("log", "policy", "estimator", "value", "low", "high", "effective_sample_size", "largest_weight"),
    *("clipped_share", "overlap", "flags", "refused", "truth", "truth_error", "truth_source"),
)
COSTS = ("suite", "environment", "agent", "decisions", "wall_seconds", "decisions_per_second", "peak_memory_mib")


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
    columns = (
        Column("rank", "Rank by score; in brackets the ranks it takes when replicates are drawn again."),
        Column("agent", numeric=False),
        Column("score", "0 is random play, 1 the clairvoyant yardstick; interval over replicates."),
        Column("comes first", "How often it is first when replicates are drawn again, all agents together."),
        Column("against incumbent", "Expected reward above the incumbent's, mean over replicates."),
        Column("worse than incumbent", "Share of replicates in which it earned less than the incumbent."),
        Column("replicates"),
        Column("status", numeric=False),
    )
    rows = []
    for row in own.board.iter_rows(named=True):
        finished = row["status"] == "finished"
        rows.append(
            (
                _rank_cell(row),
                Cell(row["agent"], order=row["agent"]),
                interval_cell(row["score"], row["score_low"], row["score_high"]),
                _share_cell(row["best_share"]),
                number_cell(row["incumbent_difference"]),
                _share_cell(row["worse_than_incumbent"]),
                number_cell(row["replicates"]),
                Cell(row["status"], order=row["status"], kind="text" if finished else "mark"),
            )
        )
    return Table("Leaderboard. Click a head to sort.", columns, tuple(rows))


def regret_table(own: Standings) -> Table:
    """Return where the money of one suite went: regret, its parts, and the distance to fixed play."""
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
    regret = Column("regret", "Yardstick minus what was played.")
    if any("bound" in kinds for kinds in own.plays["yardstick"]):
        regret = Column("regret ≤", "Bound on the best play minus what was played: no more than this was lost.")
    columns = (Column("agent", numeric=False), regret, *shown.values())
    rows = [
        (
            Cell(row["agent"], order=row["agent"]),
            interval_cell(row["regret"], row["regret_low"], row["regret_high"]),
            *(number_cell(row[name]) for name in shown),
        )
        for row in own.board.iter_rows(named=True)
        if row["regret"] is not None
    ]
    return Table(
        "Pseudo-regret and its parts, in reward: mean over replicates, summed over environments.", columns, tuple(rows)
    )


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
        columns.append(Column("p, adjusted", "Holm over all pairs of the suite."))
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
            interval_cell(row["difference"], low, high),
            _share_cell(row["wins"]),
        ]
        if tested:
            cells.append(number_cell(row["p_adjusted"], digits=2))
        if drawn:
            span = Cell(
                f"[{number(row['draw_low'])}, {number(row['draw_high'])}]", order=row["draw_low"], kind="number"
            )
            cells += [span, _share_cell(row["winner_changes"])]
        rows.append(tuple(cells))
    return Table("Agents in pairs: equal policies differ by exactly 0.", tuple(columns), tuple(rows))


def environments_table(own: Standings) -> Table:
    """Return the mean score of each agent in each environment of one suite."""
    agents = own.environments["agent"].unique(maintain_order=True).to_list()
    wide = own.environments.pivot("agent", index="environment", values="score", maintain_order=True)
    columns = (Column("environment", numeric=False), *(Column(agent) for agent in agents))
    rows = tuple(
        (Cell(row["environment"], order=row["environment"]), *(number_cell(row[agent]) for agent in agents))
        for row in wide.iter_rows(named=True)
    )
    return Table("Mean score by environment; a dash where every arm pays the same.", columns, rows)


def arms_table(name: str, fit: Mapping[str, Any]) -> Table:
    """Return the fitted rates of a calibration record beside the logged ones."""
    require_keys(fit, ("arms", "level"), f"fit {name}")
    columns = (
        Column("arm", numeric=False),
        Column("decisions"),
        Column("successes"),
        Column("logged rate"),
        Column("fitted rate", "Mean over parameter draws, segments weighted as in the log."),
        Column("pays a success", "Reward of a success."),
        Column("costs", "Reward of playing the arm at all."),
    )
    rows = tuple(
        (
            Cell(arm["label"], order=arm["label"]),
            number_cell(arm["trials"]),
            number_cell(arm["successes"]),
            number_cell(arm["logged_rate"]),
            interval_cell(arm["rate"], arm["low"], arm["high"]),
            number_cell(arm["scale"]),
            number_cell(arm["offset"]),
        )
        for arm in fit["arms"]
    )
    return Table(f"Fitted arms, {fit['level']:.0%} intervals over parameter draws.", columns, rows)


def held_out_table(name: str, fit: Mapping[str, Any]) -> Table:
    """Return how the fit foretells rows that it has not seen, against naive rates and rival models."""
    require_keys(fit, ("holdout",), f"fit {name}")
    columns = (
        Column("rival", numeric=False),
        Column("log-likelihood a row", "Of the rival; closer to 0 is better."),
        Column("fit minus rival", "Per 1,000 rows, ± one standard error; above 0 the fit foretells better."),
        Column("verdict", numeric=False),
    )
    rows = tuple(
        (
            Cell(each["rival"], order=each["rival"]),
            number_cell(each["rival_log_likelihood"]),
            Cell(
                f"{number(1000 * each['difference'])} ± {number(1000 * each['standard_error'], 2)}",
                order=each["difference"],
                kind="number",
            ),
            Cell(each["verdict"], order=each["verdict"], kind="mark" if each["verdict"] == "worse" else "text"),
        )
        for each in fit["holdout"]["comparisons"]
    )
    own = number(fit["holdout"]["log_likelihood"])
    return Table(f"Held-out rows, {fit['holdout']['folds']} folds; the fit itself reaches {own} a row.", columns, rows)


def replay_table(name: str, fit: Mapping[str, Any]) -> Table:
    """Return logged totals beside what the fit makes of the same decisions."""
    require_keys(fit, ("replay",), f"fit {name}")
    columns = (
        Column("total", numeric=False),
        Column("logged"),
        Column("simulated"),
        Column("verdict", numeric=False),
    )
    replay = fit["replay"]
    rows = tuple(
        (
            Cell(part["what"], order=part["what"]),
            number_cell(part["logged"]),
            # The ends carry a slack for the order of adding, which is nothing to read.
            interval_cell(part["simulated"], round(part["low"], 6), round(part["high"], 6)),
            Cell("inside", order="inside") if part["inside"] else Cell("outside", order="outside", kind="mark"),
        )
        for part in (*replay["parts"], replay["scatter"])
    )
    caption = f"The logging policy replayed in the fit, {replay['simulations']} times; {replay['level']:.0%} intervals."
    return Table(caption, columns, rows)


def off_policy_table(estimates: pl.DataFrame) -> Table:
    """Return off-policy estimates; a refused one shows no number, a flagged one its doubts.

    Raises:
        SchemaError: where a column is missing.
    """
    require_columns(estimates, ESTIMATES, "off-policy estimates")
    columns = (
        Column("log", numeric=False),
        Column("policy", numeric=False),
        Column("estimator", numeric=False),
        Column("value", "Reward per decision, with its interval."),
        Column(
            "truth", "What the policy earned where it was really played, ± one standard error, where that is known."
        ),
        Column("effective sample", "(Σw)² / Σw²: how many unweighted decisions the estimate is worth."),
        Column("largest weight"),
        Column("clipped", "Share of weights that were cut."),
        Column("overlap", "Share of the policy's choices that the log could have made."),
        Column("doubts", numeric=False),
    )
    rows = tuple(
        (
            Cell(row["log"], order=row["log"]),
            Cell(row["policy"], order=row["policy"]),
            Cell(row["estimator"], order=row["estimator"]),
            Cell("refused", kind="refused", hint=row["flags"])
            if row["refused"]
            else interval_cell(row["value"], row["low"], row["high"]),
            _truth_cell(row),
            number_cell(row["effective_sample_size"]),
            number_cell(row["largest_weight"]),
            _share_cell(row["clipped_share"]),
            _share_cell(row["overlap"]),
            Cell(row["flags"], order=row["flags"] or None, kind="mark"),
        )
        for row in estimates.iter_rows(named=True)
    )
    return Table("Value of frozen policies from the logs alone.", columns, rows)


def costs_table(costs: pl.DataFrame) -> Table:
    """Return what the rehearsal cost to run; different each time."""
    require_columns(costs, COSTS, "costs")
    columns = (
        Column("suite", numeric=False),
        Column("environment", numeric=False),
        Column("agent", numeric=False),
        Column("decisions"),
        Column("seconds"),
        Column("decisions a second"),
        Column("peak memory, MiB"),
    )
    rows = tuple(
        (*(Cell(row[name], order=row[name]) for name in COSTS[:3]), *(number_cell(row[name]) for name in COSTS[3:]))
        for row in costs.iter_rows(named=True)
    )
    return Table("Wall time and memory of the last run; not reproducible.", columns, rows)


def manifest_table(manifest: Sequence[Mapping[str, str]]) -> Table:
    """Return the manifest as it is."""
    names = ("kind", "name", "value")
    for item in manifest:
        require_keys(item, names, "manifest")
    columns = tuple(Column(name, numeric=False) for name in names)
    rows = tuple(tuple(Cell(item[name], order=item[name]) for name in names) for item in manifest)
    return Table("Digests stand for whole contents: equal digests, equal contents.", columns, rows)


def _truth_cell(row: Mapping[str, Any]) -> Cell:
    if row["truth"] is None:
        return Cell("–", kind="number")
    text = f"{number(row['truth'])} ± {number(row['truth_error'], 2)}"
    return Cell(text, order=row["truth"], kind="number", hint=row["truth_source"])


def _rank_cell(row: Mapping[str, Any]) -> Cell:
    if row["rank"] is None:
        return Cell("–", kind="number")
    low, high = row["rank_low"], row["rank_high"]
    span = "" if low is None or low == high else f" ({low} to {high})"
    return Cell(f"{row['rank']}{span}", order=row["rank"], kind="number")


def _share_cell(share: float | None) -> Cell:
    return Cell("–", kind="number") if share is None else Cell(f"{share:.1%}", order=share, kind="number")
