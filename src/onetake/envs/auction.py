"""Repeated auctions among several bidders with budgets: batches of them that step in one native call."""

from __future__ import annotations

import copy
import json
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from onetake._core import AuctionBatch
from onetake.envs.native import Config, as_json, whole
from onetake.errors import ShapeError
from onetake.types import Float32, Float64

Settled = tuple[Float32, Float64, NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]


class AuctionVector:
    """Many repeated sealed-bid auctions of one kind; each period every bidder sees what the item is worth to it.

    The highest bid of at least the reserve wins and pays itself (``price: first``) or the next one (``second``). Nobody
    bids beyond what is left of its budget. With ``mode: multiplier`` actions are shares of the own value (pacing).

    Args:
        config: ``bidders, price, mode, values, low, high, reserve, budget, highest, horizon``; defaults stand in the
            core, and unknown ones are refused.
        auctions: how many.
        seed: of their luck (values, ties), until a reset gives another.
        first_auction: id of the first; an auction's luck depends on its id, not on its company.

    Raises:
        ConfigError: a setting that cannot be used, by name.
    Source: Krishna (2010), Auction theory, chapter 2.

    >>> auction = AuctionVector({"price": "second"}, auctions=2)
    >>> obs, infos = auction.reset(seed=1)
    >>> obs, reward, terminated, truncated, infos = auction.step(auction.values())
    >>> bool((reward >= 0).all()), infos["winner"].shape
    (True, (2,))
    """

    def __init__(
        self, config: Config | None = None, *, auctions: int = 1, seed: int = 0, first_auction: int = 0
    ) -> None:
        text = as_json("auction", config or {})
        self._core = AuctionBatch(text, whole("auctions", auctions, 1), whole("first_auction", first_auction), seed)
        self.config: dict[str, Any] = json.loads(self._core.config())
        self.auctions, self.bidders, self.highest = auctions, self.config["bidders"], self.config["highest"]
        budget = self._core.budget()
        self.budget = np.full(self.bidders, np.inf) if budget is None else budget

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the bidders."""
        return tuple(f"bidder_{i}" for i in range(self.bidders))

    def reset(self, *, seed: int | None = None) -> tuple[Float32, dict[str, Any]]:
        """Begin an episode.

        Returns:
            Observations ``(auctions, bidders, 3)``: own value, share of the own budget that is left (1 where there is
            no limit), share of the episode that is left; and an empty mapping.
        """
        self._core.reset(None if seed is None else whole("seed", seed))
        return self._observed(), {}

    def values(self) -> Float64:
        """What the item that comes is worth to each bidder ``(auctions, bidders)``."""
        return self._core.values().reshape(self.auctions, self.bidders)

    def left(self) -> Float64:
        """What is left of budgets ``(auctions, bidders)``; infinite where there is no limit."""
        return self._core.left().reshape(self.auctions, self.bidders)

    def step(self, actions: Any) -> Settled:
        """Let every bidder act.

        Args:
            actions: bids, or shares of the own value, from 0 to ``highest`` ``(auctions, bidders)``.

        Returns:
            Observations, value less payment of who won ``(auctions, bidders)``, terminated and truncated
            ``(auctions,)``, and in the infos ``payment`` ``(auctions, bidders)`` and ``winner``
            ``(auctions,)``, -1 where nobody won.

        Raises:
            NotReadyError: before the first reset, and after the horizon.
            ShapeError: actions of another shape, out of bounds, or NaN.
        """
        array = np.ascontiguousarray(actions, dtype=np.float64)
        if array.shape != (self.auctions, self.bidders):
            raise ShapeError(f"actions: got {array.shape}; wanted ({self.auctions}, {self.bidders})")
        reward, payment, winner = self._core.step(array.ravel())
        over = self._core.elapsed() >= self.config["horizon"]
        ends = np.zeros(self.auctions, np.bool_), np.full(self.auctions, over)
        infos = {"payment": payment.reshape(array.shape), "winner": winner}
        return self._observed(), reward.reshape(array.shape), *ends, infos

    def fork(self, seed: int | None = None) -> Self:
        """Return a copy that goes on from here, with the same luck or with that of another seed."""
        twin = copy.copy(self)
        twin._core = self._core.fork(None if seed is None else whole("seed", seed))
        return twin

    def _observed(self) -> Float32:
        time = 1.0 - self._core.elapsed() / self.config["horizon"]
        with np.errstate(invalid="ignore"):
            share = np.where(np.isinf(self.budget), 1.0, self.left() / self.budget)
        parts = [self.values(), share, np.full(share.shape, time)]
        return np.stack(parts, axis=-1).astype(np.float32)
