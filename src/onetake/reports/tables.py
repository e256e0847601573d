"""What the logs say, what it cost and what it rests on, as tables that a person reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from onetake.reports.columns import require_columns, require_keys
from onetake.reports.document import Cell, Column, Table, interval_cell, number, number_cell, share_cell

ESTIMATES = (
    *("log", "policy", "estimator", "value", "low", "high", "effective_sample_size", "largest_weight"),
    *("clipped_share", "overlap", "flags", "refused", "truth", "truth_error", "truth_source"),
)
COSTS = ("suite", "environment", "agent", "decisions", "wall_seconds", "decisions_per_second", "peak_memory_mib")


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
            share_cell(row["clipped_share"]),
            share_cell(row["overlap"]),
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
