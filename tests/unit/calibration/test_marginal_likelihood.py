"""The quadrature, its gradient and its curvature against plain numerical integration and differences."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm

from onetake.calibration.cells import Cells
from onetake.calibration.logit_normal import _marginal

pytestmark = pytest.mark.calibration

CELLS = Cells(
    np.array([[20.0, 3.0, 0.0], [5.0, 60.0, 9.0], [1.0, 0.0, 2.0]]),
    np.array([[4.0, 3.0, 0.0], [5.0, 30.0, 1.0], [0.0, 0.0, 2.0]]),
)
ALPHA = np.array([-0.7, 0.4, 0.1])


def reference(alpha: np.ndarray, tau: float) -> float:
    """Σ_v log ∫ Π_k p^s (1 − p)^(n − s) φ(u; 0, τ) du by adaptive integration, without binomial coefficients."""
    total = 0.0
    for trials, successes in zip(CELLS.trials, CELLS.successes, strict=True):

        def integrand(u: float, n: np.ndarray = trials, s: np.ndarray = successes) -> float:
            rate = expit(alpha + u)
            return float(np.prod(rate**s * (1 - rate) ** (n - s)) * norm.pdf(u, 0.0, tau))

        points = np.linspace(-8 * tau, 8 * tau, 9)
        total += np.log(sum(quad(integrand, a, b, epsabs=0, epsrel=1e-11)[0] for a, b in pairwise(points)))
    return float(total)


@pytest.mark.parametrize("tau", [0.05, 0.5, 2.0])
def test_likelihood_equals_adaptive_integration(tau: float) -> None:
    assert _marginal(CELLS, ALPHA, tau, None).value == pytest.approx(reference(ALPHA, tau), rel=1e-6)


@pytest.mark.parametrize("tau", [0.05, 0.5, 2.0])
def test_gradient_and_curvature_equal_differences(tau: float) -> None:
    here, h = _marginal(CELLS, ALPHA, tau, None), 1e-4
    for arm in range(3):
        shift = h * np.eye(3)[arm]
        up, down = (_marginal(CELLS, ALPHA + sign * shift, tau, None) for sign in (1, -1))
        # Central differences err by about h² = 1e-8 relative to third derivatives of the order of the counts; the
        # quadrature's own error of 1e-6 relative enters the identities.
        assert here.slope[arm] == pytest.approx((up.value - down.value) / (2 * h), abs=2e-4)
        np.testing.assert_allclose(here.curvature[:, arm], -(up.slope - down.slope) / (2 * h), atol=2e-3)
