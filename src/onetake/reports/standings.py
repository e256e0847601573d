"""Scorecards of several suites as the frames that tables and charts draw from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from onetake.evaluation.paired import suite_as_a_whole
from onetake.evaluation.rivals import survival
from onetake.reports.columns import require_columns, require_keys
from onetake.reports.risks import FRAMES

Scorecard = Mapping[str, pl.DataFrame]

LEADERBOARD = (
    *("suite", "agent", "rank", "rank_low", "rank_high", "best_share", "score", "score_low", "score_high"),
    *("regret", "realised", "incumbent_difference", "worse_than_incumbent", "environments", "runs", "ranked_by"),
    "status",
)
PARTS = ("cost_of_constraints", "cost_of_not_knowing", "cost_of_exploring")
YARDSTICKS = ("regret_to_best_fixed", "regret_to_best_fixed_per_entity")
SUMMARY = (
    *("suite", "environment", "agent", "replicate", "draws", "entities", "steps", "status", "score", "yardstick_kind"),
    "regret",
    *PARTS,
    *YARDSTICKS,
)
CURVES = ("suite", "environment", "agent", "step", "regret", "regret_low", "regret_high")
DIFFERENCES = (
    *("suite", "environment", "metric", "agent", "opponent", "replicates", "draws", "level", "difference", "low"),
    "high",
    *("bootstrap_low", "bootstrap_high", "wins", "p_adjusted", "draw_low", "draw_high", "winner_changes"),
)


@dataclass(frozen=True)
class Standings:
    """What all suites together say, one suite under another in the order given.

    Attributes:
        board: leaderboards, with the parts of regret (money: mean over replicates, summed over environments) and the
            interval of regret, and ``flawless``: no run had any regret.
        curves: regret over time of each suite as a whole.
        pairs: paired differences in score of each suite as a whole.
        environments: mean score of each agent in each environment.
        plays: what was played, one row a suite: numbers of environments, entities, steps, replicates and parameter
            draws (the largest of its environments), and the kinds of yardstick.
        risks: frames of `onetake.evaluation.risks` that the report shows, by name.
    """

    board: pl.DataFrame
    curves: pl.DataFrame
    pairs: pl.DataFrame
    environments: pl.DataFrame
    plays: pl.DataFrame
    risks: Mapping[str, pl.DataFrame] = field(default_factory=dict)

    @property
    def suites(self) -> list[str]:
        """Names of the suites, in order."""
        return self.board["suite"].unique(maintain_order=True).to_list()

    @property
    def bounded(self) -> list[str]:
        """Names of the suites whose yardstick is a bound in any environment, in order."""
        return self.plays.filter(pl.col("yardstick").str.contains("bound"))["suite"].to_list()

    def of(self, suite: str) -> Standings:
        """Return what one suite says."""
        own = pl.col("suite") == suite
        return Standings(
            self.board.filter(own),
            self.curves.filter(own),
            self.pairs.filter(own),
            self.environments.filter(own),
            self.plays.filter(own),
            {name: frame.filter(own) for name, frame in self.risks.items()},
        )


def standings(scorecards: Mapping[str, Scorecard], rivals: Mapping[str, Sequence[str]] | None = None) -> Standings:
    """Return the standings of all suites.

    Args:
        scorecards: by suite; each has the frames ``leaderboard``, ``summary``, ``curves`` and ``differences`` of
            `onetake.evaluation.leaderboard.scorecard`, and those of `onetake.evaluation.risks`.
        rivals: suites of the same decisions under another model of demand, by suite.

    Raises:
        SchemaError: naming the frame and the columns that it lacks.
        UnknownIdError: rivals of a suite that was not played.
    """
    wanted = {"leaderboard": LEADERBOARD, "summary": SUMMARY, "curves": CURVES, "differences": DIFFERENCES}
    for suite, card in scorecards.items():
        require_keys(card, (*wanted, *FRAMES), f"scorecard {suite}")
        for frame, columns in wanted.items():
            require_columns(card[frame], columns, f"scorecard {suite}, {frame}")
    cards = list(scorecards.values())
    summary = pl.concat([card["summary"] for card in cards])
    finished = summary.filter(pl.col("status") == "finished")
    curves = pl.concat([suite_as_a_whole(card["curves"]) for card in cards])
    pairs = pl.concat([suite_as_a_whole(card["differences"]) for card in cards]).filter(pl.col("metric") == "score")
    board = pl.concat([card["leaderboard"].select(LEADERBOARD) for card in cards])
    last = curves.filter(pl.col("step") == pl.col("step").max().over("suite", "agent"))
    keys = ["suite", "agent"]
    board = board.join(_money(finished), on=keys, how="left", maintain_order="left").join(
        last.select(*keys, "regret_low", "regret_high"), on=keys, how="left", maintain_order="left"
    )
    scores = finished.group_by("suite", "environment", "agent", maintain_order=True).agg(pl.col("score").mean())
    plays = finished.group_by("suite", maintain_order=True).agg(
        pl.col("environment").n_unique().alias("environments"),
        pl.col("entities", "steps").max(),
        (pl.col("replicate").max() + 1).alias("replicates"),
        pl.col("draws").max(),
        pl.col("yardstick_kind").drop_nulls().unique().sort().str.join(", ").alias("yardstick"),
    )
    risks = {name: pl.concat([card[name] for card in cards]) for name in FRAMES}
    risks["survival"] = survival(scorecards, rivals or {})
    return Standings(board, curves.select(CURVES), pairs.select(DIFFERENCES), scores, plays, risks)


def _money(finished: pl.DataFrame) -> pl.DataFrame:
    """Parts of regret and distances to fixed play: means over replicates, summed over environments."""
    money = [pl.col(name) for name in (*PARTS, *YARDSTICKS)]
    means = finished.group_by("suite", "environment", "agent", maintain_order=True).agg(
        *(m.mean() for m in money), (pl.col("regret") == 0).all().alias("flawless")
    )
    known = [*(pl.when(m.null_count() == 0).then(m.sum()) for m in money), pl.col("flawless").all()]
    return means.group_by("suite", "agent", maintain_order=True).agg(*known)
