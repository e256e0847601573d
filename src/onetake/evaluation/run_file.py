"""One agent on one environment, described in a YAML file that is written, edited, trained and evaluated.

```yaml
agent: {type: thompson-v0, pooling: none, floor: 0.0}
environment: {id: onetake/Bandit-v0, entities: 100, replicates: 10, steps: 100}
rivals: [random-v0]
evaluation: {seed: 0}
folder: runs/thompson
```

Training plays the *tune* part and keeps the agent's state; evaluation plays the *test* part, one take, beside rivals.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

import yaml

from onetake.agents import AbstractAgent, make
from onetake.build import build
from onetake.envs.native import whole
from onetake.envs.suite import EnvironmentEntry, Suite
from onetake.envs.suite_plans import RegisteredPlan
from onetake.errors import ConfigError, OutputError, SchemaError
from onetake.evaluation.cell import Cell, Progress, run_cell
from onetake.evaluation.history import slug
from onetake.evaluation.run import RunResult, run, write_cell
from onetake.evaluation.settings import EvaluationSettings
from onetake.seeding import child_seed
from onetake.types import BatchSpec, Coupling, Decision, Observation, Transitions

SUITE = "run"
STATE = "agent.safetensors"
HEAD = """\
# Written by `onetake create-default`; edit what you like, then
#   onetake train THIS_FILE      learns on the tune part and keeps the agent's state
#   onetake evaluate THIS_FILE   one take on the test part beside the rivals (--trained goes on from the kept state)
# Only what differs from an environment's own settings stands under `environment.config`.
"""


@dataclass(frozen=True)
class RunFile:
    """What a run file says.

    Attributes:
        agent: ``type`` (a registered id or an entry point) and settings.
        environment: ``id``, and if wanted ``config``, ``entities``, ``replicates`` and ``steps``.
        rivals: agents that are evaluated beside it: ids, or mappings like ``agent``.
        evaluation: settings of `EvaluationSettings`.
        folder: where results go. seed: root of the luck of the environment.
        imports: modules that are imported first, for what they register.

    Raises:
        ConfigError: a key or a value that cannot be used. UnknownIdError: an agent or environment that there is not.
    """

    agent: Mapping[str, Any]
    environment: Mapping[str, Any]
    rivals: Sequence[str | Mapping[str, Any]] = ("random-v0",)
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    folder: str = "runs"
    seed: int = 0
    imports: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in self.imports:
            try:
                importlib.import_module(name)
            except ImportError as error:
                raise ConfigError(f"imports: got {name!r} ({error}); wanted modules that can be imported") from error
        known = {each.name for each in fields(EvaluationSettings)}
        unknown = sorted(set(self.evaluation) - known)
        if unknown:
            raise ConfigError(f"evaluation.{unknown[0]}: got a key that is not known; wanted one of {sorted(known)}")
        whole("seed", self.seed)
        unmet = self.player().supports(self.suite("test").environments[0].make(0, replicates=1).batch_spec)
        if unmet is not None:
            raise ConfigError(f"agent {self.agent.get('type')} on {self.environment.get('id')}: {unmet}")

    @classmethod
    def default(cls, agent: str, environment: str) -> Self:
        """Return the run of an agent on an environment, with every setting of the agent spelled out.

        >>> RunFile.default("thompson-v0", "onetake/Bandit-v0").agent["type"]
        'thompson-v0'
        """
        entry = EnvironmentEntry.of(environment)
        settings = {"type": agent, **make(agent).settings}
        described = {"id": environment, "config": {}, "entities": 100, "replicates": 10, "steps": min(entry.steps, 365)}
        own = {name: asdict(EvaluationSettings())[name] for name in ("seed", "level", "resamples", "history")}
        return cls(settings, described, evaluation=own, folder=f"runs/{slug(agent)}")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a run file.

        Raises:
            SchemaError: a file that is missing or is no YAML mapping with the keys of a run.
        """
        try:
            found = yaml.safe_load(path.read_text())
        except FileNotFoundError:
            raise SchemaError(
                f"{path}: got no such file; wanted a run, such as `onetake create-default` writes"
            ) from None
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise SchemaError(f"{path}: got {' '.join(str(error).split())}; wanted YAML") from None
        known = list(cls.__dataclass_fields__)
        keys = sorted(map(str, found)) if isinstance(found, dict) else []
        wrong = [key for key in keys if key not in known] or [
            key for key in ("agent", "environment") if key not in keys
        ]
        if wrong:
            raise SchemaError(f"{path}: got {', '.join(keys) or repr(found)}; wanted some of {', '.join(known)}")
        return cls(**found)

    def text(self) -> str:
        """Return the file as text."""
        plain = {name: value for name, value in asdict(self).items() if value or name not in ("imports",)}
        plain["rivals"] = list(self.rivals)
        return HEAD + yaml.safe_dump(plain, sort_keys=False, default_flow_style=False)

    def player(self) -> AbstractAgent:
        """Return the agent, begun with nothing."""
        return build("agent", self.agent, make)

    @property
    def settings(self) -> EvaluationSettings:
        """Settings of the evaluation."""
        return EvaluationSettings(**self.evaluation)

    def suite(self, part: str) -> Suite:
        """Return a part of the one-environment suite that is played."""
        own = dict(self.environment)
        replicates = own.pop("replicates", 10)
        plan = RegisteredPlan(SUITE, self.seed, (own,), replicates)
        return plan.make("tune" if part == "tune" else "test")


