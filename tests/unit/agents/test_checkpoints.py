"""Checkpoints that do not fit who loads them: the refusal tells the two apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from onetake.agents import Random, Thompson
from onetake.errors import CheckpointError
from onetake.types import BatchSpec

pytestmark = [pytest.mark.bad_input, pytest.mark.agent_roundtrip]


def coins(entities: int) -> BatchSpec:
    ids = np.arange(entities, dtype=np.uint32)
    return BatchSpec("tests/Coins-v0", ids, ids[:2], 3, (), None, np.array(0.0), np.array(1.0))


def test_a_saved_setting_that_the_class_does_not_know_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = Thompson()
    agent.begin(coins(6), seed=3)
    monkeypatch.setattr(Thompson, "settings", {"prior": 1.0, "floor": 0.0})
    agent.save(tmp_path / "agent")
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="got the settings floor, prior; wanted those of Thompson: "):
        Thompson.load(tmp_path / "agent")


def test_a_checkpoint_of_another_batch_tells_the_two_apart(tmp_path: Path) -> None:
    agent = Random()
    agent.begin(coins(6), seed=3)
    agent.save(tmp_path / "agent")
    known = (
        r"got state of tests/Coins-v0 \(6 entities x 2 replicates, 3 actions\); wanted tests/Coins-v0 \(5 entities x 2"
    )
    with pytest.raises(CheckpointError, match=known):
        Random.load(tmp_path / "agent", coins(5))
