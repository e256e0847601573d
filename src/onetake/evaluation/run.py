"""The front door: every agent on every suite, one episode each."""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from onetake.agents import AbstractAgent, make
from onetake.errors import ConfigError, OutputError, UnknownIdError
from onetake.evaluation.cell import Cell, Progress, run_cell, run_incumbent, unsupported
from onetake.evaluation.costs import COSTS_SCHEMA
from onetake.evaluation.curves import CURVES_SCHEMA
from onetake.evaluation.history import History, slug
from onetake.evaluation.incumbent import INCUMBENT
from onetake.evaluation.leaderboard import against_incumbent, scorecard
from onetake.evaluation.segments import SEGMENTS_SCHEMA
from onetake.evaluation.settings import EvaluationSettings, PlaySettings
from onetake.evaluation.spool import check_replaceable
from onetake.evaluation.summary import SUMMARY_SCHEMA, unsupported_rows

if TYPE_CHECKING:
    from onetake.envs.suite import Suite

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunResult:
    """What a run found.

    Attributes:
        summary: one row per agent, suite, environment and replicate; pairs that an agent does not support have one row
            per environment with the reason as their status.
        curves: cumulative regret. costs: wall time and memory. segments: reward by segment.
        histories: by suite and agent, where asked for.
    """

    summary: pl.DataFrame
    curves: pl.DataFrame
    costs: pl.DataFrame
    segments: pl.DataFrame
    settings: EvaluationSettings
    histories: Mapping[tuple[str, str], History] = field(default_factory=dict)

    def scorecard(self, suite: str) -> dict[str, pl.DataFrame]:
        """Return leaderboard, curves and paired differences of one suite; see `onetake.evaluation.leaderboard`.

        Raises:
            UnknownIdError: a suite that was not played.
        """
        played = self.summary["suite"].unique().sort().to_list()
        if suite not in played:
            raise UnknownIdError(f"suite: got {suite!r}; played were {', '.join(played)}")
        own = [frame.filter(pl.col("suite") == suite) for frame in (self.summary, self.curves, self.segments)]
        return scorecard(own[0], own[1], self.settings, own[2])


def run(
    agents: Mapping[str, AbstractAgent] | Sequence[str] | str,
    suites: Sequence[Suite] | Suite,
    settings: EvaluationSettings | None = None,
    *,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> RunResult:
    """Let every agent play every suite, and the incumbent of each suite beside them.

    Args:
        agents: agents by name, or registered ids, or one id.
        suites: what they play; one or several.
        settings: seed and what is kept; the defaults where not given.
        folder: gets ``<suite>/<agent>/summary.parquet``, ``curves.parquet``, ``costs.parquet``, ``segments.parquet``
            and, if histories are asked for, ``history/``. File names are slugs of the names. Each cell
            appears whole or not at all.
        progress: told after every step; lines in the log where not given.

    Raises:
        ConfigError: two agents or two suites bear one name, or there is nothing to play.
        OutputError: the folder cannot be written.
        StoppedEarly: an episode was still running at the step limit.
    """
    settings = settings or EvaluationSettings()
    agents = [agents] if isinstance(agents, str) else agents
    suites = suites if isinstance(suites, Sequence) else [suites]
    named = dict(agents) if isinstance(agents, Mapping) else {name: make(name) for name in agents}
    _check_names(list(named), len(agents), [suite.name for suite in suites])
    out = None if folder is None else _writable(Path(folder))
    frames: list[tuple[pl.DataFrame, ...]] = []
    histories: dict[tuple[str, str], History] = {}
    for suite in suites:
        played: pl.DataFrame | None = None
        for name in (INCUMBENT, *named):
            cell = evaluate(named.get(name), suite, settings, name=name, progress=progress or announce())
            if cell.summary.is_empty():
                continue
            played = cell.summary if name == INCUMBENT else played
            cell = replace(cell, summary=against_incumbent(cell.summary, played))
            if out is not None:
                cell = write_cell(cell, out / slug(suite.name) / slug(name), settings)
            frames.append(cell.frames)
            if cell.history is not None:
                histories[suite.name, name] = cell.history
    summary, curves, costs, segments = (pl.concat(kind) for kind in zip(*frames, strict=True))
    return RunResult(summary, curves, costs, segments, settings, histories)


def evaluate(
    agent: AbstractAgent | None,
    suite: Suite,
    settings: PlaySettings,
    *,
    name: str,
    progress: Progress | None = None,
    resume: Path | None = None,
) -> Cell:
    """Play one cell; without an agent, the incumbent's (empty where the suite names no incumbent).

    An agent that does not support every environment of the suite plays none of it: the cell then holds the reasons.
    ``resume`` is as in `run_cell`.
    """
    if agent is None:
        played = run_incumbent(suite, settings, progress=progress)
        return empty_cell(pl.DataFrame(schema=SUMMARY_SCHEMA)) if played is None else played
    reasons = unsupported(agent, suite)
    if reasons:
        return empty_cell(unsupported_rows(suite.name, name, reasons))
    return run_cell(agent, suite, settings, name=name, progress=progress, resume=resume)


def empty_cell(summary: pl.DataFrame) -> Cell:
    """Return a cell in which nothing was played."""
    curves, costs, segments = (pl.DataFrame(schema=kind) for kind in (CURVES_SCHEMA, COSTS_SCHEMA, SEGMENTS_SCHEMA))
    return Cell(summary, curves, costs, segments)


def write_cell(cell: Cell, folder: Path, settings: PlaySettings) -> Cell:
    """Write a cell into a folder of its own, replacing an older one, and return it with its history moved there.

    Raises:
        OutputError: something that is no cell lies there.
    """
    check_replaceable(folder, "summary.parquet")
    beside = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    cell.summary.write_parquet(beside / "summary.parquet")
    cell.curves.write_parquet(beside / "curves.parquet")
    cell.costs.write_parquet(beside / "costs.parquet")
    cell.segments.write_parquet(beside / "segments.parquet")
    (beside / "settings.json").write_text(json.dumps(asdict(settings), indent=1))
    if cell.history is not None:
        cell.history.move(beside / "history")
    if folder.exists():
        shutil.rmtree(folder)
    beside.rename(folder)
    history = None if cell.history is None else History(folder / "history")
    return Cell(*cell.frames, history)


def announce(seconds: float = 10.0) -> Progress:
    """Return a progress callback that writes a line to the log now and then, and nothing for what is quickly done."""
    started = last = time.monotonic()

    def tell(what: str, done: int, of: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= seconds:
            last = now
            logger.info("%s: step %d of %d (%.0f s)", what, done, of, now - started)

    return tell


def _check_names(agents: list[str], given: int, suites: list[str]) -> None:
    if not agents or not suites:
        raise ConfigError(f"run: got {len(agents)} agents and {len(suites)} suites; wanted at least one of each")
    if len(agents) != given or len(set(suites)) != len(suites):
        raise ConfigError(f"run: got agents {agents} and suites {suites}; wanted every name once")
    if INCUMBENT in agents:
        raise ConfigError(f"agents: got the name {INCUMBENT}; wanted another, that is what the suite itself names")


def _writable(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"folder: got {folder} ({error.strerror}); wanted a directory that can be written") from error
    if not os.access(folder, os.W_OK):
        raise OutputError(f"folder: got {folder}, which is read-only; wanted a directory that can be written")
    return folder
