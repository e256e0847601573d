"""The agent × suite matrix: which cells there are, read from ``conf/`` before any pipeline is built.

By default every agent of ``parameters/agents.yml`` plays every suite. ``matrix.yml`` names the suites and may narrow
the pairs, as a matrix of CI jobs is narrowed:

```yaml
matrix:
  suites: [truman, population, thornton]
  only: [{suite: truman}, {suite: thornton, agent: thompson}]   # nothing else is played
  except: [{suite: population, agent: first}]                   # taken away from what is left
```
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kedro.config import AbstractConfigLoader, OmegaConfigLoader
from kedro.framework.project import settings
from kedro.utils import find_kedro_project

from onetake.agents import AbstractAgent, find, make
from onetake.build import build, nearest
from onetake.conf_loader import RunLoader
from onetake.errors import ConfigError, UnknownIdError
from onetake.evaluation import INCUMBENT, EvaluationSettings

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Player:
    """An agent of the matrix.

    Attributes:
        name: its key in conf.
        agent_class: what it is made from; bound into its nodes, so that their cache sees its code.
        defaults: settings that belong to its registered id; those of conf go over them.
    """

    name: str
    agent_class: type[AbstractAgent]
    defaults: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Matrix:
    """Suites in order, and who plays each.

    Attributes:
        cells: agents by suite; a suite that nobody plays is not in it.
        history: whether every step is kept.
    """

    cells: Mapping[str, tuple[Player, ...]]
    history: bool = False


def read_matrix() -> Matrix:
    """Return the matrix of the run; of ``KEDRO_ENV`` where no run has begun, as in ``kedro registry list`` and viz.

    Raises:
        ConfigError: an unknown or ill-typed key, a name that cannot be a namespace, or an agent that cannot be made.
        UnknownIdError: a pair names an agent or a suite that is not there.
    """
    # A loader is a mapping, and an unread one is empty: only None says that there is none.
    loader = _own_loader() if RunLoader.latest is None else RunLoader.latest
    parameters = loader["parameters"]
    return parse_matrix(loader["matrix"].get("matrix"), parameters.get("agents"), parameters.get("evaluation"))


def parse_matrix(matrix: object, agents: object, evaluation: object) -> Matrix:
    """Build the matrix from what conf holds under ``matrix``, ``agents`` and ``evaluation``.

    >>> matrix = parse_matrix({"suites": ["truman"]}, {"thompson": {"type": "thompson-v0"}}, {})
    >>> [(suite, player.name) for suite, players in matrix.cells.items() for player in players]
    [('truman', 'thompson')]
    """
    own = _mapping("matrix", matrix, {"suites", "only", "except"})
    suites = own.get("suites")
    if not isinstance(suites, list) or not suites:
        raise ConfigError(f"matrix.suites: got {suites!r}; wanted a list of names")
    _check_names("matrix.suites", suites)
    if not isinstance(agents, Mapping) or not agents:
        raise ConfigError(f"agents: got {agents!r}; wanted a mapping from name to agent")
    _check_names("agents", agents)
    only = _pairs("matrix.only", own.get("only"), suites, agents)
    excepted = _pairs("matrix.except", own.get("except"), suites, agents)
    players = {name: _player(name, entry) for name, entry in agents.items()}
    cells = {
        suite: tuple(
            player
            for name, player in players.items()
            if (only is None or (suite, name) in only) and (suite, name) not in (excepted or ())
        )
        for suite in suites
    }
    chosen = EvaluationSettings(**_settings(evaluation))
    return Matrix({suite: found for suite, found in cells.items() if found}, history=chosen.history)


def _player(name: str, entry: Mapping[str, Any]) -> Player:
    made = build(f"agents.{name}", entry, make)
    kind = str(entry["type"])
    return Player(name, type(made), {} if ":" in kind else dict(find(kind).settings))


def _settings(evaluation: object) -> dict[str, Any]:
    known = set(EvaluationSettings.__dataclass_fields__)
    return dict(_mapping("evaluation", {} if evaluation is None else evaluation, known))


def _pairs(path: str, items: object, suites: list[str], agents: Mapping[str, Any]) -> set[tuple[str, str]] | None:
    if items is None:
        return None
    if not isinstance(items, list):
        raise ConfigError(f"{path}: got {items!r}; wanted a list of pairs such as {{suite: truman, agent: thompson}}")
    pairs: set[tuple[str, str]] = set()
    for i, item in enumerate(items):
        pair = _mapping(f"{path}[{i}]", item, {"suite", "agent"})
        rows = _chosen(f"{path}[{i}].suite", pair.get("suite"), suites)
        columns = _chosen(f"{path}[{i}].agent", pair.get("agent"), agents)
        pairs |= {(suite, agent) for suite in rows for agent in columns}
    return pairs


def _chosen(path: str, name: object, known: Iterable[str]) -> list[str]:
    names = list(known)
    if name is None:
        return names
    if name not in names:
        raise UnknownIdError(f"{path}: got {name!r}; nearest: {nearest(str(name), names)}")
    return [str(name)]


def _mapping(path: str, value: object, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{path}: got {value!r}; wanted a mapping with {', '.join(sorted(known))}")
    for key in value:
        if key not in known:
            raise ConfigError(f"{path}: got the key {key!r}; wanted one of {', '.join(sorted(known))}")
    return value


def _check_names(path: str, names: Iterable[object]) -> None:
    seen = set()
    for name in names:
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name in seen:
            raise ConfigError(f"{path}: got the name {name!r}; wanted lower case, digits and _, every name once")
        if name == INCUMBENT:
            raise ConfigError(f"{path}: got the name {name}; wanted another, that is what a suite itself names")
        seen.add(name)


def _own_loader() -> AbstractConfigLoader:
    project = find_kedro_project(Path.cwd()) or Path.cwd()
    arguments = {"base_env": "base", "default_run_env": "local", **settings.CONFIG_LOADER_ARGS}
    return OmegaConfigLoader(
        conf_source=str(Path(project) / settings.CONF_SOURCE), env=os.environ.get("KEDRO_ENV"), **arguments
    )
