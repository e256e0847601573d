"""What a policy would have done along logged episodes, and how that weighs them."""

from __future__ import annotations

import numpy as np

from onetake.episodes import LoggedEpisodes
from onetake.errors import ShapeError
from onetake.estimators.target import TargetPolicy
from onetake.types import Float64


def chances(log: LoggedEpisodes, policy: TargetPolicy) -> Float64:
    """Return the policy's chances at each decision ``(n, k)``.

    Raises:
        ShapeError: a policy with another number of actions, or that tells neither states nor decisions.
    """
    table, rows = policy.table, policy.rows
    if table.shape[1] != log.num_actions:
        raise ShapeError(f"policy {policy.name}: got {table.shape[1]} actions; wanted {log.num_actions}")
    if rows is None:
        if len(table) not in (1, log.num_states):
            raise ShapeError(f"policy {policy.name}: got {len(table)} rows; wanted 1, or {log.num_states} (states)")
        rows = np.zeros(len(log.state), np.int64) if len(table) == 1 else log.state
    if rows.shape != log.state.shape:
        raise ShapeError(f"policy {policy.name}: got rows of shape {rows.shape}; wanted ({len(log.state)},)")
    return np.asarray(table[rows], np.float64)


def by_state(log: LoggedEpisodes, policy: TargetPolicy) -> Float64:
    """Return the policy's chances in each state ``(S, k)``, for what must know them where the log has not been.

    Raises:
        ShapeError: a policy that is not known by state.
    """
    if policy.rows is not None or len(policy.table) not in (1, log.num_states):
        raise ShapeError(f"policy {policy.name}: got chances by decision; wanted a row for each state")
    return np.broadcast_to(policy.table, (log.num_states, log.num_actions))


def cumulated(log: LoggedEpisodes, policy: TargetPolicy) -> Float64:
    """Return ``c_t = Π_{u ≤ t} π(a_u | s_u) / p_u`` by episode and step ``(E, T)``; an ended episode keeps its last."""
    ratios = chances(log, policy)[np.arange(len(log.state)), log.action] / log.propensity
    return np.asarray(np.cumprod(log.padded(ratios, 1.0), axis=1), np.float64)
