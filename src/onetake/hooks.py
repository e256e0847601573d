"""What a run shows: a bar over the nodes on a terminal, a line for each node elsewhere, and a last word."""

from __future__ import annotations

import time
from typing import Any

import click
from kedro.framework.hooks import hook_impl


class ProgressHooks:
    """Says which node has ended and how long it took."""

    def __init__(self) -> None:
        self._started: dict[str, float] = {}

    @hook_impl
    def before_node_run(self, node: Any) -> None:
        """Note when a node starts."""
        self._started[node.name] = time.monotonic()

    @hook_impl
    def after_node_run(self, node: Any) -> None:
        """Say that a node has ended."""
        seconds = time.monotonic() - self._started.pop(node.name)
        click.echo(f"{node.name} ({seconds:.1f} s)")
