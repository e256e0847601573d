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

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from onetake.agents import AbstractAgent, find, make
from onetake.build import build, nearest
from onetake.conf_loader import NAME, conf_of_run
from onetake.errors import ConfigError, UnknownIdError
from onetake.evaluation import INCUMBENT, PlaySettings, ScoreSettings


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
        UnknownIdError: a pair names an agent or a suite that is not there, or nothing makes a suite.
    """
    loader = conf_of_run()
    parameters = loader["parameters"]
    found = parse_matrix(loader["matrix"].get("matrix"), parameters.get("agents"), parameters.get("evaluation"))
    _check_made(found.cells, parameters.get("suites") or {}, loader)
    return found


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
    return Matrix({suite: found for suite, found in cells.items() if found}, history=_history(evaluation))


def _check_made(cells: Iterable[str], plans: Iterable[str], loader: Mapping[str, Any]) -> None:
    """Refuse a suite that has neither a plan in conf nor a dataset of its own in the catalog."""
    known = list(plans)
    unmade = [suite for suite in cells if suite not in known]
    declared = loader["catalog"] if unmade else {}
    for suite in unmade:
        if f"suite_{suite}" not in declared:
            raise UnknownIdError(
                f"matrix.suites: got {suite!r}, which nothing makes; wanted a plan suites.{suite} in parameters, "
                f"or a dataset suite_{suite} in the catalog; nearest: {nearest(suite, known)}"
            )


def _player(name: str, entry: Mapping[str, Any]) -> Player:
    made = build(f"agents.{name}", entry, make)
    kind = str(entry["type"])
    return Player(name, type(made), {} if ":" in kind else dict(find(kind).settings))


def _history(evaluation: object) -> bool:
    """Whether every step is kept; both records of settings are checked on the way."""
    own = _mapping("evaluation", {} if evaluation is None else evaluation, {"play", "score"})
    score = _mapping(ScoreSettings.PATH, own.get("score") or {}, {each.name for each in fields(ScoreSettings)})
    play = _mapping(PlaySettings.PATH, own.get("play") or {}, {each.name for each in fields(PlaySettings)})
    ScoreSettings(**score)
    return PlaySettings(**play).history


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
        if not isinstance(name, str) or not NAME.fullmatch(name) or name in seen:
            raise ConfigError(f"{path}: got the name {name!r}; wanted lower case, digits and _, every name once")
        if name == INCUMBENT:
            raise ConfigError(f"{path}: got the name {name}; wanted another, that is what a suite itself names")
        seen.add(name)
