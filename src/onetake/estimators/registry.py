"""Estimators by the names that conf and users know them by."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from onetake.errors import ConfigError, UnknownIdError
from onetake.estimators.base import AbstractEstimator
from onetake.estimators.direct import DirectMethod
from onetake.estimators.doubly_robust import DoublyRobust
from onetake.estimators.ips import IPS
from onetake.estimators.mips import MarginalisedIPS
from onetake.estimators.reward_model import AbstractRewardModel, TabularRewardModel
from onetake.estimators.self_normalised_doubly_robust import SelfNormalisedDoublyRobust
from onetake.estimators.shrunk_doubly_robust import ShrunkDoublyRobust
from onetake.estimators.snips import SNIPS
from onetake.estimators.switch_doubly_robust import SwitchDoublyRobust
from onetake.estimators.tuned import Tuned

_ESTIMATORS: dict[str, type[AbstractEstimator]] = {
    cls.name: cls
    for cls in (
        IPS,
        SNIPS,
        DirectMethod,
        DoublyRobust,
        SelfNormalisedDoublyRobust,
        SwitchDoublyRobust,
        ShrunkDoublyRobust,
        MarginalisedIPS,
        Tuned,
    )
}
_ALIASES = {
    "ipw": "ips",
    "snipw": "snips",
    "direct": "dm",
    "direct_method": "dm",
    "doubly_robust": "dr",
    "dr-os": "dros",
    "switch-dr": "switch_dr",
}
_REWARD_MODELS: dict[str, type[AbstractRewardModel]] = {"tabular": TabularRewardModel}


def registered() -> tuple[str, ...]:
    """Return the names of all estimators, sorted.

    >>> registered()
    ('dm', 'dr', 'dros', 'ips', 'mips', 'sndr', 'snips', 'switch_dr', 'tuned')
    """
    return tuple(sorted(_ESTIMATORS))


def make(type: str, **settings: Any) -> AbstractEstimator:
    """Return the estimator of that name or alias with its settings.

    The settings ``reward_model`` and ``of`` may be mappings with a ``type``.

    Raises:
        UnknownIdError: for a name that is none; the text has the nearest ones.
        ConfigError: for a setting that is unknown or cannot be used.

    >>> make("ipw", clip=5.0)
    IPS(clip=5.0)
    >>> make("dr", reward_model={"type": "tabular", "folds": 2})
    DoublyRobust(clip=None, reward_model=TabularRewardModel(smoothing=100.0, folds=2))
    """
    cls = _found(_ALIASES.get(type, type), _ESTIMATORS, (*_ESTIMATORS, *_ALIASES), "type")
    model = settings.get("reward_model")
    if isinstance(model, Mapping):
        rest = {str(name): value for name, value in model.items() if name != "type"}
        kind = _found(str(model.get("type")), _REWARD_MODELS, tuple(_REWARD_MODELS), "reward_model.type")
        settings = {**settings, "reward_model": _made(kind, rest, "reward_model")}
    inner = settings.get("of")
    if isinstance(inner, Mapping):
        settings = {**settings, "of": make(**inner)}
    estimator: AbstractEstimator = _made(cls, settings, type)
    return estimator


def _found(name: str, known: Mapping[str, Any], names: tuple[str, ...], what: str) -> Any:
    if name not in known:
        near = ", ".join(difflib.get_close_matches(name, names) or sorted(names))
        raise UnknownIdError(f"{what}: got {name!r}; nearest: {near}")
    return known[name]


def _made(cls: Any, settings: Mapping[str, Any], path: str) -> Any:
    try:
        return cls(**settings)
    except TypeError as error:
        raise ConfigError(
            f"{path}: got settings {', '.join(settings)}; wanted those of {cls.__name__} ({error})"
        ) from error
