"""Kedro's runners, with nodes skipped that are up to date."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.framework import project
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from kedro.runner import AbstractRunner, ParallelRunner, SequentialRunner, ThreadRunner

from onetake.caching.datasets import Datasets
from onetake.caching.options import CacheError, CacheOptions, Mode, checked_mode
from onetake.caching.plan import Plan, Planner, planner_for
from onetake.caching.recording import Job, RecordingCatalog
from onetake.caching.records import Record

if TYPE_CHECKING:
    from pluggy import PluginManager


class Outputs(dict[str, Any]):
    """The datasets that a run leaves, built when asked for, and the plan that it followed."""

    def __init__(self, names: set[str], catalog: CatalogProtocol[Any, Any], plan: Plan) -> None:
        super().__init__(dict.fromkeys(sorted(names)))
        self._catalog = catalog
        self.plan = plan

    def __getitem__(self, name: str) -> Any:
        return self._catalog[name] if name in self.keys() else super().__getitem__(name)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self.keys()))

    def get(self, name: str, default: Any = None) -> Any:
        """Return a dataset, or the default where the run leaves none of that name."""
        return self[name] if name in self.keys() else default

    def values(self) -> Any:
        """Return the datasets."""
        return [self[name] for name in self.keys()]

    def items(self) -> Any:
        """Return names with their datasets."""
        return [(name, self[name]) for name in self.keys()]


class CachingMixin(AbstractRunner):
    """Put before a runner: plans, runs what must run, records what was written.

    Args:
        cache: `auto` runs what is not up to date, `force` runs all, `off` neither looks at records nor writes any.
        options: how nodes are fingerprinted; by default the source of the Kedro project counts.
        root: the project's folder; by default the working directory.
    """

    cache: Mode = "auto"
    options: CacheOptions | None = None
    root: Path | None = None

    def __init__(
        self,
        *args: Any,
        cache: str = "auto",
        options: CacheOptions | None = None,
        root: Path | None = None,
        **kwargs: Any,
    ) -> None:
        try:
            super().__init__(*args, **kwargs)
        except TypeError as error:
            raise CacheError(f"runner parameters: {error}") from error
        self.cache = checked_mode(cache)
        self.options = options
        self.root = root

    def planner(self) -> Planner:
        """Return what plans for this runner."""
        options = self.options or CacheOptions()
        package: str | None = getattr(project, "PACKAGE_NAME", None)
        if not options.first_party and package:
            options = dataclasses.replace(options, first_party=(package,))
        return planner_for(options, (self.root or Path.cwd()).resolve())

    def run(
        self,
        pipeline: Pipeline,
        catalog: Any,
        hook_manager: PluginManager | None = None,
        run_id: str | None = None,
        only_missing_outputs: bool = False,
    ) -> dict[str, Any]:
        """Run the nodes of a pipeline that are not up to date; see `AbstractRunner.run`."""
        if self.cache == "off":
            return super().run(pipeline, catalog, hook_manager, run_id, only_missing_outputs)
        planner = self.planner()
        plan = planner.plan(pipeline, catalog, self.cache)
        sources = planner.closure.states
        if only_missing_outputs:
            # What such a run reads may be out of date, so nothing that it writes may count as fresh.
            forgetting: Any = RecordingCatalog(catalog, planner.records, jobs(plan, catalog, keep=False), sources)
            return super().run(pipeline, forgetting, hook_manager, run_id, only_missing_outputs=True)
        self._logger.info("%d nodes to run, %d up to date", len(plan.running), len(plan.up_to_date))
        if plan.running:
            recording: Any = RecordingCatalog(catalog, planner.records, jobs(plan, catalog), sources, plan)
            super().run(pipeline.filter(node_names=plan.running), recording, hook_manager, run_id)
            recording.finish()
        return Outputs(pipeline.outputs(), catalog, plan)


def jobs(plan: Plan, catalog: Any, *, keep: bool = True) -> dict[str, Job]:
    """Return what to record for each output on disk of the nodes that run; with `keep` unset, what to forget."""
    datasets, found = Datasets(catalog), {}
    for step in plan.steps.values():
        record = Record(step.node.name, step.key, "", step.parts) if keep else None
        at_end = inspect.isgeneratorfunction(step.node.func)
        for name in step.node.outputs:
            path = datasets.entry(name).path
            if path is not None and (step.runs or not keep):
                found[name] = Job(path, record, at_end)
    return found


class CachedSequentialRunner(CachingMixin, SequentialRunner):
    """Runs what is not up to date, one node after the other."""

    def __repr__(self) -> str:
        # kedro-viz follows a run only if it reads these words in the runner's text.
        return f"<{type(self).__qualname__}, a kedro.runner.sequential_runner.SequentialRunner object>"


class CachedThreadRunner(CachingMixin, ThreadRunner):
    """Runs what is not up to date, in threads."""


class CachedParallelRunner(CachingMixin, ParallelRunner):
    """Runs what is not up to date, in processes."""
