"""Charts as Plotly figures. Each draws the same frame that its table shows; Plotly is imported when one is drawn."""

from __future__ import annotations

import html
import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from onetake.reports.columns import require_columns, require_keys

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

STANDINGS = ("suite", "agent", "score", "score_low", "score_high")
CURVES = ("suite", "agent", "step", "regret", "regret_low", "regret_high")
FIT = ("arms", "holdout", "replay")
ARM = ("label", "logged_rate", "rate", "low", "high")
# How the totals of single arms are named; the rest are totals of the whole log.
ARM_TOTAL = "successes."
POINTS = {"name": pl.String(), "value": pl.Float64(), "low": pl.Float64(), "high": pl.Float64(), "fine": pl.Boolean()}
ESTIMATES = ("log", "policy", "estimator", "value", "low", "high", "flags", "refused", "truth", "truth_source")

# Okabe and Ito's colours: told apart by colour-blind readers and in print.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#5b6575", "#000000")
INK, SOFT, LINE, WARN = "#18202f", "#5b6575", "#e1e5eb", "#b36b00"
ROW_HEIGHT, HEAD_HEIGHT, TOP, BOTTOM = 34, 110, 80, 60


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
    standings = standings.drop_nulls("score")
    suites = _in_order(standings, "suite")
    sizes = [standings.filter(pl.col("suite") == suite).height for suite in suites]
    figure = _panels([f"suite {suite}" for suite in suites], sizes)
    colour = colours(standings["agent"].to_list())
    for row, suite in enumerate(suites, 1):
        part = standings.filter(pl.col("suite") == suite).sort("score", "agent")
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


def regret_figure(curves: pl.DataFrame, unit: str = "reward", bounded: Collection[str] = ()) -> Figure:
    """Return cumulative regret over the episode with a band over replicates, one panel a suite.

    Args:
        curves: columns `CURVES`, one row an agent × suite × step.
        unit: what regret is counted in.
        bounded: suites whose yardstick is a bound, so that regret is at most what is drawn.

    Raises:
        SchemaError: where a column is missing.
    """
    require_columns(curves, CURVES, "regret curves")
    suites = _in_order(curves, "suite")
    figure = _panels([f"suite {suite}" for suite in suites], [7] * len(suites))
    colour = colours(curves["agent"].to_list())
    shown: set[str] = set()
    for row, suite in enumerate(suites, 1):
        for agent in sorted(curves.filter(pl.col("suite") == suite)["agent"].unique().to_list()):
            part = curves.filter((pl.col("suite") == suite) & (pl.col("agent") == agent)).sort("step")
            common = {"legendgroup": agent, "row": row, "col": 1}
            band = part.drop_nulls(["regret_low", "regret_high"])
            figure.add_scatter(
                x=band["step"].to_list() + band["step"].to_list()[::-1],
                y=band["regret_high"].to_list() + band["regret_low"].to_list()[::-1],
                fill="toself",
                fillcolor=_faint(colour[agent]),
                line={"width": 0},
                mode="lines",
                hoverinfo="skip",
                showlegend=False,
                **common,
            )
            figure.add_scatter(
                x=part["step"].to_list(),
                y=part["regret"].to_list(),
                name=label(agent),
                mode="lines",
                line={"color": colour[agent], "width": 2},
                showlegend=agent not in shown,
                hovertemplate="step %{x}: %{y:,.4g}",
                **common,
            )
            shown.add(agent)
        most = " (≤)" if suite in bounded else ""
        figure.update_yaxes(title_text=f"regret{most}, {label(unit)}", rangemode="tozero", row=row, col=1)
    figure.update_xaxes(title_text="step", row=len(suites), col=1)
    figure.update_layout(showlegend=True)
    return figure


