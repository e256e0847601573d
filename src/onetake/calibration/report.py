"""The record of a fit: what was fitted, how well, what was checked, and whether it may be used."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from onetake.calibration.differences import Differences
from onetake.calibration.holdout import Holdout
from onetake.calibration.replay import Replay

#: What an observational fit says wherever it is used.
OBSERVATIONAL = "observational: arms may have followed the demand, which no check here can see"


@dataclass(frozen=True)
class ArmFit:
    """One arm: counts, logged rate, fitted rate of the logged population with its interval, money."""

    label: str
    trials: int
    successes: int
    logged_rate: float
    rate: float
    low: float
    high: float
    scale: float
    offset: float


@dataclass(frozen=True)
class FitReport:
    """Everything that is known about a fit, ready for JSON.

    Attributes:
        id: name and the beginning of the hash. hash: of counts, settings and fitted parameters.
        marks: doubts that every verdict on the fit must carry. flags: doubts from the checks.
        refused: why no suite may be made of it; empty where one may.
        logging_policy: share of each arm in the log.
    """

    id: str
    hash: str
    log: str
    model: str
    assignment: str
    num_rows: int
    num_segments: int
    segment: str | None
    arms: tuple[ArmFit, ...]
    logging_policy: tuple[float, ...]
    parameters: dict[str, object]
    holdout: Holdout
    replay: Replay
    differences: Differences
    level: float
    draws: int
    seeds: int
    marks: tuple[str, ...]
    flags: tuple[str, ...]
    refused: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """One sentence on what the fit is good for."""
        if not self.differences.seen:
            return self.differences.verdict
        return f"refused: {self.refused[0]}" if self.refused else self.differences.verdict

    def record(self) -> dict[str, Any]:
        """The report as plain JSON types, with the verdicts spelt out."""
        record = asdict(self)
        record["verdict"] = self.verdict
        record["differences"]["verdict"] = self.differences.verdict
        for part, made in zip(record["replay"]["parts"], self.replay.parts, strict=True):
            part["inside"] = made.inside
        record["replay"]["scatter"]["inside"] = self.replay.scatter.inside
        plain: dict[str, Any] = json.loads(json.dumps(record))
        return plain


def digest(content: dict[str, Any]) -> str:
    """Hash of JSON-able content; floats count to ten digits, so that another machine's last bits do not.

    >>> digest({"a": 1.0}) == digest({"a": 1.0 + 1e-15})
    True
    """

    def rounded(value: Any) -> Any:
        if isinstance(value, float):
            return f"{value:.9e}"
        if isinstance(value, dict):
            return {key: rounded(item) for key, item in value.items()}
        return [rounded(item) for item in value] if isinstance(value, list | tuple) else value

    text = json.dumps(rounded(content), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
