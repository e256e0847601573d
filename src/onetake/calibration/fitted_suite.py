"""A fit → parameter draws as a table → a suite in which every draw is played several times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import polars as pl

from onetake.calibration.fit import BanditFit
from onetake.envs.native import whole
from onetake.envs.suite import EnvironmentEntry, Part, Suite
from onetake.errors import CalibrationError, SchemaError
from onetake.seeding import child_seed
from onetake.types import Float64

#: What a suite keeps of its fit.
FITTED = ("id", "hash", "log", "assignment", "draws", "seeds", "marks", "flags")


def parameter_draws(fit: BanditFit) -> pl.DataFrame:
    """Rates of both parts of a suite: columns ``part, draw, segment, rate_0 …``; parts never share a draw."""
    frames = []
    for part in get_args(Part):
        rates = fit.rates(part)
        draws, segments, arms = rates.shape
        frames.append(
            pl.DataFrame(
                {
                    "part": [part] * (draws * segments),
                    "draw": np.repeat(np.arange(draws), segments),
                    "segment": list(fit.log.segment_labels) * draws,
                    **{f"rate_{arm}": rates[:, :, arm].ravel() for arm in range(arms)},
                }
            )
        )
    return pl.concat(frames)


@dataclass(frozen=True)
class FittedPlan:
    """The suite of a fit: entities are its segments, each deciding for ``steps`` people in turn.

    The reward of a person is ``scale[k] * success + offset[k]``; the incumbent is the logging policy.

    Attributes:
        seed: root of the suite's luck. steps: people of a segment.

    Raises:
        ConfigError: no step, or a seed below 0.
    """

    seed: int
    steps: int

    def __post_init__(self) -> None:
        """Refuse an episode without steps."""
        whole("seed", self.seed)
        whole("steps", self.steps, 1)

    def make(self, part: Part, record: Mapping[str, Any], draws: pl.DataFrame) -> Suite:
        """Make a part of the suite.

        Args:
            part: which draws to take.
            record: of the fit, as `FitReport.record` makes it.
            draws: as `parameter_draws` makes them.

        Raises:
            CalibrationError: a fit that was refused. SchemaError: draws of another fit.
        """
        if record["refused"]:
            raise CalibrationError(f"{record['log']}: {record['refused'][0]}")
        fitted = {name: record[name] for name in FITTED}
        return Suite(
            name=record["log"],
            part=part,
            seed=child_seed(self.seed, "suite", record["log"], part),
            environments=(self._entry(record, _rates(part, record, draws)),),
            incumbent={"probabilities": list(record["logging_policy"])},
            fitted={**fitted, "refused": []},
        )

    def _entry(self, record: Mapping[str, Any], rate: Float64) -> EnvironmentEntry:
        arms = record["arms"]
        return EnvironmentEntry(
            name=record["log"],
            family="bandit",
            config={
                "scale": [arm["scale"] for arm in arms],
                "offset": [arm["offset"] for arm in arms],
                "labels": [arm["label"] for arm in arms],
            },
            columns={"rate": rate},
            entities=record["num_segments"],
            replicates=record["draws"] * record["seeds"],
            steps=self.steps,
            draws=record["draws"],
            labels={"fit": record["id"], "assignment": record["assignment"], "segment": str(record["segment"])},
        )


def _rates(part: Part, record: Mapping[str, Any], draws: pl.DataFrame) -> Float64:
    """Rates of a part ``(draws × segments, k)``."""
    own = draws.filter(pl.col("part") == part).sort("draw", maintain_order=True)
    rows, names = record["draws"] * record["num_segments"], [f"rate_{arm}" for arm in range(len(record["arms"]))]
    if own.height != rows or own.columns[3:] != names:
        raise SchemaError(
            f"draws of {record['log']}: got {own.height} rows of {part} with {', '.join(own.columns[3:])}; "
            f"wanted {rows} with {', '.join(names)}"
        )
    return np.ascontiguousarray(own.select(names).to_numpy())
