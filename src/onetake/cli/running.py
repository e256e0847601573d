"""Verbs that run one agent on one environment: `create-default`, `train`, `evaluate`."""

from __future__ import annotations

from pathlib import Path

import click

from onetake.cli.refusals import refused_in_one_line

RUN = click.argument("run", type=click.Path(path_type=Path))
SHOWN = ("rank", "agent", "score", "score_low", "score_high", "regret", "realised")


@click.command("create-default")
@click.option("--agent", "-a", required=True, help="A registered id (`onetake list agents`) or an entry point.")
@click.option("--env", "-e", "environment", required=True, help="An id (`onetake list environments`) or an Env class.")
@click.option("--output", "-o", type=click.Path(path_type=Path), default=None, help="File to write; printed if none.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@refused_in_one_line
def create_default(agent: str, environment: str, output: Path | None, force: bool) -> None:
    """Write a run of an agent on an environment as YAML, every setting of the agent spelled out.

    Say `onetake create-default --agent thompson-v0 --env onetake/Bandit-v0 -o run.yml`, then `onetake train run.yml`
    and `onetake evaluate run.yml`.
    """
    from onetake.errors import OutputError
    from onetake.evaluation.run_file import RunFile

    text = RunFile.default(agent, environment).text()
    if output is None:
        click.echo(text, nl=False)
        return
    if output.exists() and not force:
        raise OutputError(f"{output}: got a file that is there; wanted a new place, or --force")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text)
    except OSError as error:
        raise OutputError(f"{output}: got {error.strerror}; wanted a file that can be written") from error
    click.echo(f"{output}: edit it, then `onetake train {output}` and `onetake evaluate {output}`")


@click.command()
@RUN
@refused_in_one_line
def train(run: Path) -> None:
    """Let the agent of a RUN file learn on the tune part of its environment; keep its state."""
    from onetake.evaluation import announce
    from onetake.evaluation.run_file import RunFile, train

    cell, state = train(RunFile.read(run), progress=announce())
    mean = float(cell.summary["realised"].to_numpy().mean())
    click.echo(f"trained: {len(cell.summary)} replicates, reward {mean:,.6g} a replicate; state in {state}")


@click.command()
@RUN
@click.option("--trained", is_flag=True, help="Go on from the state that `train` kept; else it starts from nothing.")
@refused_in_one_line
def evaluate(run: Path, trained: bool) -> None:
    """Give the agent of a RUN file one take on the test part, beside its rivals; print who did best."""
    from onetake.cli.verbs import columns
    from onetake.evaluation import announce
    from onetake.evaluation.run_file import SUITE, RunFile, evaluate_run

    run_file = RunFile.read(run)
    result = evaluate_run(run_file, trained=trained, progress=announce())
    board = result.scorecard(SUITE)["leaderboard"]
    for line in columns(SHOWN, [[_shown(row[name]) for name in SHOWN] for row in board.iter_rows(named=True)]):
        click.echo(line)
    click.echo(f"results: {Path(run_file.folder) / 'evaluate'}")


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


VERBS = (create_default, train, evaluate)
