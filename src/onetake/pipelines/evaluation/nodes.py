"""Thin faces of `onetake.evaluation`."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import polars as pl

from onetake.agents import AbstractAgent
from onetake.build import build
from onetake.envs.suite import Suite
from onetake.evaluation import (
    INCUMBENT,
    EvaluationSettings,
    History,
    PlaySettings,
    ScoreSettings,
    announce,
    evaluate,
    scorecard,
)

# Where finished blocks of a cell wait until all of it is finished.
WAITING = Path(".cache/cells")

Frames = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]


def play(
    suite: Suite,
    agent: dict[str, Any],
    settings: PlaySettings,
    *,
    name: str,
    agent_class: type[AbstractAgent],
    defaults: dict[str, Any],
) -> Frames | tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame, History]:
    """Let an agent play a suite: summary, curves, costs, segments and, if asked for, the history."""
    made = build(f"agents.{name}", agent, lambda type, **own: agent_class(**{**defaults, **own}))
    cell = evaluate(made, suite, settings, name=name, progress=announce(), resume=WAITING)
    return cell.frames if cell.history is None else (*cell.frames, cell.history)


def play_incumbent(suite: Suite, settings: PlaySettings) -> Frames:
    """Let the incumbent of a suite play it; empty frames where the suite names none."""
    return evaluate(None, suite, replace(settings, history=False), name=INCUMBENT, progress=announce()).frames


def score(played: PlaySettings, scored: ScoreSettings, **frames: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Make the scorecard of a suite from the summaries and curves of all who played it."""
    settings = EvaluationSettings(**asdict(played), **asdict(scored))
    summary, curves, segments = (_joined(frames, kind) for kind in ("summary", "curves", "segments"))
    return scorecard(summary, curves, settings, segments)


def join_costs(**frames: pl.DataFrame) -> pl.DataFrame:
    """Put the costs of all cells of a suite under one another."""
    return _joined(frames, "costs")


def _joined(frames: dict[str, pl.DataFrame], kind: str) -> pl.DataFrame:
    return pl.concat(frame for name, frame in frames.items() if name.endswith(f"__{kind}"))
