"""The console script `onetake`, also reachable as `kedro onetake`, and the project's own `kedro run`.

Kedro imports this module for every command, so everything heavy is imported inside the verbs.
"""

from __future__ import annotations

import copy
import functools
import logging
import os

import click

# Kedro says on import where its logging is configured, on standard output, where a verb may be writing YAML.
logging.getLogger("kedro.framework.project").setLevel(logging.WARNING)

from kedro.framework.cli.project import run as stock_run

import onetake
from onetake.caching import cached_runner_name
from onetake.cli import judging, running
from onetake.cli.refusals import refused_in_one_line, refusing

# The telemetry plugin that Kedro brings would write an id into pyproject.toml and ask the network at every command.
os.environ.setdefault("DO_NOT_TRACK", "1")

HELP = {"help_option_names": ["-h", "--help"]}


@click.group(context_settings=HELP)
@click.version_option(onetake.__version__, prog_name="onetake")
def main() -> None:
    """Rehearse decisions that get one take."""


@main.command()
@click.argument("node")
@click.option("--pipeline", "-p", default="__default__", show_default=True, help="The pipeline that has the node.")
@click.option("--env", "-e", default=None, help="The folder of conf that lies over base.")
@click.option("--parts", is_flag=True, help="Also list everything that the node depends on.")
@refused_in_one_line
def why(node: str, pipeline: str, env: str | None, parts: bool) -> None:
    """Say whether NODE would run now, and because of what."""
    from onetake.cli.verbs import explain_node

    for line in explain_node(node, pipeline, env, parts=parts):
        click.echo(line)


@main.command("list")
@click.argument("kind", type=click.Choice(["agents", "environments", "pipelines", "suites"]))
@click.option("--env", "-e", default=None, help="The folder of conf that lies over base.")
@refused_in_one_line
def list_(kind: str, env: str | None) -> None:
    """List what there is of a KIND: ids that conf can name, pipelines and suites that can be run."""
    from onetake.cli import verbs

    for line in getattr(verbs, kind)(env):
        click.echo(line)


for verb in (*judging.VERBS, *running.VERBS):
    main.add_command(verb)


def cached_run() -> click.Command:
    """Return Kedro's `run` with cached runners, refusals in one line, and nothing else changed."""
    command = copy.copy(stock_run)
    original = command.callback
    assert original is not None

    @functools.wraps(original)
    def run(**kwargs: object) -> object:
        name = kwargs.pop("runner")
        with refusing():
            return original(**kwargs, runner=cached_runner_name(name if isinstance(name, str) else None))

    command.callback = run
    command.help = "Run the pipeline; nodes whose code, parameters and inputs have not changed are skipped."
    return command


run = cached_run()
commands = click.Group("onetake", {"onetake": main})
# Kedro looks for this name in the project's own module.
cli = click.Group("onetake", {"run": run})
