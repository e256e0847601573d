"""The console script `onetake`, also reachable as `kedro onetake`, and the project's `kedro run`."""

from __future__ import annotations

import click
from kedro.framework.cli.project import run


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Rehearse decisions that get one take."""


commands = click.Group("onetake", {"onetake": main})
# Kedro looks for this name in the project's own module.
cli = click.Group("onetake", {"run": run})
