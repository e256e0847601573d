"""Thin faces of `onetake.assembly.crews`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from onetake.agents import AbstractAgent
from onetake.assembly.crews import Crew, Training, train
from onetake.build import build


def train_crew(
    market: dict[str, Any],
    crew: dict[str, Any],
    training: Training,
    names: tuple[str, str],
    players: tuple[tuple[type[AbstractAgent], dict[str, Any]], ...],
    **agents: Any,
) -> pl.DataFrame:
    """Train the crew in the market; ``agents`` are the entries of conf, one a seat, and ``players`` what they mean."""
    made = {
        seat: build(f"agents.{seat}", agents[seat], lambda type, own=own, preset=preset, **s: own(**{**preset, **s}))
        for seat, (own, preset) in zip(agents, players, strict=True)
    }
    return train(names, market, read_crew(names[1], crew), made, training)


def read_crew(name: str, entry: Mapping[str, Any]) -> Crew:
    """Return the crew that conf describes."""
    return build(f"multi_agent.crews.{name}", {"type": "crew", **entry}, lambda type, **settings: Crew(**settings))


def collect_markets(*results: pl.DataFrame) -> pl.DataFrame:
    """Put the results of all crews in all markets under one another."""
    return pl.concat(results)
