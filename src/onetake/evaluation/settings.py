"""What an evaluation may be told; the typed parameters of the pipeline.

Two records, since a cell depends on how it is played and not on how it is scored: after a change of the level of
intervals nothing is played again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from onetake.errors import ConfigError


@dataclass(frozen=True)
class PlaySettings:
    """How cells are played.

    Attributes:
        seed: root of all luck; each environment and agent gets its child.
        curve_points: most points kept of a regret curve.
        history: keep every step of every environment.
        track_fixed: keep what each single entity would have earned with each arm (8 bytes x arms an entity).
        max_steps: an episode that is still running then is stopped.
        max_environments: most environments stepped at once; more replicates are played in blocks, one after the other.

    Raises:
        ConfigError: a setting outside its range.
    """

    seed: int = 0
    curve_points: int = 200
    history: bool = False
    track_fixed: bool = True
    max_steps: int = 100_000
    max_environments: int = 4_000_000

    PATH: ClassVar[str] = "evaluation.play"

    def __post_init__(self) -> None:
        if not isinstance(self.seed, int) or isinstance(self.seed, bool) or not 0 <= self.seed < 2**64:
            raise ConfigError(f"{self.PATH}.seed: got {self.seed!r}; wanted an integer in [0, 2**64)")
        for name, least in (("curve_points", 2), ("max_steps", 1), ("max_environments", 1)):
            _check_count(f"{self.PATH}.{name}", getattr(self, name), least)
        for name in ("history", "track_fixed"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{self.PATH}.{name}: got {getattr(self, name)!r}; wanted true or false")


@dataclass(frozen=True)
class ScoreSettings:
    """How a suite is scored once its cells are played.

    Attributes:
        level: confidence level of every interval.
        resamples: bootstrap resamples.
        rank_by: aggregate of the scores that the leaderboard is sorted by.
        margin: share of the incumbent's reward that an agent may lose and still pass.

    Raises:
        ConfigError: a setting outside its range.
    """

    level: float = 0.95
    resamples: int = 2_000
    rank_by: Literal["iqm", "mean"] = "iqm"
    margin: float = 0.005

    PATH: ClassVar[str] = "evaluation.score"

    def __post_init__(self) -> None:
        if not isinstance(self.level, float) or not 0 < self.level < 1:
            raise ConfigError(f"{self.PATH}.level: got {self.level!r}; wanted a number between 0 and 1")
        if self.rank_by not in ("iqm", "mean"):
            raise ConfigError(f"{self.PATH}.rank_by: got {self.rank_by!r}; wanted iqm or mean")
        _check_count(f"{self.PATH}.resamples", self.resamples, 100)
        if isinstance(self.margin, bool) or not isinstance(self.margin, int | float) or not 0 <= self.margin < 1:
            raise ConfigError(f"{self.PATH}.margin: got {self.margin!r}; wanted a share in [0, 1)")


@dataclass(frozen=True)
class EvaluationSettings(PlaySettings, ScoreSettings):
    """Settings of every cell and of what is made of the cells: `PlaySettings` and `ScoreSettings` in one."""

    PATH: ClassVar[str] = "evaluation"

    def __post_init__(self) -> None:
        PlaySettings.__post_init__(self)
        ScoreSettings.__post_init__(self)


def _check_count(path: str, value: object, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigError(f"{path}: got {value!r}; wanted an integer of at least {least}")
