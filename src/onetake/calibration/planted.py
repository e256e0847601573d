"""Logs with planted truth: what a calibration must find again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onetake.calibration.cells import BinaryLog
from onetake.calibration.logistic import logits
from onetake.calibration.logistic import rates as rates_of
from onetake.draws import Draws
from onetake.errors import ConfigError
from onetake.seeding import child_seed
from onetake.types import Float64


def planted_log(
    rates: Sequence[float],
    *,
    rows: int,
    seed: int,
    segments: int = 1,
    spread: float = 0.0,
    drift: float = 0.0,
    assignment: str = "randomised",
) -> tuple[BinaryLog, Float64]:
    """Simulate a randomised log, uniform over arms and segments.

    Success of a row in segment ``v`` under arm ``k`` has ``logit p = logit rates[k] + spread · z_v + drift · t``, with
    ``z`` standard normal and ``t`` running from −½ to ½ along the log.

    Returns:
        the log, and the rates ``(v, k)`` at ``t = 0``.

    Raises:
        ConfigError: a rate outside (0, 1).

    >>> log, truth = planted_log((0.2, 0.5), rows=300, seed=1)
    >>> len(log.action), truth.tolist()
    (300, [[0.2, 0.5]])
    """
    if not all(0.0 < rate < 1.0 for rate in rates):
        raise ConfigError(f"rates: got {list(rates)}; wanted numbers between 0 and 1")
    effects = spread * Draws(child_seed(seed, "effects"), entities=segments).normal(0.0, 1.0, 0)
    linear = logits(rates) + effects[:, None]
    luck = Draws(child_seed(seed, "rows"), entities=rows)
    pick, group, outcome = (luck.uniform(step) for step in range(3))
    action, segment = (pick * len(rates)).astype(np.int64), (group * segments).astype(np.int64)
    time = np.linspace(-0.5, 0.5, rows)
    success = outcome < rates_of(linear[segment, action] + drift * time)[0]
    log = BinaryLog(
        name="planted",
        action=action,
        success=success.astype(np.float64),
        segment=segment,
        scale=np.ones(len(rates)),
        offset=np.zeros(len(rates)),
        assignment=assignment,
        action_labels=tuple(f"arm {k}" for k in range(len(rates))),
        segment_labels=tuple(f"segment {v}" for v in range(segments)),
    )
    return log, rates_of(linear)[0]
