"""Where a vector environment puts the observation in which an episode ended."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from onetake.errors import ConfigError, ShapeError


def mode_of(mode: AutoresetMode | str) -> AutoresetMode:
    """Return the mode of that name.

    Raises:
        ConfigError: for a name that Gymnasium does not have.
    """
    try:
        return AutoresetMode(mode)
    except ValueError:
        wanted = ", ".join(repr(known.value) for known in AutoresetMode)
        raise ConfigError(f"autoreset_mode: got {mode!r}; wanted one of {wanted}") from None


def with_final(next_obs: Any, ended: Any, infos: dict[str, Any] | None) -> Any:
    """Return ``next_obs`` with the final observations of the environments that have already been reset.

    Args:
        next_obs: what ``step`` returned ``(n, …)``, or a dict of such arrays.
        ended: whether each environment's episode has ended ``(n,)``.
        infos: what ``step`` returned; ``final_obs`` holds one observation an environment, or is laid out so.

    Raises:
        ShapeError: where an episode has ended and its final observation is not there.

    >>> seen, final = np.array([[0.5], [0.25]]), np.array([[9.0], [8.0]])
    >>> with_final(seen, np.array([False, True]), {"final_obs": final}).tolist()
    [[0.5], [8.0]]
    """
    rows = np.flatnonzero(ended).tolist()
    if not rows:
        return next_obs
    final = None if infos is None else infos.get("final_obs")
    if final is None or any(_at(final, row) is None for row in rows):
        raise ShapeError("infos: got no 'final_obs' where an episode ended; wanted it, as autoreset_mode is 'SameStep'")
    if not isinstance(next_obs, dict):
        whole = np.array(next_obs)
        for row in rows:
            whole[row] = final[row]
        return whole
    parts = {key: np.array(part) for key, part in next_obs.items()}
    for row in rows:
        for key, part in _at(final, row).items():
            parts[key][row] = part
    return parts


def _at(final: Any, row: int) -> Any:
    return {key: part[row] for key, part in final.items()} if isinstance(final, dict) else final[row]
