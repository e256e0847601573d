"""What conf says about a fit."""

from __future__ import annotations

from dataclasses import dataclass

from onetake.calibration.beta_binomial import BetaBinomial
from onetake.calibration.logit_normal import LogitNormal
from onetake.calibration.rate_model import AbstractRateModel
from onetake.errors import ConfigError

#: Models by the name that conf uses. The one that is not chosen stands as a rival in the fit report.
MODELS: dict[str, AbstractRateModel] = {"logit_normal": LogitNormal(), "beta_binomial": BetaBinomial()}


@dataclass(frozen=True)
class FitSettings:
    """Settings of a fit, flat for conf.

    Attributes:
        seed: root of everything drawn. name: of the log, for ids and messages.
        segment: column that groups decisions, ``slot``, or None.
        model: a key of ``MODELS``. draws: parameter draws of each part of the suite (tune, test).
        seeds: simulations of each parameter draw.
        report_draws: draws behind intervals and checks of the report; held-out scores take half as many in each fold.
        level: of the intervals of parameters and of held-out counts. replay_level: of the replay check's intervals.
        folds: of the held-out score. min_rows: fewer rows are refused.
        permutations, alpha, power: of the test for differences between arms.

    >>> FitSettings(seed=1, model="magic")
    Traceback (most recent call last):
    onetake.errors.ConfigError: model: got 'magic'; wanted one of beta_binomial, logit_normal
    """

    seed: int
    name: str = "log"
    segment: str | None = None
    model: str = "logit_normal"
    draws: int = 20
    seeds: int = 5
    report_draws: int = 200
    level: float = 0.95
    replay_level: float = 0.99
    folds: int = 5
    min_rows: int = 200
    permutations: int = 1999
    alpha: float = 0.05
    power: float = 0.8

    def __post_init__(self) -> None:
        """Refuse what no fit could mean."""
        if self.model not in MODELS:
            raise ConfigError(f"model: got {self.model!r}; wanted one of {', '.join(sorted(MODELS))}")
        for name, least in (("draws", 1), ("seeds", 1), ("report_draws", 20), ("folds", 2), ("min_rows", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ConfigError(f"{name}: got {value!r}; wanted a whole number of at least {least}")
        for name in ("level", "replay_level", "alpha", "power"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not 0.0 < value < 1.0:
                raise ConfigError(f"{name}: got {value!r}; wanted a number between 0 and 1")