def calibration_figure(fits: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Return the calibration check of every fit: held-out rows, replayed totals and fitted rates.

    Args:
        fits: calibration records by name, as `onetake.calibration.report.FitReport.record` makes them.

    Raises:
        SchemaError: where a record lacks a key.
    """
    for name, fit in fits.items():
        require_keys(fit, FIT, f"fit {name}")
    rivals = held_out_points(fits)
    totals = replayed_points(fits)
    titles = ["Held-out rows", "Replayed totals", *(f"Rates, {name}" for name in fits)]
    sizes = [rivals.height * 0.7, totals.height * 0.7, *([8] * len(fits))]
    figure = _panels(titles, sizes, bottom=90)
    for row, points in enumerate((rivals, totals), 1):
        figure.add_scatter(
            x=points["value"].to_list(),
            y=[label(name) for name in points["name"]],
            error_x=_whiskers(points, "value", "low", "high"),
            mode="markers",
            marker={"size": 9, "color": [PALETTE[0] if fine else WARN for fine in points["fine"]]},
            hovertemplate="%{y}: %{x:.4g}<extra></extra>",
            row=row,
            col=1,
        )
        figure.update_yaxes(autorange="reversed", row=row, col=1)
    figure.update_xaxes(title_text="fit minus rival, log-likelihood per 1,000 rows", row=1, col=1)
    figure.update_xaxes(title_text="logged total: 0 amid the simulated ones, ±1 at the ends", row=2, col=1)
    figure.add_vline(x=0, line={"color": SOFT, "width": 1, "dash": "dot"}, row=1, col=1)
    for end in (-1, 1):
        figure.add_vline(x=end, line={"color": SOFT, "width": 1, "dash": "dot"}, row=2, col=1)
    for row, fit in enumerate(fits.values(), 3):
        _draw_rates(figure, fit, row)
    return figure


def held_out_points(fits: Mapping[str, Mapping[str, Any]]) -> pl.DataFrame:
    """Return differences in held-out log-likelihood per 1,000 rows, ± two standard errors."""
    rows = [
        (
            f"{name} against {each['rival']}",
            1000 * each["difference"],
            1000 * (each["difference"] - 2 * each["standard_error"]),
            1000 * (each["difference"] + 2 * each["standard_error"]),
            each["verdict"] != "worse",
        )
        for name, fit in fits.items()
        for each in fit["holdout"]["comparisons"]
    ]
    return pl.DataFrame(rows, schema=POINTS, orient="row")


def replayed_points(fits: Mapping[str, Mapping[str, Any]], most: int = 12) -> pl.DataFrame:
    """Return where each logged total lies in its simulated interval: 0 in the middle, ±1 at the ends.

    Of a fit with more than ``most`` arms those farthest from the middle are kept, in their own order.
    """
    rows = []
    for name, fit in fits.items():
        parts = [*fit["replay"]["parts"], fit["replay"]["scatter"]]
        places = [_place(part) for part in parts]
        arms = [index for index, part in enumerate(parts) if part["what"].startswith(ARM_TOTAL)]
        left_out = set(sorted(arms, key=lambda index: -abs(places[index]))[most:])
        rows += [
            (f"{name}: {part['what']}", place, place, place, part["inside"])
            for index, (part, place) in enumerate(zip(parts, places, strict=True))
            if index not in left_out
        ]
    return pl.DataFrame(rows, schema=POINTS, orient="row")


def _place(part: Mapping[str, Any]) -> float:
    half = (part["high"] - part["low"]) / 2
    middle = (part["high"] + part["low"]) / 2
    if half == 0:
        return 0.0 if part["inside"] else 2.0
    # Far outside is far enough: the axis is for what is near.
    place: float = (part["logged"] - middle) / half
    return max(-5.0, min(5.0, place))


def off_policy_figure(estimates: pl.DataFrame) -> Figure:
    """Return a forest of off-policy estimates, one panel a log; refused ones have a word and no number.

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
        ("with doubts", ~pl.col("refused") & (pl.col("flags") != ""), "diamond", WARN),
    )
    shown: set[str] = set()
    for row, log in enumerate(logs, 1):
        for kind, chosen, symbol, colour in kinds:
            part = named.filter((pl.col("log") == log) & chosen)
            if part.is_empty():
                continue
            figure.add_scatter(
                x=part["value"].to_list(),
                y=part["name"].to_list(),
                error_x=_whiskers(part, "value", "low", "high"),
                mode="markers",
                name=kind,
                legendgroup=kind,
                showlegend=kind not in shown,
                marker={"size": 9, "symbol": symbol, "color": colour},
                hovertemplate="%{y}: %{x:.5g}<extra></extra>",
                row=row,
                col=1,
            )
            shown.add(kind)
        known = named.filter((pl.col("log") == log) & pl.col("truth").is_not_null())
        figure.add_scatter(
            x=known["truth"].to_list(),
            y=known["name"].to_list(),
            text=[label(source) for source in known["truth_source"]],
            mode="markers",
            name="what it really earned",
            legendgroup="truth",
            showlegend=row == 1,
            marker={"size": 12, "symbol": "line-ns-open", "color": INK, "line": {"width": 2}},
            hovertemplate="%{y}: %{x:.5g} in %{text}<extra></extra>",
            row=row,
            col=1,
        )
        for name in named.filter((pl.col("log") == log) & pl.col("refused"))["name"]:
            word = {"text": "refused", "showarrow": False, "xanchor": "left", "font": {"size": 11, "color": SOFT}}
            figure.add_annotation(x=0, xref="x domain", y=name, row=row, col=1, **word)
        order = named.filter(pl.col("log") == log)["name"].to_list()[::-1]
        # Stated whole: rows that are refused have no point that would hold their place.
        figure.update_yaxes(type="category", categoryarray=order, range=[-0.6, len(order) - 0.4], row=row, col=1)
    figure.update_xaxes(title_text="value, reward per decision", row=len(logs), col=1)
    figure.update_layout(showlegend=True)
    return figure


