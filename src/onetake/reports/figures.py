"""Charts as Plotly figures. Each draws the same frame that its table shows; Plotly is imported when one is drawn."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from onetake.reports.columns import require_columns

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

STANDINGS = ("suite", "agent", "score", "score_low", "score_high")
CURVES = ("suite", "agent", "step", "regret", "regret_low", "regret_high")
RATES = ("log", "segment", "arm", "rate", "rate_low", "rate_high", "trials")
HELD_OUT = ("log", "model", "log_likelihood")
REPLAYED = ("log", "logged", "simulated", "simulated_low", "simulated_high")
ESTIMATES = ("log", "policy", "estimator", "value", "low", "high", "flags", "refused")

# Okabe and Ito's colours: told apart by colour-blind readers and in print.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#5b6575", "#000000")
INK, SOFT, LINE, WARN = "#18202f", "#5b6575", "#e1e5eb", "#b36b00"
ROW_HEIGHT, HEAD_HEIGHT = 34, 100


def label(name: object) -> str:
    """Return ``name`` so that Plotly, which reads some HTML in labels, shows it as it is.

    >>> label("<b>bold</b>")
    '&lt;b&gt;bold&lt;/b&gt;'
    """
    return html.escape(str(name), quote=False)


def colours(names: Sequence[str]) -> dict[str, str]:
    """Return one colour a name, the same in every chart that shows the same names."""
    return {name: PALETTE[index % len(PALETTE)] for index, name in enumerate(sorted(set(names)))}


def leaderboard_figure(standings: pl.DataFrame) -> Figure:
    """Return scores with their intervals, one panel a suite, the best agent on top.

    Args:
        standings: columns `STANDINGS`, one row an agent × suite; score 0 is the random agent, 1 the yardstick.

    Raises:
        SchemaError: where a column is missing.
    """
    require_columns(standings, STANDINGS, "leaderboard")
    suites = _in_order(standings, "suite")
    sizes = [standings.filter(pl.col("suite") == suite).height for suite in suites]
    figure = _panels([f"suite {suite}" for suite in suites], sizes)
    colour = colours(standings["agent"].to_list())
    for row, suite in enumerate(suites, 1):
        part = standings.filter(pl.col("suite") == suite).sort("score", "agent", nulls_last=False)
        figure.add_scatter(
            x=part["score"].to_list(),
            y=[label(agent) for agent in part["agent"]],
            error_x=_whiskers(part, "score", "score_low", "score_high"),
            mode="markers",
            marker={"size": 11, "color": [colour[agent] for agent in part["agent"]]},
            hovertemplate="%{y}: %{x:.4f}<extra></extra>",
            row=row,
            col=1,
        )
        figure.add_vline(x=0, line={"color": SOFT, "width": 1, "dash": "dot"}, row=row, col=1)
        figure.add_vline(x=1, line={"color": SOFT, "width": 1, "dash": "dot"}, row=row, col=1)
    figure.update_xaxes(title_text="score (0 random, 1 clairvoyant)", row=len(suites), col=1)
    return figure


def regret_figure(curves: pl.DataFrame, unit: str = "reward") -> Figure:
    """Return cumulative regret over the episode with a band over replicates, one panel a suite.

    Args:
        curves: columns `CURVES`, one row an agent × suite × step.
        unit: what regret is counted in.

    Raises:
        SchemaError: where a column is missing.
    """
    require_columns(curves, CURVES, "regret curves")
    suites = _in_order(curves, "suite")
    figure = _panels([f"suite {suite}" for suite in suites], [7] * len(suites), bottom=60)
    colour = colours(curves["agent"].to_list())
    shown: set[str] = set()
    for row, suite in enumerate(suites, 1):
        for agent in sorted(curves.filter(pl.col("suite") == suite)["agent"].unique().to_list()):
            part = curves.filter((pl.col("suite") == suite) & (pl.col("agent") == agent)).sort("step")
            steps = part["step"].to_list()
            common = {"legendgroup": agent, "row": row, "col": 1}
            figure.add_scatter(
                x=steps + steps[::-1],
                y=part["regret_high"].to_list() + part["regret_low"].to_list()[::-1],
                fill="toself",
                fillcolor=_faint(colour[agent]),
                line={"width": 0},
                mode="lines",
                hoverinfo="skip",
                showlegend=False,
                **common,
            )
            figure.add_scatter(
                x=steps,
                y=part["regret"].to_list(),
                name=label(agent),
                mode="lines",
                line={"color": colour[agent], "width": 2},
                showlegend=agent not in shown,
                hovertemplate="step %{x}: %{y:,.4g}",
                **common,
            )
            shown.add(agent)
        figure.update_yaxes(title_text=f"regret, {label(unit)}", rangemode="tozero", row=row, col=1)
    figure.update_xaxes(title_text="step", row=len(suites), col=1)
    figure.update_layout(
        showlegend=True, legend={"orientation": "h", "y": 1, "yanchor": "bottom", "yref": "container", "x": 0}
    )
    return figure


def calibration_figure(held_out: pl.DataFrame, replayed: pl.DataFrame, rates: pl.DataFrame) -> Figure:
    """Return the calibration check: held-out likelihood, replayed against logged totals, and fitted rates.

    Args:
        held_out: columns `HELD_OUT`, one row a log × model; likelihood per held-out decision, larger is better.
        replayed: columns `REPLAYED`, one row a log.
        rates: columns `RATES`, one row a log × segment × arm; the interval is of the fit.

    Raises:
        SchemaError: where a column is missing.
    """
    require_columns(held_out, HELD_OUT, "held-out likelihood")
    require_columns(replayed, REPLAYED, "replayed totals")
    require_columns(rates, RATES, "fitted rates")
    logs = _in_order(rates, "log")
    titles = ["held-out log-likelihood above the worst model, per 1,000 decisions", "replayed ÷ logged total reward"]
    figure = _panels(
        [*titles, *(f"fitted rates, {log}" for log in logs)],
        [held_out.height, max(replayed.height, 2), *([7] * len(logs))],
    )
    _draw_held_out(figure, held_out)
    ratio = pl.col("simulated", "simulated_low", "simulated_high") / pl.col("logged")
    part = replayed.with_columns(ratio).reverse()
    figure.add_scatter(
        x=part["simulated"].to_list(),
        y=[label(log) for log in part["log"]],
        error_x=_whiskers(part, "simulated", "simulated_low", "simulated_high"),
        mode="markers",
        marker={"size": 10, "color": PALETTE[0]},
        hovertemplate="%{y}: %{x:.4f}<extra></extra>",
        row=2,
        col=1,
    )
    figure.add_vline(x=1, line={"color": SOFT, "width": 1, "dash": "dot"}, row=2, col=1)
    for row, log in enumerate(logs, 3):
        _draw_rates(figure, rates.filter(pl.col("log") == log), row)
    return figure


def off_policy_figure(estimates: pl.DataFrame) -> Figure:
    """Return a forest of off-policy estimates, one panel a log; refused ones are crosses without an interval.

    Args:
        estimates: columns `ESTIMATES`, one row a log × policy × estimator.

    Raises:
        SchemaError: where a column is missing.
    """
    require_columns(estimates, ESTIMATES, "off-policy estimates")
    logs = _in_order(estimates, "log")
    names = [f"{policy} · {estimator}" for policy, estimator in estimates.select("policy", "estimator").iter_rows()]
    named = estimates.with_columns(pl.Series("name", [label(name) for name in names]))
    sizes = [named.filter(pl.col("log") == log).height * 0.62 for log in logs]
    figure = _panels([f"log {log}" for log in logs], sizes)
    kinds = (
        ("usable", ~pl.col("refused") & (pl.col("flags") == ""), "circle", PALETTE[0]),
        ("flagged", ~pl.col("refused") & (pl.col("flags") != ""), "diamond", WARN),
        ("refused", pl.col("refused"), "x-thin-open", SOFT),
    )
    for row, log in enumerate(logs, 1):
        for kind, chosen, symbol, colour in kinds:
            part = named.filter((pl.col("log") == log) & chosen)
            figure.add_scatter(
                x=part["value"].to_list(),
                y=part["name"].to_list(),
                error_x=None if kind == "refused" else _whiskers(part, "value", "low", "high"),
                mode="markers",
                name=kind,
                legendgroup=kind,
                showlegend=row == 1,
                marker={"size": 9, "symbol": symbol, "color": colour, "line": {"color": colour, "width": 1.5}},
                hovertemplate="%{y}: refused<extra></extra>" if kind == "refused" else "%{y}: %{x:.5g}<extra></extra>",
                row=row,
                col=1,
            )
        order = named.filter(pl.col("log") == log)["name"].to_list()[::-1]
        figure.update_yaxes(categoryorder="array", categoryarray=order, row=row, col=1)
    figure.update_xaxes(title_text="value, reward per decision", row=len(logs), col=1)
    figure.update_layout(
        showlegend=True, legend={"orientation": "h", "y": 1, "yanchor": "bottom", "yref": "container", "x": 0}
    )
    return figure


def _panels(titles: Sequence[str], sizes: Sequence[float], bottom: int = 50) -> Figure:
    """Panels under each other, as high as what stands in them."""
    from plotly.subplots import make_subplots

    heights = [max(size, 2) * ROW_HEIGHT for size in sizes]
    total = sum(heights) + HEAD_HEIGHT * len(titles)
    figure = make_subplots(
        rows=max(len(titles), 1),
        cols=1,
        row_heights=heights or None,
        vertical_spacing=min(HEAD_HEIGHT * 0.8 / total, 1 / max(len(titles), 2)),
        subplot_titles=[label(title) for title in titles],
    )
    axis = {"gridcolor": LINE, "zeroline": False, "linecolor": LINE, "automargin": True}
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)
    # Titles stand at the left edge, where reading starts.
    figure.for_each_annotation(lambda note: note.update(x=0, xanchor="left", font={"size": 14, "color": INK}))
    figure.update_layout(
        template="none",
        height=round(total),
        showlegend=False,
        font={"family": "system-ui, sans-serif", "size": 13, "color": INK},
        margin={"l": 16, "r": 16, "t": 70, "b": bottom},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
    return figure


def _draw_held_out(figure: Figure, held_out: pl.DataFrame) -> None:
    worst = pl.col("log_likelihood").min().over("log")
    part = held_out.with_columns(1000 * (pl.col("log_likelihood") - worst)).reverse()
    figure.add_bar(
        x=part["log_likelihood"].to_list(),
        y=[label(f"{log} · {model}") for log, model in part.select("log", "model").iter_rows()],
        orientation="h",
        marker={"color": [PALETTE[0] if model == "fitted" else "#c9d0d9" for model in part["model"]]},
        hovertemplate="%{y}: %{x:.4g}<extra></extra>",
        row=1,
        col=1,
    )


def _draw_rates(figure: Figure, rates: pl.DataFrame, row: int) -> None:
    """Every segment's fitted rate as a faint dot, and the arm's rate over all segments with its interval."""
    overall = pl.col("segment").is_null()
    part = rates.filter(~overall)
    figure.add_scatter(
        x=[label(arm) for arm in part["arm"]],
        y=part["rate"].to_list(),
        text=[label(segment) for segment in part["segment"]],
        mode="markers",
        marker={"size": 6, "color": _faint(PALETTE[6], 0.35)},
        hovertemplate="%{text}, %{x}: %{y:.4f}<extra></extra>",
        row=row,
        col=1,
    )
    whole = rates.filter(overall)
    figure.add_scatter(
        x=[label(arm) for arm in whole["arm"]],
        y=whole["rate"].to_list(),
        error_y=_whiskers(whole, "rate", "rate_low", "rate_high"),
        mode="markers",
        marker={"size": 10, "color": PALETTE[0]},
        hovertemplate="%{x}: %{y:.4f}<extra></extra>",
        row=row,
        col=1,
    )
    figure.update_xaxes(type="category", row=row, col=1)
    figure.update_yaxes(title_text="rate", rangemode="tozero", row=row, col=1)


def _whiskers(frame: pl.DataFrame, middle: str, low: str, high: str) -> dict[str, Any]:
    """Error bars that end at ``low`` and ``high``; none where the interval is not known."""
    above = (frame[high] - frame[middle]).fill_null(0.0).fill_nan(0.0)
    below = (frame[middle] - frame[low]).fill_null(0.0).fill_nan(0.0)
    return {
        "type": "data",
        "symmetric": False,
        "array": above.to_list(),
        "arrayminus": below.to_list(),
        "thickness": 1.6,
        "width": 5,
        "color": SOFT,
    }


def _in_order(frame: pl.DataFrame, column: str) -> list[str]:
    """Distinct values in the order of their first row."""
    return frame[column].unique(maintain_order=True).to_list()


def _faint(colour: str, alpha: float = 0.16) -> str:
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{math.floor(alpha * 100) / 100})"
