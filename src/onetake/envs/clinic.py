"""The clinic: patients of the ICU-Sepsis model, estimated by its authors from real intensive care."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from onetake.envs.departures import best_fixed_arm
from onetake.envs.mdp import FiniteProcess
from onetake.envs.native import whole
from onetake.envs.suite import Part, Suite
from onetake.errors import SchemaError
from onetake.seeding import child_seed

DEATH, SURVIVAL = 713, 714
LEVELS = 5


def icu_sepsis(arrays: Mapping[str, Any]) -> FiniteProcess:
    """Return the process of the arrays ``tx_mat``, ``d_0`` and ``admissible`` of ICU-Sepsis.

    States 0 to 712 are patients; from 713 on an episode has ended. Entering 714, survival, pays 1.

    Raises:
        SchemaError: an array that is missing.
    """
    missing = [name for name in ("tx_mat", "d_0", "admissible") if name not in arrays]
    if missing:
        raise SchemaError(f"icu_sepsis: got arrays {', '.join(sorted(arrays))}; wanted {', '.join(missing)} too")
    states = np.arange(len(arrays["d_0"]))
    survival = (states == SURVIVAL).astype(np.float64)
    return FiniteProcess(arrays["tx_mat"], survival, arrays["d_0"], states >= DEATH, arrays["admissible"])


@dataclass(frozen=True)
class ClinicPlan:
    """The suite in which patients are treated; its tune and test parts differ in their luck only.

    Attributes:
        name: of the suite. seed: root of its luck. patients: entities of a replicate.
        replicates: copies with other luck. steps: most decisions for a patient, each for four hours.

    Raises:
        ConfigError: a size below 1.
    """

    name: str
    seed: int
    patients: int
    replicates: int
    steps: int

    def __post_init__(self) -> None:
        """Refuse what no suite could be made of."""
        for field in ("patients", "replicates", "steps"):
            whole(f"suite {self.name}.{field}", getattr(self, field), 1)

    def make(self, part: Part, arrays: Mapping[str, Any]) -> Suite:
        """Make a part of the suite; the incumbent is the best fixed treatment.

        Args:
            part: which one.
            arrays: of the model.

        Raises:
            SchemaError: an array that is missing.
        """
        entry = icu_sepsis(arrays).entry(
            "icu_sepsis", entities=self.patients, replicates=self.replicates, horizon=self.steps
        )
        seed = child_seed(self.seed, "suite", self.name, part)
        return Suite(self.name, part, seed, (entry,), {"action": best_fixed_arm(entry)})
