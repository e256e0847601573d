"""The part of the report that a careful reader goes to first: verdicts, tail risk, harm, parameter draws, costs."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from onetake.reports.document import Block, Cell, Column, Note, Section, Table, interval_cell, number, number_cell

FRAMES = ("verdicts", "tail_risk", "harm", "parameter_draws", "improvement")

GATE_NOTE = (
    "Against the incumbent of each suite, at one look: worse where a loss above the margin is shown, pass where it is "
    "ruled out, undecided else. The gate that a nightly job asks shares its error among many nights and is stricter."
)
TAIL_NOTE = (
    "One take is not repeated until its mean comes true. All of this is in realised reward, per replicate, under the "
    "same luck for agent and incumbent."
)
HARM_NOTE = (
    "An agent that wins on the whole may cost a group. Shown are, for each agent, the segments in which it fell "
    "behind the incumbent most; harm is marked where it is shown with all segments and agents of the suite counted."
)
DRAWS_NOTE = (
    "On suites fitted to a log, results spread for two reasons: luck, which more simulation takes out, and parameters "
    "that the log left open, which it does not."
)

RIVALS_NOTE = (
    "A suite fixes one model of how people answer. A rival has the same decisions under another model: an agent that "
    "leads one and loses in the others was chosen by the model, not by the evidence."
)

# The harm table shows this many segments of each agent and suite.
SHOWN = 3


def risk_section(risks: Mapping[str, pl.DataFrame]) -> Section:
    """Return verdicts, tail risk, harm by segment and, where parameters were drawn, what that means."""
    blocks: list[Block] = [Note(GATE_NOTE), verdicts_table(risks["verdicts"])]
    blocks += [Note(TAIL_NOTE), tail_table(risks["tail_risk"])]
    if not risks["harm"].is_empty():
        blocks += [*harm_notes(risks["harm"]), Note(HARM_NOTE), harm_table(risks["harm"])]
    if not risks["parameter_draws"].is_empty():
        blocks += [Note(DRAWS_NOTE), draws_table(risks["parameter_draws"])]
    if "survival" in risks and not risks["survival"].is_empty():
        blocks += [Note(RIVALS_NOTE), survival_table(risks["survival"])]
    return Section("risk", "Risk and guardrails", tuple(blocks))


def verdicts_table(verdicts: pl.DataFrame) -> Table:
    """Return what the gate says of every agent."""
    columns = (
        Column("suite", numeric=False),
        Column("agent", numeric=False),
        Column("verdict", numeric=False),
        Column("difference", "Reward relative to the incumbent's, with its interval."),
        Column("units", "Replicates of all environments; parameter draws where fitted."),
        Column("units that would tell", "An environment, were the difference as it seems."),
    )
    rows = tuple(
        (
            _text(row["suite"]),
            _text(row["agent"]),
            Cell(
                row["verdict"],
                order=row["verdict"],
                kind="text" if row["verdict"] == "pass" else "mark",
                hint=row["reason"],
            ),
            percent_interval(row["difference"], row["low"], row["high"]),
            number_cell(row["units"]),
            number_cell(row["needed"]),
        )
        for row in verdicts.iter_rows(named=True)
    )
    return Table("Verdicts against the incumbent.", columns, rows)


def tail_table(tail: pl.DataFrame) -> Table:
    """Return what can go wrong with each agent in each environment."""
    columns = (
        Column("suite", numeric=False),
        Column("environment", numeric=False),
        Column("agent", numeric=False),
        Column("worst tenth", "CVaR 10 %: mean realised reward of the worst tenth of replicates."),
        Column("worst tenth against incumbent", "The same of the difference to the incumbent."),
        Column("chance of being worse", "Than the incumbent, with its exact interval over units."),
        Column("deepest drawdown", "Most that it fell back against the incumbent in any replicate."),
        Column("payback step", "Median step from which on it was never behind again; ∞ where half never paid back."),
    )
    rows = tuple(
        (
            *(_text(row[name]) for name in ("suite", "environment", "agent")),
            number_cell(row["cvar"]),
            number_cell(row["cvar_difference"]),
            percent_interval(row["worse_chance"], row["worse_low"], row["worse_high"], signed=False),
            number_cell(row["deepest_drawdown"]),
            number_cell(row["payback_step"]),
        )
        for row in tail.iter_rows(named=True)
    )
    return Table("Tail risk.", columns, rows)


def harm_notes(harm: pl.DataFrame) -> list[Block]:
    """Return one warning a suite and agent that harms a segment."""
    harmed = harm.filter(pl.col("harmed"))
    return [
        Note(f"Suite {suite}: {agent} harms {', '.join(part['segment'].unique(maintain_order=True))}.", tone="warning")
        for (suite, agent), part in harmed.group_by("suite", "agent", maintain_order=True)
    ]


def harm_table(harm: pl.DataFrame) -> Table:
    """Return the segments in which each agent did worst against the incumbent."""
    columns = (
        Column("suite", numeric=False),
        Column("environment", numeric=False),
        Column("agent", numeric=False),
        Column("segment", numeric=False),
        Column("entities"),
        Column("incumbent", "Realised reward of the incumbent in the segment."),
        Column("difference", "Realised reward minus the incumbent's, with its interval over units."),
        Column("p, adjusted", "Holm over all segments and agents of the suite."),
        Column("harm", numeric=False),
    )
    worst = harm.sort("difference", maintain_order=True).group_by("suite", "agent", maintain_order=True).head(SHOWN)
    worst = worst.filter(pl.col("difference") < 0).sort("suite", "agent", maintain_order=True)
    rows = tuple(
        (
            *(_text(row[name]) for name in ("suite", "environment", "agent", "segment")),
            number_cell(row["entities"]),
            number_cell(row["incumbent"]),
            interval_cell(row["difference"], row["low"], row["high"]),
            number_cell(row["p_adjusted"], digits=2),
            Cell("harmed", order="harmed", kind="mark") if row["harmed"] else Cell("not shown", order="not shown"),
        )
        for row in worst.iter_rows(named=True)
    )
    return Table("Harm by segment.", columns, rows)


def draws_table(draws: pl.DataFrame) -> Table:
    """Return both parts of the variance on fitted environments, and how often the winner changes."""
    columns = (
        Column("suite", numeric=False),
        Column("environment", numeric=False),
        Column("agent", numeric=False),
        Column("score"),
        Column("spread of draws", "Standard deviation of the score between parameter draws."),
        Column("spread of luck", "Standard deviation between seeds of one draw."),
        Column("draws won", "Share of parameter draws in which it is the best of all agents."),
        Column("winner changes", "Share of draws whose best agent is not the best on average."),
    )
    rows = tuple(
        (
            *(_text(row[name]) for name in ("suite", "environment", "agent")),
            number_cell(row["score"]),
            number_cell(row["draw_deviation"]),
            number_cell(row["seed_deviation"]),
            share_cell(row["wins"]),
            share_cell(row["winner_changes"]),
        )
        for row in draws.iter_rows(named=True)
    )
    return Table("Parameter draws and luck.", columns, rows)


def survival_table(survival: pl.DataFrame) -> Table:
    """Return whether the winner of each suite survives where demand is of another kind."""
    columns = (
        Column("suite", numeric=False),
        Column("rival", "The same decisions under another model of demand.", numeric=False),
        Column("winner", "Of the suite.", numeric=False),
        Column("winner of the rival", numeric=False),
        Column("rank in the rival", "Of the suite's winner."),
        Column("difference", "In the rival: score of the suite's winner minus that of its own."),
        Column("survives", numeric=False),
    )
    rows = tuple(
        (
            *(_text(row[name]) for name in ("suite", "rival", "winner", "rival_winner")),
            number_cell(row["rank"]),
            interval_cell(row["difference"], row["low"], row["high"]),
            Cell(row["survives"], order=row["survives"], kind="text" if row["survives"] == "yes" else "mark"),
        )
        for row in survival.iter_rows(named=True)
    )
    return Table("Does the winner survive rival demand?", columns, rows)


def price_of_regret_table(board: pl.DataFrame, costs: pl.DataFrame) -> Table:
    """Return regret beside decisions a second, memory and wall time, one row an agent and suite."""
    spent = costs.group_by("suite", "agent", maintain_order=True).agg(
        pl.col("decisions", "wall_seconds").sum(), pl.col("peak_memory_mib").max()
    )
    both = board.select("suite", "agent", "score", "regret").join(
        spent, on=["suite", "agent"], how="inner", maintain_order="left"
    )
    columns = (
        Column("suite", numeric=False),
        Column("agent", numeric=False),
        Column("score"),
        Column("regret"),
        Column("decisions a second"),
        Column("seconds"),
        Column("peak memory, MiB"),
    )
    rows = tuple(
        (
            _text(row["suite"]),
            _text(row["agent"]),
            number_cell(row["score"]),
            number_cell(row["regret"]),
            number_cell(row["decisions"] / row["wall_seconds"] if row["wall_seconds"] else None),
            number_cell(row["wall_seconds"]),
            number_cell(row["peak_memory_mib"]),
        )
        for row in both.iter_rows(named=True)
    )
    return Table("Regret and what it took.", columns, rows)


def percent_interval(value: float | None, low: float | None, high: float | None, *, signed: bool = True) -> Cell:
    """Return a cell that shows a share with its interval in per cent and sorts by the share.

    >>> percent_interval(-0.02, -0.03, -0.01).text
    '−2% [−3%, −1%]'
    """
    if value is None:
        return Cell("–", kind="number")
    shown = [None if each is None else 100 * each for each in (value, low, high)]
    text = f"{number(shown[0], 3)}%"
    if signed and value > 0:
        text = f"+{text}"
    if low is not None and high is not None:
        text += f" [{number(shown[1], 3)}%, {number(shown[2], 3)}%]"
    return Cell(text, order=value, kind="number")


def share_cell(share: float | None) -> Cell:
    """Return a cell that shows a share in per cent."""
    return Cell("–", kind="number") if share is None else Cell(f"{share:.1%}", order=share, kind="number")


def _text(words: str) -> Cell:
    return Cell(words, order=words)