def _panels(titles: Sequence[str], sizes: Sequence[float], bottom: int = BOTTOM) -> Figure:
    """Panels under each other, as high as what stands in them."""
    from plotly.subplots import make_subplots

    heights = [max(size, 2) * ROW_HEIGHT for size in sizes]
    inner = sum(heights) + HEAD_HEIGHT * (len(titles) - 1)
    figure = make_subplots(
        rows=len(titles),
        cols=1,
        row_heights=heights,
        vertical_spacing=HEAD_HEIGHT / inner if len(titles) > 1 else 0,
        subplot_titles=[label(title) for title in titles],
    )
    axis = {"gridcolor": LINE, "zeroline": False, "linecolor": LINE, "automargin": True}
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)
    # Titles stand at the left edge, where reading starts.
    figure.for_each_annotation(lambda note: note.update(x=0, xanchor="left", font={"size": 14, "color": INK}))
    figure.update_layout(
        template="none",
        height=round(inner + TOP + bottom),
        showlegend=False,
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "top", "yref": "container", "tracegroupgap": 0},
        font={"family": "system-ui, sans-serif", "size": 13, "color": INK},
        margin={"l": 16, "r": 16, "t": TOP, "b": bottom},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": "#aeb6c2", "activecolor": SOFT},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
    return figure


def _draw_rates(figure: Figure, fit: Mapping[str, Any], row: int) -> None:
    """Logged and fitted rate of each arm; the interval is the fit's."""
    arms = pl.DataFrame([{key: arm[key] for key in ARM} for arm in fit["arms"]])
    names = [label(name) for name in arms["label"]]
    common = {"x": names, "mode": "markers", "row": row, "col": 1, "showlegend": row == 3}
    figure.add_scatter(
        y=arms["logged_rate"].to_list(),
        name="logged",
        legendgroup="logged",
        marker={"size": 9, "symbol": "line-ew-open", "color": SOFT, "line": {"width": 2}},
        hovertemplate="%{x} logged: %{y:.4f}<extra></extra>",
        **common,
    )
    figure.add_scatter(
        y=arms["rate"].to_list(),
        error_y=_whiskers(arms, "rate", "low", "high"),
        name="fitted",
        legendgroup="fitted",
        marker={"size": 7, "color": PALETTE[0]},
        hovertemplate="%{x} fitted: %{y:.4f}<extra></extra>",
        **common,
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
