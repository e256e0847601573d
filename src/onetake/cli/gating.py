"""What the verbs `gate`, `promote` and `power` read from a project and write into it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onetake.cli.refusals import project_root
from onetake.errors import ConfigError, NotReadyError, UnknownIdError

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext

    from onetake.evaluation.nights import GateSettings
    from onetake.evaluation.promotion import Played

PLACES = {"incumbent": "incumbent", "nights": "gate_nights", "verdict": "gate_verdict"}


class Project:
    """The scorecards of a project, and the places of what a gate keeps.

    Raises:
        ConfigError: outside a Kedro project.
    """

    def __init__(self, env: str | None) -> None:
        self.root = project_root()
        from kedro.framework import project

        with project.settings.SESSION_CLASS.create(project_path=self.root, env=env, save_on_close=False) as session:
            self.context: KedroContext = session.load_context()
        # Kedro builds it anew whenever it is asked for.
        self.catalog = self.context.catalog

    def settings(self, **given: Any) -> GateSettings:
        """Settings of the gate: what was given goes over conf."""
        from onetake.evaluation import ScoreSettings
        from onetake.evaluation.nights import GateSettings

        own = {name: value for name, value in given.items() if value is not None}
        parameters = self.context.config_loader["parameters"]
        margin = ((parameters.get("evaluation") or {}).get("score") or {}).get("margin", ScoreSettings.margin)
        settings = {"margin": margin, **(parameters.get("gate") or {}), **own}
        known = list(GateSettings.__dataclass_fields__)
        for name in settings:
            if name not in known:
                raise ConfigError(f"gate.{name}: got a key that is not known; wanted one of {', '.join(known)}")
        return GateSettings(**settings)

    def place(self, what: str, given: Path | None = None) -> Path:
        """Return where a record lies: the place given, else that of the catalog."""
        from onetake.caching.datasets import Datasets

        if given is not None:
            return given
        found = Datasets(self.catalog).location(PLACES[what])
        if found is None:
            raise ConfigError(f"catalog: got no file for {PLACES[what]}; wanted one, or --{what}")
        return found

    def entry(self, agent: str) -> dict[str, Any]:
        """Type and settings of an agent of conf."""
        from onetake.build import nearest

        agents = self.context.config_loader["parameters"].get("agents") or {}
        if agent not in agents:
            raise UnknownIdError(f"agent: got '{agent}', which conf does not name; nearest: {nearest(agent, agents)}")
        return dict(agents[agent])

    def played(self, suites: Sequence[str]) -> dict[str, Played]:
        """What was played on suites; on all of the matrix where none is named.

        Raises:
            UnknownIdError: a suite outside the matrix. NotReadyError: a suite that was not played yet.
        """
        from onetake.build import nearest
        from onetake.evaluation.promotion import Played, world_digest
        from onetake.matrix import read_matrix

        cells = read_matrix().cells
        for suite in suites:
            if suite not in cells:
                raise UnknownIdError(f"suite: got '{suite}', not in the matrix; nearest: {nearest(suite, cells)}")
        catalog, found = self.catalog, {}
        for suite in suites or tuple(cells):
            for name in (f"scorecard_{suite}", f"suite_{suite}"):
                if not catalog.exists(name):
                    raise NotReadyError(f"{name}: got nothing yet; wanted what `kedro run` leaves")
            card = catalog.load(f"scorecard_{suite}")
            world = world_digest(catalog.load(f"suite_{suite}"))
            found[suite] = Played(card["summary"], world, int(card["settings"]["seed"][0]))
        return found


def ask_gate(
    agent: str,
    suites: Sequence[str],
    env: str | None,
    places: dict[str, Path | None],
    settings: dict[str, Any],
) -> dict[str, Any]:
    """Ask the gate, note the night, write the verdict, and return it."""
    from onetake.evaluation.nights import ask
    from onetake.evaluation.promotion import read_json, read_record, write_json

    project = Project(env)
    stored = project.place("incumbent", places["incumbent"])
    record = read_record(stored) if places["incumbent"] is not None or stored.exists() else None
    nights = project.place("nights", places["nights"])
    ledger = read_json(nights, "the nights of a gate") if nights.exists() else None
    own = project.settings(**settings)
    verdict, after = ask(agent, project.played(suites), own, record=record, ledger=ledger)
    write_json(project.place("verdict", places["verdict"]), verdict)
    write_json(nights, after)
    return verdict


def promote_agent(agent: str, suites: Sequence[str], env: str | None, place: Path | None) -> str:
    """Make an agent the incumbent; return a line that says so."""
    from onetake.evaluation.promotion import promote, write_json

    project = Project(env)
    record = promote(agent, project.entry(agent), project.played(suites))
    target = project.place("incumbent", place)
    write_json(target, record)
    shown = target.relative_to(project.root) if target.is_relative_to(project.root) else target
    return f"{agent} is the incumbent of {', '.join(record['suites'])} ({shown})"


def units_needed(
    agent: str, suites: Sequence[str], env: str | None, place: Path | None, *, loss: float, power: float
) -> list[str]:
    """Return lines that say how many units the gate needs on each suite."""
    from onetake.cli.verbs import columns
    from onetake.evaluation.nights import enough
    from onetake.evaluation.promotion import read_record

    project = Project(env)
    stored = project.place("incumbent", place)
    record = read_record(stored) if place is not None or stored.exists() else None
    settings = project.settings()
    rows = enough(agent, project.played(suites), settings, loss=loss, power=power, record=record)
    shown = [
        [
            row["suite"],
            row["reason"] or ("enough" if row["needed"] is not None and row["needed"] <= row["units"] else "too few"),
            *("-" if row[name] is None else f"{row[name]:,.4g}" for name in ("units", "deviation", "needed")),
        ]
        for row in rows
    ]
    return columns(("suite", "says", "units", "deviation", "needed"), shown)
