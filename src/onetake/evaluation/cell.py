"""A cell: one agent plays one suite, once.

Each environment of the suite is played by all its replicates as one batch, in blocks of replicates where a batch would
be too large. Luck is a function of (seed, suite, environment, replicate, entity, step), the same for every agent, so
agents are compared in pairs and blocks change nothing.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from onetake.agents import AbstractAgent
from onetake.envs.foreign import ForeignVectorEnv, speed_note
from onetake.envs.sim import SimVectorEnv
from onetake.errors import ConfigError, StoppedEarly
from onetake.evaluation.arrivals import Kept
from onetake.evaluation.blocks import BlockStore
from onetake.evaluation.costs import Stopwatch, cost_row
from onetake.evaluation.curves import CurveRecorder
from onetake.evaluation.history import History, finish, slug, spool_folder
from onetake.evaluation.incumbent import INCUMBENT, incumbent_agent, incumbent_probabilities
from onetake.evaluation.regret import Ledger, Standards
from onetake.evaluation.segments import NO_SEGMENTS, SEGMENTS_SCHEMA, SegmentLedger, segments_of
from onetake.evaluation.settings import PlaySettings
from onetake.evaluation.standards import (
    allowed_arms,
    is_known,
    nothing_known,
    per_replicate,
    standards,
    without_budget,
    yardstick_kind,
)
from onetake.evaluation.summary import summary_rows
from onetake.seeding import child_seed
from onetake.types import Decision, Float32, Float64, Int64, Observation, Transitions

if TYPE_CHECKING:
    from onetake.envs.suite import AnyVectorEnv, EnvironmentEntry, Suite
    from onetake.evaluation.spool import BlockSpool, Latent

_LOG = logging.getLogger(__name__)
Progress = Callable[[str, int, int], None]
"""Called with what is being played, steps done and steps in all."""


@dataclass(frozen=True)
class Cell:
    """What one agent did on one suite.

    Attributes:
        summary: one row per environment and replicate; see `onetake.evaluation.summary`.
        curves: cumulative regret at some steps; see `onetake.evaluation.curves`.
        costs: wall time and memory; different each time.
        segments: reward by segment; see `onetake.evaluation.segments`.
        history: every step, where asked for.
    """

    summary: pl.DataFrame
    curves: pl.DataFrame
    costs: pl.DataFrame
    segments: pl.DataFrame
    history: History | None = None

    @property
    def frames(self) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """Summary, curves, costs and segments."""
        return self.summary, self.curves, self.costs, self.segments


def run_cell(
    agent: AbstractAgent,
    suite: Suite,
    settings: PlaySettings,
    *,
    name: str,
    progress: Progress | None = None,
    resume: Path | None = None,
    parts: Mapping[str, tuple[int, int]] | None = None,
) -> Cell:
    """Let an agent play every environment of a suite, from scratch, for one episode.

    Args:
        agent: begun anew in every environment.
        suite: what is played.
        settings: seed, blocks and what is kept.
        name: of the agent, in every row.
        progress: told after every step.
        resume: folder in which finished blocks wait until the cell is finished, so that a killed one goes on there;
            not where a history is kept.
        parts: first replicate and number of replicates by environment; all where not given.

    Raises:
        ConfigError: the agent does not support an environment of the suite; see `unsupported`.
        StoppedEarly: an episode was still running after ``settings.max_steps`` steps.
    """
    reasons = unsupported(agent, suite)
    if reasons:
        environment, reason = next(iter(reasons.items()))
        raise ConfigError(f"agent {name} on {environment} of suite {suite.name}: {reason}")
    players = [(entry, agent) for entry in suite.environments]
    if resume is None or settings.history:
        return _play_all(players, suite, settings, name, progress, parts=parts)
    store = BlockStore.of(resume, agent, suite, settings, name)
    cell = _play_all(players, suite, settings, name, progress, store, parts)
    store.clear()
    return cell


def run_incumbent(suite: Suite, settings: PlaySettings, *, progress: Progress | None = None) -> Cell | None:
    """Let the incumbent of a suite play it, under the same luck as every agent; None where the suite names none.

    Environments that have no incumbent are left out.
    """
    players = []
    for entry in suite.environments:
        chances = incumbent_probabilities(suite, entry.name, _first(entry).batch_spec.num_actions)
        if chances is not None:
            players.append((entry, incumbent_agent(chances)))
    if not players:
        return None
    return _play_all(players, suite, settings, INCUMBENT, progress)


def unsupported(agent: AbstractAgent, suite: Suite) -> dict[str, str]:
    """Return why the agent cannot play an environment, for each that it cannot."""
    reasons = {entry.name: agent.supports(_first(entry).batch_spec) for entry in suite.environments}
    return {environment: reason for environment, reason in reasons.items() if reason is not None}


def _play_all(
    players: list[tuple[EnvironmentEntry, AbstractAgent]],
    suite: Suite,
    settings: PlaySettings,
    name: str,
    progress: Progress | None,
    store: BlockStore | None = None,
    parts: Mapping[str, tuple[int, int]] | None = None,
) -> Cell:
    folder = spool_folder() if settings.history else None
    try:
        rounds = [
            _Round(suite, entry, agent, settings, name, folder, progress, store, (parts or {}).get(entry.name))
            for entry, agent in players
        ]
        played = [each.play() for each in rounds]
        history = None
        if folder is not None:
            names = [entry.name for entry, _ in players]
            history = finish(folder, suite=suite.name, agent=name, environments=names)
    except BaseException:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    summary, curves, costs, segments = (pl.concat(frames) for frames in zip(*played, strict=True))
    return Cell(summary, curves, costs, segments, history)


@dataclass(frozen=True)
class _Round:
    """One environment of a cell."""

    suite: Suite
    entry: EnvironmentEntry
    agent: AbstractAgent
    settings: PlaySettings
    name: str
    folder: Path | None
    progress: Progress | None
    store: BlockStore | None = None
    part: tuple[int, int] | None = None

    def play(self) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """Return summary, curves, costs and segments."""
        blocks = list(self._blocks())
        spools = self._spool_folders(len(blocks))
        with Stopwatch() as watch:
            frames = [self._known(*block, spool) for block, spool in zip(blocks, spools, strict=True)]
            self._merge([spool for spool in spools if spool is not None])
        summary, curves, segments = (pl.concat(parts) for parts in zip(*frames, strict=True))
        labels = {"suite": self.suite.name, "environment": self.entry.name, "agent": self.name}
        named = [pl.lit(value).alias(column) for column, value in labels.items()]
        decisions = int((summary["steps"] * summary["entities"]).sum())
        costs = cost_row(self.suite.name, self.entry.name, self.name, decisions, watch)
        return (
            summary,
            curves.select(*named, pl.all()),
            costs,
            segments.select(*named, pl.all()).select(*SEGMENTS_SCHEMA),
        )

    def _known(self, first: int, count: int, spool: Path | None) -> tuple[pl.DataFrame, ...]:
        """A block as an earlier, killed run left it, else played."""
        if self.store is None:
            return self._block(first, count, spool)
        block = f"{slug(self.entry.name)}-{first}-{count}"
        frames = self.store.load(block)
        if frames is None:
            frames = self._block(first, count, spool)
            self.store.save(block, frames)
        return frames

    def _blocks(self) -> Iterator[tuple[int, int]]:
        most = max(1, self.settings.max_environments // self.entry.entities)
        start, count = self.part or (0, self.entry.replicates)
        for first in range(start, start + count, most):
            yield first, min(most, start + count - first)

    def _spool_folders(self, blocks: int) -> list[Path | None]:
        if self.folder is None:
            return [None] * blocks
        place = self.folder / slug(self.entry.name)
        return [place] if blocks == 1 else [place / f"block-{i}" for i in range(blocks)]

    def _merge(self, spools: list[Path]) -> None:
        if self.folder is not None:
            from onetake.evaluation.spool import merge_blocks

            merge_blocks(spools, self.folder / slug(self.entry.name))

    def _block(
        self, first: int, count: int, spool_place: Path | None
    ) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        labels = (self.suite.name, self.entry.name)
        seed = child_seed(self.settings.seed, "environment", *labels)
        env = self.entry.make(seed, first_replicate=first, replicates=count)
        if self.settings.track_fixed and is_known(env):
            env.track_fixed()
        obs, _ = env.reset(seed=seed)
        spec = env.batch_spec
        self.agent.begin(spec, child_seed(self.settings.seed, "agent", *labels))
        ledger = Ledger(count, max(1, spec.num_actions))
        known = standards(env, child_seed(self.settings.seed, "standards", *labels))
        if known is not None:
            known = replace(known, unconstrained=without_budget(self.entry, seed, first, count))
        recorder = CurveRecorder(self.entry.steps, self.settings.curve_points, known)
        spool = self._spool(spool_place, env, count)
        groups = segments_of(self.entry.columns, self.entry.entities)
        segments = SegmentLedger(groups or NO_SEGMENTS, count)
        try:
            if spool is not None:
                spool.reset(obs)
            self._episode(env, obs, (ledger, recorder, segments), spool)
        except BaseException:
            if spool is not None:
                spool.abandon()
            raise
        if spool is not None:
            spool.close()
        if isinstance(env, ForeignVectorEnv):
            _LOG.warning("%s × %s: %s is %s", self.suite.name, self.name, self.entry.name, speed_note(env))
        curves = recorder.frame(first, draws=self.entry.draws, seeds=self._seeds)
        told = segments.frame(first, self.entry.draws)
        return self._summary(env, ledger, first, known), curves, told

    def _spool(self, place: Path | None, env: AnyVectorEnv, count: int) -> BlockSpool | None:
        if place is None:
            return None
        # Arrow is needed for histories only.
        from onetake.evaluation.spool import BlockSpool

        return BlockSpool(place, env.batch_spec, per_step=count < self.entry.replicates)

    def _episode(
        self,
        env: AnyVectorEnv,
        obs: Float32,
        books: tuple[Ledger, CurveRecorder, SegmentLedger],
        spool: BlockSpool | None,
    ) -> None:
        ledger, recorder, segments = books
        running: Int64 | None = None  # rows that have not ended, or None for all
        longest = getattr(env, "longest_delay", None)
        kept = None if longest is None else Kept(longest)
        while running is None or len(running):
            if ledger.steps == self.settings.max_steps:
                raise StoppedEarly(
                    f"{self.name} on {self.entry.name} of suite {self.suite.name}: got an episode still running after "
                    f"{ledger.steps} steps; wanted its end within max_steps"
                )
            observation = _seen(env, obs, ledger.steps, _acting(env, running))
            decision, greedy = (_whole(self._ask(observation, explore), env.num_envs) for explore in (True, False))
            if is_known(env):
                account = env.account(decision.action, greedy.action)
            else:
                account = nothing_known(ledger.replicates, ledger.num_actions)
            latent = None if spool is None else _latent(env, decision, greedy)
            next_obs, reward, terminated, truncated, _ = env.step(decision.action)
            ledger.add(account, per_replicate(reward, ledger.replicates))
            segments.add(reward)
            if spool is not None and latent is not None:
                spool.step(ledger.steps, decision.action, reward, (terminated, truncated), next_obs)
                spool.know(latent)
            made = Transitions(observation.step, obs, decision.action, reward, next_obs, terminated, truncated)
            self._teach(env, made, observation.rows, kept)
            over = terminated | truncated
            if over.any():
                running = np.flatnonzero(~over)
            recorder.look(ledger, last=running is not None and not len(running))
            obs = next_obs
            if self.progress is not None:
                self.progress(f"{self.suite.name} × {self.name}: {self.entry.name}", ledger.steps, self.entry.steps)

    def _ask(self, observation: Observation, explore: bool) -> Decision:
        """What the agent does; nothing where there is nobody to do it for."""
        if observation.rows is not None and not len(observation.rows):
            return Decision(observation.step, observation.rows, rows=observation.rows)
        return self.agent.act(observation, explore=explore)

    def _teach(self, env: AnyVectorEnv, made: Transitions, rows: Int64 | None, kept: Kept | None) -> None:
        """Let the agent learn what it may know after a step: of its rows, or where outcomes are late what arrived."""
        if kept is not None and isinstance(env, SimVectorEnv):
            kept.keep(made)
            made = kept.outcomes(env.arrived())
        elif rows is not None:
            made = _part(made, rows)
        if made.rows is None or len(made.rows):
            self.agent.learn(made)

    def _summary(self, env: AnyVectorEnv, ledger: Ledger, first: int, known: Standards | None) -> pl.DataFrame:
        per_entity = None if known is None else known.best_fixed_per_entity
        if self.settings.track_fixed and known is None and is_known(env):
            per_entity = per_replicate(env.fixed_totals().max(axis=1), ledger.replicates)
        totals = ledger.close(per_entity, known)
        chances = incumbent_probabilities(self.suite, self.entry.name, ledger.num_actions)
        return summary_rows(
            totals,
            labels={
                "suite": self.suite.name,
                "environment": self.entry.name,
                "agent": self.name,
                "entities": self.entry.entities,
                "steps": ledger.steps,
                "status": "finished",
                "yardstick_kind": yardstick_kind(env),
            },
            first_replicate=first,
            draws=self.entry.draws,
            seeds=self._seeds,
            # Where actions change what comes, only the incumbent's own cell knows what it earns.
            incumbent=None if chances is None or known is not None else weighted(totals.arms, chances),
        )

    @property
    def _seeds(self) -> int:
        return self.entry.replicates // self.entry.draws


def _acting(env: AnyVectorEnv, running: Int64 | None) -> Int64 | None:
    """Rows that have not ended and are there, or None for all."""
    ask = getattr(env, "present", None)
    present = None if ask is None else ask()
    if present is None:
        return running
    return np.flatnonzero(present) if running is None else running[present[running]]


def _seen(env: AnyVectorEnv, obs: Float32, step: int, running: Int64 | None) -> Observation:
    """What the agent sees of the environments that have not ended."""
    mask = allowed_arms(env)
    if running is None:
        return Observation(obs, step, mask=mask)
    return Observation(obs[running], step, running, None if mask is None else mask[running])


def weighted(arms: Float64, chances: Float64) -> Float64:
    """Expected reward ``(R,)`` of playing arm k with chance ``chances[k]``, summed arm after arm."""
    value = np.zeros(len(arms))
    for k, chance in enumerate(chances.tolist()):
        if chance:
            value += chance * arms[:, k]
    return value


def _latent(env: AnyVectorEnv, decision: Decision, greedy: Decision) -> Latent:
    from onetake.evaluation.spool import Latent

    if not is_known(env):
        unknown = np.full(env.num_envs, np.nan)
        return Latent(unknown, unknown, np.full(env.num_envs, -1), greedy.action)
    expected, best = env.expected_reward(), env.best()
    row = np.arange(len(best))
    return Latent(expected[row, decision.action], expected[row, best], best, greedy.action)


def _whole(decision: Decision, num_envs: int) -> Decision:
    """The decision for every row; those that have ended stand still whatever they are told."""
    if decision.rows is None:
        return decision
    action = np.zeros(num_envs, dtype=np.int64)
    action[decision.rows] = decision.action
    return Decision(decision.step, action)


def _part(made: Transitions, rows: Int64) -> Transitions:
    return Transitions(
        made.decision_step,
        made.obs[rows],
        made.action[rows],
        made.reward[rows],
        made.next_obs[rows],
        made.terminated[rows],
        made.truncated[rows],
        rows=rows,
    )


def _first(entry: EnvironmentEntry) -> AnyVectorEnv:
    """The first replicate alone: enough to ask for the spec."""
    return entry.make(0, first_replicate=0, replicates=1)
