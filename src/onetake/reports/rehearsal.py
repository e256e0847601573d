"""The report of a rehearsal: which part says what, and in which words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from onetake.errors import ConfigError
from onetake.reports import suite_tables, tables
from onetake.reports.columns import require_keys
from onetake.reports.document import Block, Chart, Document, Fact, Facts, Note, Section
from onetake.reports.headlines import headline, remarks
from onetake.reports.markets import markets_section
from onetake.reports.risks import price_of_regret_table, risk_section
from onetake.reports.standings import Standings

FIT = ("log", "id", "model", "assignment", "num_rows", "num_segments", "verdict", "marks", "flags", "refused")
FIGURES = ("leaderboard", "regret", "calibration", "off_policy")

SUMMARY_NOTE = (
    "Every agent played every suite once from beginning to end, learning and earning at the same time, under the "
    "same luck as all others. What counts is what it lost against a yardstick that knows the truth."
)
HEADLINE_NOTE = (
    "Named first is who has the highest score of each suite. Agents that the paired test cannot tell apart from it, at "
    "the level of the intervals and over all pairs of the suite, are named with it."
)
LEADERBOARD_NOTE = (
    "A score of 0 is random play and 1 is the yardstick. Intervals are over replicates: entities inside a replicate "
    "share their luck and their learners, and are not counted as independent. On a suite that was fitted to a log "
    "they are over parameter draws, since simulated seeds are free and say nothing about the world. Ranks go by score; "
    "regret is in money and adds environments up as they are, so the two orders may differ."
)
REGRET_NOTE = (
    "Regret is pseudo-regret: the expected reward of the yardstick's choices minus the expected reward of what was "
    "played, summed over the episode. Luck in outcomes is not in it; realised reward stands beside it in the "
    "tables. Its parts add up exactly: the cost of not knowing (yardstick minus the greedy choice under the agent's "
    "own beliefs) and the cost of exploring (greedy choice minus what was played)."
)
CALIBRATION_NOTE = (
    "A simulator is believed only where it foretells rows that it has not seen and gives back the totals of the log "
    "that it was fitted to. Neither can see confounding: where the arm followed the demand, both can pass and be "
    "wrong. So the assignment is declared with the log, and stands here."
)
OFF_POLICY_NOTE = (
    "What frozen policies would have earned, from the logs alone, without a simulator. An estimate that the log "
    "cannot carry is refused and shows no number; a doubtful one carries its doubts."
)
MANIFEST_NOTE = (
    "What this report rests on. The same code, settings, data and seeds give the same bytes on any machine, with "
    "any number of threads."
)
COSTS_NOTE = "What the rehearsal took to run. These figures differ each time and decide nothing."


@dataclass(frozen=True)
class ReportSettings:
    """Settings of the report.

    Attributes:
        title: its head line.
        reward_unit: what rewards are counted in, for the axes.
        rivals: suites of the same decisions under another model of demand, by suite.

    Raises:
        ConfigError: where one is not text.
    """

    title: str = "Rehearsal of decisions that get one take"
    reward_unit: str = "reward"
    rivals: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("title", "reward_unit"):
            if not isinstance(getattr(self, name), str):
                raise ConfigError(f"reporting.{name}: got {getattr(self, name)!r}; wanted text")
        lists = isinstance(self.rivals, Mapping) and all(isinstance(v, list | tuple) for v in self.rivals.values())
        if not lists:
            raise ConfigError(f"reporting.rivals: got {self.rivals!r}; wanted a list of suites by suite")


@dataclass(frozen=True)
class Findings:
    """Everything that a report tells.

    Attributes:
        standings: what the evaluation found.
        fits: calibration records by name; a suite of the same name was made from it.
        estimates: off-policy estimates.
        costs: wall time and memory.
        manifest: what all of it rests on.
        markets: what crews of sellers came to, or None where there are none.
    """

    standings: Standings
    fits: Mapping[str, Mapping[str, Any]]
    estimates: pl.DataFrame
    costs: pl.DataFrame
    manifest: Sequence[Mapping[str, str]]
    markets: pl.DataFrame | None = None


def rehearsal(findings: Findings, figures: Mapping[str, Any], settings: ReportSettings) -> Document:
    """Return the report as a document.

    Args:
        findings: what is told.
        figures: Plotly figures by the names in ``FIGURES``.
        settings: its title.

    Raises:
        SchemaError: where a frame, a record or a figure is missing something; it is named.
    """
    require_keys(figures, FIGURES, "figures")
    for name, fit in findings.fits.items():
        require_keys(fit, FIT, f"fit {name}")
    standings = findings.standings
    suites = [_suite(standings.of(suite), findings.fits.get(suite)) for suite in standings.suites]
    sections = (
        _rehearsed(findings),
        _leaderboard(figures["leaderboard"]),
        *suites,
        risk_section(standings.risks),
        _regret(figures["regret"]),
        _calibration(findings.fits, figures["calibration"]),
        _off_policy(findings.estimates, figures["off_policy"]),
        *(() if findings.markets is None else (markets_section(findings.markets),)),
        _costs(findings),
        Section("manifest", "Manifest", (Note(MANIFEST_NOTE), tables.manifest_table(findings.manifest))),
    )
    return Document(settings.title, SUMMARY_NOTE, sections)


def _costs(findings: Findings) -> Section:
    price = price_of_regret_table(findings.standings.board, findings.costs)
    return Section("costs", "Costs", (Note(COSTS_NOTE), price, tables.costs_table(findings.costs)))


def _rehearsed(findings: Findings) -> Section:
    standings = findings.standings
    leaders = tuple(headline(standings.of(suite)) for suite in standings.suites)
    blocks = (Note(HEADLINE_NOTE), Facts(leaders), suite_tables.plays_table(standings))
    return Section("rehearsed", "What was rehearsed", blocks, short="Who leads")


def _leaderboard(figure: Any) -> Section:
    caption = "Score of each agent in each suite, with its interval."
    return Section("leaderboard", "Leaderboard", (Note(LEADERBOARD_NOTE), _chart("leaderboard", figure, caption)))


def _suite(own: Standings, fit: Mapping[str, Any] | None) -> Section:
    suite = own.suites[0]
    blocks: list[Block] = []
    if fit is not None:
        words = f"Fitted to the log {fit['log']} ({fit['id']}), assignment {fit['assignment']}."
        blocks += [Note(words), *_warnings([*fit["marks"], *fit["flags"]])]
    blocks += remarks(own)
    blocks += [suite_tables.leaderboard_table(own), suite_tables.regret_table(own), suite_tables.pairs_table(own)]
    if own.environments["environment"].n_unique() > 1:
        blocks.append(suite_tables.environments_table(own))
    return Section(f"suite-{suite}", f"Suite {suite}", tuple(blocks), short=suite)


def _regret(figure: Any) -> Section:
    caption = "Cumulative pseudo-regret, mean over replicates with its interval; a suite's environments are added up."
    blocks = (Note(REGRET_NOTE), _chart("regret", figure, caption))
    return Section("regret", "Regret over time", blocks, short="Regret")


def _calibration(fits: Mapping[str, Mapping[str, Any]], figure: Any) -> Section:
    caption = (
        "Held-out rows against rivals (right of 0 the fit foretells better), replayed totals, logged and fitted rates."
    )
    blocks: list[Block] = [Note(CALIBRATION_NOTE), _chart("calibration", figure, caption)]
    for name, fit in fits.items():
        facts = (
            Fact("log", fit["log"], f"{fit['num_rows']:,} decisions in {fit['num_segments']:,} segments"),
            Fact("assignment", fit["assignment"], "as declared with the log"),
            Fact("model", fit["model"], fit["id"]),
            Fact("use", "refused" if fit["refused"] else "may be used", fit["verdict"]),
        )
        blocks.append(Facts(facts))
        blocks += _warnings([*(f"Refused: {why}" for why in fit["refused"]), *fit["marks"], *fit["flags"]])
        blocks += [tables.arms_table(name, fit), tables.held_out_table(name, fit), tables.replay_table(name, fit)]
    return Section("calibration", "Calibration check", tuple(blocks), short="Calibration")


def _off_policy(estimates: pl.DataFrame, figure: Any) -> Section:
    table = tables.off_policy_table(estimates)
    refused = int(estimates["refused"].sum())
    flagged = estimates.filter(~pl.col("refused") & (pl.col("flags") != "")).height
    counts = (
        Fact("estimates", f"{estimates.height:,}"),
        Fact("usable without doubt", f"{estimates.height - refused - flagged:,}"),
        Fact("flagged", f"{flagged:,}", "a number with doubts"),
        Fact("refused", f"{refused:,}", "no number"),
    )
    caption = "Value of each policy by each estimator with its interval; refused ones are not drawn."
    return Section(
        "off-policy", "Off-policy", (Note(OFF_POLICY_NOTE), Facts(counts), _chart("off_policy", figure, caption), table)
    )


def _warnings(words: Sequence[str]) -> list[Block]:
    return [Note(each, tone="warning") for each in words]


def _chart(name: str, figure: Any, caption: str) -> Chart:
    return Chart(name, figure.to_json(), caption, height=int(figure.layout.height))
