"""What every model of success rates offers: fit it to counts, draw whole tables of rates from what is then believed."""

from __future__ import annotations

from abc import ABC, abstractmethod

from onetake.calibration.cells import Cells
from onetake.types import Float64


class AbstractPosterior(ABC):
    """What is believed of the rates after seeing counts."""

    @abstractmethod
    def draw(self, draws: int, seed: int) -> Float64:
        """Draw rates ``(draws, v, k)``; the first of many draws equal a shorter call's."""

    @abstractmethod
    def parameters(self) -> dict[str, object]:
        """Fitted parameters with their spread, ready for JSON."""


class AbstractRateModel(ABC):
    """A way in which success rates of segments and arms hang together."""

    @abstractmethod
    def fit(self, cells: Cells) -> AbstractPosterior:
        """Fit to ``cells``."""
