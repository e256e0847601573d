"""Segments share a beta distribution, arm by arm: the rival of the logit-normal model.

    s_vk ~ Binomial(n_vk, p_vk),   p_vk ~ Beta(m_k c_k, (1 − m_k) c_k)

The likelihood of mean ``m_k`` and concentration ``c_k`` is a product of beta-binomials in closed form. Their posterior
is kept on a grid (uniform m, density 1/(1 + c)² of c), so that draws carry the uncertainty of both. Segments are pooled
within an arm; nothing is shared between arms, which is what the logit-normal model adds. Source: Gelman et al.,
"Bayesian Data Analysis" (3rd ed.), section 5.3; Daniels (1999), "A prior for the variance in hierarchical models".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onetake.calibration.cells import Cells
from onetake.calibration.logistic import logits, normalised, rates
from onetake.calibration.rate_model import AbstractPosterior, AbstractRateModel
from onetake.draws import Draws
from onetake.seeding import child_seed
from onetake.types import Float64

CONCENTRATIONS = np.geomspace(0.3, 3000.0, 25)
MEAN_POINTS = 31


class BetaBinomialPosterior(AbstractPosterior):
    """Weights ``(k, g)`` on a grid of means ``(k, g)`` and concentrations ``(k, g)``, beside the counts."""

    def __init__(self, cells: Cells, mean: Float64, concentration: Float64, weights: Float64) -> None:
        self._cells, self._mean, self._concentration, self._weights = cells, mean, concentration, weights

    def draw(self, draws: int, seed: int) -> Float64:
        """Draw rates ``(draws, v, k)``: mean and concentration of each arm, then each segment's rate given both."""
        segments, arms = self._cells.trials.shape
        hyper = Draws(child_seed(seed, "hyper"), entities=arms, replicates=draws)
        uniform = hyper.uniform(0).reshape(draws, arms)
        within = Draws(child_seed(seed, "segments"), entities=segments, replicates=draws)
        drawn = np.empty((draws, segments, arms))
        for arm in range(arms):
            below = np.cumsum(self._weights[arm])
            chosen = np.minimum(np.searchsorted(below, uniform[:, arm]), len(below) - 1)
            mean, concentration = self._mean[arm, chosen, None], self._concentration[arm, chosen, None]
            successes, trials = self._cells.successes[:, arm], self._cells.trials[:, arm]
            above = (mean * concentration + successes).ravel()
            under = ((1.0 - mean) * concentration + trials - successes).ravel()
            drawn[:, :, arm] = within.beta(above, under, arm).reshape(draws, segments)
        return drawn

    def parameters(self) -> dict[str, object]:
        """Posterior mean of each arm's mean rate and of its log concentration."""
        return {
            "arm_mean": (self._weights * self._mean).sum(axis=1).tolist(),
            "arm_log_concentration": (self._weights * np.log(self._concentration)).sum(axis=1).tolist(),
        }


@dataclass(frozen=True)
class BetaBinomial(AbstractRateModel):
    """One beta distribution of segments an arm, partially pooled, with uncertain mean and concentration.

    Choose it when: segments answer to each arm in their own way. Not when: cells are few or small; it cannot learn from
    one arm that a segment is a good one.

    >>> cells = Cells(np.array([[50.0, 50.0], [50.0, 50.0]]), np.array([[10.0, 30.0], [12.0, 33.0]]))
    >>> BetaBinomial().fit(cells).draw(400, seed=1).mean(axis=(0, 1)).round(1).tolist()
    [0.2, 0.6]
    """

    def fit(self, cells: Cells) -> BetaBinomialPosterior:
        """Weigh the grid by prior × beta-binomial likelihood, arm by arm."""
        grids = [self._weigh(cells.trials[:, arm], cells.successes[:, arm]) for arm in range(cells.num_actions)]
        mean, concentration, weights = (np.stack(column) for column in zip(*grids, strict=True))
        return BetaBinomialPosterior(cells, mean, concentration, weights)

    def _weigh(self, trials: Float64, successes: Float64) -> tuple[Float64, Float64, Float64]:
        """Grid of (mean, concentration) with posterior weights for one arm: three arrays ``(g,)``."""
        from scipy.special import betaln

        total, good = float(trials.sum()) + 1.0, float(successes.sum()) + 0.5
        # Wide enough for the sampling error and for the error of a mean over few unlike segments.
        deviation = float(
            np.sqrt(1.0 / good + 1.0 / (total - good)) + 1.0 / np.sqrt(max(int(np.count_nonzero(trials)), 1))
        )
        around = float(logits(good / total)) + deviation * np.linspace(-4.0, 4.0, MEAN_POINTS)
        means = rates(around)[0]
        mean, concentration = (axis.ravel() for axis in np.meshgrid(means, CONCENTRATIONS, indexing="ij"))
        above, under = mean * concentration, (1.0 - mean) * concentration
        prior = np.log(mean * (1.0 - mean)) + np.log(concentration) - 2.0 * np.log1p(concentration)
        likelihood = np.zeros_like(mean)
        for segment in np.flatnonzero(trials > 0):
            good, bad = float(successes[segment]), float(trials[segment] - successes[segment])
            likelihood += betaln(above + good, under + bad) - betaln(above, under)
        log_weights = prior + likelihood
        return mean, concentration, normalised(log_weights)
