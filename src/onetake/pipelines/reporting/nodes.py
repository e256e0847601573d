"""Thin faces of `onetake.reports`."""

from __future__ import annotations

from typing import Any

import polars as pl

from onetake.reports import figures
from onetake.reports.html import render
from onetake.reports.manifest import findings_data, manifest
from onetake.reports.rehearsal import Findings, ReportSettings, rehearsal
from onetake.reports.standings import Scorecard, Standings, standings

Fits = dict[str, dict[str, Any]]


def collect_standings(settings: ReportSettings, **scorecards: Scorecard) -> Standings:
    """Put the scorecards of all suites together, and see whether winners survive rival suites."""
    # A matrix may be narrowed to other suites than those that conf names rivals for.
    return standings(scorecards, {suite: others for suite, others in settings.rivals.items() if suite in scorecards})


def collect_fits(**fits: dict[str, Any]) -> Fits:
    """Put the calibration records together, by the name of their log."""
    return fits


def collect_costs(*costs: pl.DataFrame) -> pl.DataFrame:
    """Put the costs of all suites under one another."""
    return pl.concat(costs)


def draw_leaderboard(standings: Standings) -> Any:
    """Draw scores with their intervals."""
    return figures.leaderboard_figure(standings.board)


def draw_regret(standings: Standings, settings: ReportSettings) -> Any:
    """Draw regret over time."""
    return figures.regret_figure(standings.curves, settings.reward_unit, standings.bounded)


def draw_calibration(fits: Fits) -> Any:
    """Draw the calibration check."""
    return figures.calibration_figure(fits)


def draw_off_policy(estimates: pl.DataFrame) -> Any:
    """Draw off-policy estimates."""
    return figures.off_policy_figure(estimates)


def list_manifest(
    standings: Standings, fits: Fits, estimates: pl.DataFrame, markets: pl.DataFrame | None = None, **settings: Any
) -> list[dict[str, str]]:
    """List what the findings rest on."""
    trained = {} if markets is None else {"market results": markets}
    return manifest(settings, findings_data(standings, fits, estimates) | trained)


def write_report(
    standings: Standings,
    fits: Fits,
    estimates: pl.DataFrame,
    costs: pl.DataFrame,
    manifest: list[dict[str, str]],
    settings: ReportSettings,
    markets: pl.DataFrame | None = None,
    **drawn: Any,
) -> str:
    """Write the report as one HTML page."""
    return render(rehearsal(Findings(standings, fits, estimates, costs, manifest, markets), drawn, settings))
