"""Verbs that judge what was played: `gate`, `promote`, `verify`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from onetake.cli.refusals import refused_in_one_line

AGENT = click.option("--agent", "-a", required=True, help="Name of the agent in conf.")
SUITES = click.option("--suite", "-s", "suites", multiple=True, help="A suite of the matrix; all where none is named.")
ENV = click.option("--env", "-e", default=None, help="The folder of conf that lies over base.")
FILE = click.Path(dir_okay=False, path_type=Path)
INCUMBENT = click.option("--incumbent", type=FILE, default=None, help="File of the stored incumbent.")


@click.command()
@AGENT
@SUITES
@ENV
@INCUMBENT
@click.option("--margin", type=float, default=None, help="Share of the incumbent's reward that may be lost.")
@click.option("--error", type=float, default=None, help="Chance of a false alarm in a season.")
@click.option("--nights", type=int, default=None, help="Nights of a season.")
@click.option("--verdict", type=FILE, default=None, help="File that gets the verdict as JSON.")
@click.option("--ledger", type=FILE, default=None, help="File that keeps the nights.")
@refused_in_one_line
def gate(
    agent: str,
    suites: tuple[str, ...],
    env: str | None,
    incumbent: Path | None,
    margin: float | None,
    error: float | None,
    nights: int | None,
    verdict: Path | None,
    ledger: Path | None,
) -> None:
    """Say whether AGENT loses more than a margin against the incumbent.

    Reads what `kedro run` left. The incumbent is the one that `onetake promote` stored, else the one that each suite
    names. Ends with 0 for pass, 1 for worse, 3 for undecided (2 is bad input), says why in one line, and writes the
    verdict as JSON. Every night on which something changed uses its share of the error; the same night asked again
    uses none.
    """
    from onetake.cli.gating import ask_gate
    from onetake.evaluation.gate import EXIT_CODES

    places = {"incumbent": incumbent, "nights": ledger, "verdict": verdict}
    found = ask_gate(agent, suites, env, places, {"margin": margin, "error": error, "nights": nights})
    click.echo(f"{found['verdict']}: {agent}: {found['reason']}")
    sys.exit(EXIT_CODES[found["verdict"]])


@click.command()
@AGENT
@SUITES
@ENV
@INCUMBENT
@refused_in_one_line
def promote(agent: str, suites: tuple[str, ...], env: str | None, incumbent: Path | None) -> None:
    """Make AGENT the incumbent that later agents are held against.

    Keeps what it earned in every replicate of the suites it finished, with what tells the world it was played in.
    """
    from onetake.cli.gating import promote_agent

    click.echo(promote_agent(agent, suites, env, incumbent))


@click.command()
@click.argument("report", type=click.Path(path_type=Path))
@ENV
@click.option("--cell", default=None, help="suite.agent to play again; `none` for none. The report itself picks one.")
@refused_in_one_line
def verify(report: Path, env: str | None, cell: str | None) -> None:
    """Derive REPORT anew and compare it byte for byte.

    One cell is played again; its suite is scored, and every figure, table and word of the report is made from that and
    from what the run left. Ends with 0 where all of it is the same (but for wall times and memory), with 1 where
    something differs, and with 2 where the manifest of the report is of another code, configuration or data.
    """
    from onetake.cli.verifying import verify_report

    differs = []
    for what, same in verify_report(report, env, cell):
        click.echo(f"{'same   ' if same else 'DIFFERS'}  {what}")
        if not same:
            differs.append(what)
    click.echo(f"differs: {', '.join(differs)}" if differs else f"verified: {report}")
    sys.exit(1 if differs else 0)


@click.command()
@AGENT
@SUITES
@ENV
@INCUMBENT
@click.option("--loss", type=float, default=0.02, show_default=True, help="Share of the reward that is to be caught.")
@click.option("--power", "chance", type=float, default=0.9, show_default=True, help="With which chance.")
@refused_in_one_line
def power(
    agent: str, suites: tuple[str, ...], env: str | None, incumbent: Path | None, loss: float, chance: float
) -> None:
    """Say how many units (replicates; parameter draws where fitted) the gate needs for AGENT.

    From how much the units that were played scatter: so many catch the loss as worse, and let an equal agent pass, on
    one night of a season, with that power.
    """
    from onetake.cli.gating import units_needed

    for line in units_needed(agent, suites, env, incumbent, loss=loss, power=chance):
        click.echo(line)


VERBS = (gate, promote, verify, power)
