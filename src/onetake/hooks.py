"""What happens around a run: it shows what it does."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from kedro.framework.hooks import hook_impl

from onetake.caching.datasets import Datasets

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

REPORT = "report"
"""The dataset whose place is told at the end of a run."""


class ProgressHooks:
    """Shows how far a run is. Nodes in other processes are told of by lines, since only one process can draw a bar."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._started: dict[str, float] = {}
        self._total: int | None = None
        self._ended = 0
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    @hook_impl
    def before_pipeline_run(self) -> None:
        """Start from nothing."""
        self._process, self._total, self._ended = os.getpid(), None, 0
        self._started = {}

    @hook_impl
    def before_node_run(self, node: Any, catalog: Any) -> None:
        """Note when a node starts; at the first one, how many will."""
        with self._lock:
            self._started[node.name] = time.monotonic()
            plan = getattr(catalog, "plan", None)
            if self._total is None and plan is not None:
                self._total = len(plan.running)
                click.echo(f"{len(plan.running)} nodes to run, {len(plan.up_to_date)} up to date")
                self._open_bar()
            if self._bar is not None and self._task is not None:
                self._bar.update(self._task, description=" ".join(sorted(self._started)))

    @hook_impl
    def after_node_run(self, node: Any) -> None:
        """Say that a node has ended."""
        with self._lock:
            seconds = time.monotonic() - self._started.pop(node.name, time.monotonic())
            self._ended += 1
            if self._bar is not None and self._task is not None:
                self._bar.update(self._task, completed=self._ended, description=" ".join(sorted(self._started)))
                return
            here = os.getpid() == self._process and self._total is not None
            count = f"[{self._ended}/{self._total}] " if here else ""
            click.echo(f"{count}{node.name} ({seconds:.1f} s)")

    @hook_impl
    def on_node_error(self, error: Exception, node: Any) -> None:
        """Note on the error which node it came from."""
        error.add_note(f"in node {node.name}")

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Leave the terminal as it was."""
        self._close_bar()

    @hook_impl
    def after_pipeline_run(self, run_result: dict[str, Any], pipeline: Any, catalog: Any) -> None:
        """Say how many nodes ran, how many were up to date, and where the report is."""
        self._close_bar()
        plan = getattr(run_result, "plan", None)
        if plan is None:
            click.echo(f"{self._ended} nodes ran")
        else:
            click.echo(f"{len(plan.running)} nodes ran, {len(plan.up_to_date)} up to date")
        if REPORT in pipeline.all_outputs():
            path = Datasets(catalog).location(REPORT)
            if path is not None and path.exists():
                click.echo(f"report: {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")

    def _open_bar(self) -> None:
        """Draw the bar if someone can see it."""
        if not sys.stdout.isatty():
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
        self._bar = Progress(*columns)
        self._task = self._bar.add_task("", total=self._total)
        self._bar.start()

    def _close_bar(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        self._bar = self._task = None