def train(run_file: RunFile, *, progress: Progress | None = None) -> tuple[Cell, Path]:
    """Let the agent learn on the tune part; return what it earned there and where its state lies.

    Raises:
        ConfigError: more environments than are stepped at once, so that no one state holds what was learnt.
        OutputError: the folder cannot be written.
    """
    # Other luck than what is scored: that follows the seed of the evaluation.
    settings = replace(run_file.settings, seed=child_seed(run_file.settings.seed, "train"))
    suite = run_file.suite("tune")
    (entry,) = suite.environments
    if entry.entities * entry.replicates > settings.max_environments:
        raise ConfigError(
            f"environment: got {entry.entities} entities x {entry.replicates} replicates; "
            f"wanted at most max_environments = {settings.max_environments}, to be trained as one batch"
        )
    agent = run_file.player()
    cell = run_cell(agent, suite, settings, name=str(run_file.agent["type"]), progress=progress)
    folder = Path(run_file.folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"folder: got {folder} ({error.strerror}); wanted one that can be written") from error
    cell = write_cell(cell, folder / "train", settings)
    agent.save(folder / STATE)
    return cell, folder / STATE


def evaluate_run(run_file: RunFile, *, trained: bool = False, progress: Progress | None = None) -> RunResult:
    """Play the test part, one take, beside the rivals; results go to ``<folder>/evaluate``.

    Args:
        run_file: what is played.
        trained: go on from the state that training kept; it must be of a batch of the same shape.
        progress: told after every step.

    Raises:
        CheckpointError: there is no trained state, or one of another batch.
    """
    name = str(run_file.agent["type"])
    agent = run_file.player()
    agents: dict[str, AbstractAgent] = {name: Trained(type(agent), Path(run_file.folder) / STATE) if trained else agent}
    for number, rival in enumerate(run_file.rivals):
        described = {"type": rival} if isinstance(rival, str) else rival
        known = str(described.get("type"))
        agents[known if known not in agents else f"{known} ({number})"] = build(f"rivals.{number}", described, make)
    folder = Path(run_file.folder) / "evaluate"
    return run(agents, [run_file.suite("test")], run_file.settings, folder=folder, progress=progress)


@dataclass(eq=False)
class Trained(AbstractAgent):
    """An agent that begins where a saved one stood, on a batch of the same shape.

    Attributes:
        agent_class: what was saved. path: its file.
    """

    agent_class: type[AbstractAgent]
    path: Path

    def supports(self, spec: BatchSpec) -> str | None:
        """Why the saved agent cannot play this batch, or None if it can."""
        return None

    @property
    def coupling(self) -> Coupling:
        """That of the saved agent."""
        return self._agent.coupling

    def act(self, observation: Observation, *, explore: bool = True, propensity: bool = False) -> Decision:
        """Decide as the saved agent does."""
        return self._agent.act(observation, explore=explore, propensity=propensity)

    def learn(self, transitions: Transitions) -> dict[str, float]:
        """Go on learning."""
        return self._agent.learn(transitions)

    def _start(self, spec: BatchSpec, seed: int) -> None:
        # The saved agent's own seed goes on.
        self._agent = self.agent_class.load(self.path, spec)

    def _decide(self, observation: Observation, explore: bool) -> Any:
        return self._agent._decide(observation, explore)

    def _probabilities(self, observation: Observation, explore: bool) -> Any:
        return self._agent._probabilities(observation, explore)

    def _learn(self, transitions: Transitions) -> dict[str, float]:
        return self._agent._learn(transitions)

    def _arrays(self) -> dict[str, Any]:
        return self._agent._arrays()

    def _restore(self, arrays: dict[str, Any]) -> None:
        self._agent._restore(arrays)
