"""A log of episodes as arrays."""

from __future__ import annotations

import numpy as np

from onetake.episodes import LoggedEpisodes
from onetake.errors import SchemaError
from onetake.logs.schema import DecisionLog


def to_episodes(log: DecisionLog, *, state: str, num_states: int) -> LoggedEpisodes:
    """Return the log's episodes, with the context column ``state`` as the state of each decision.

    Raises:
        SchemaError: a log without episodes or propensities, with decisions that have no outcome, or whose column holds
            anything but whole numbers below ``num_states``.
    """
    source, decisions = log.meta.source, log.decisions
    if decisions["episode_id"].null_count():
        raise SchemaError(f"{source}: got decisions without an episode; wanted ids.episode in the column map")
    if log.meta.propensity_kind == "none":
        raise SchemaError(f"{source}: got no propensities; wanted them logged or estimated")
    joined = log.joined()
    if joined.height != decisions.height:
        raise SchemaError(f"{source}: got {decisions.height - joined.height} decisions without an outcome; wanted none")
    if state not in joined.columns:
        raise SchemaError(f"{source}: got columns {', '.join(joined.columns)}; wanted column {state}")
    values = joined[state].cast(float).to_numpy()
    bad = (values != np.floor(values)) | (values < 0) | (values >= num_states)
    if bad.any():
        row = int(np.argmax(bad))
        raise SchemaError(
            f"{source}, column {state}, row {row}: got {values[row]:g}; wanted a whole number below {num_states}"
        )
    _, episode = np.unique(joined["episode_id"].to_numpy(), return_inverse=True)
    return LoggedEpisodes(
        episode=episode.reshape(-1).astype(np.int64),
        state=values.astype(np.int64),
        action=joined["action"].to_numpy(),
        reward=joined["reward"].to_numpy(),
        propensity=joined["propensity"].to_numpy(),
        num_states=num_states,
        num_actions=log.meta.num_actions,
        terminated=joined["terminated"].to_numpy(),
    )
