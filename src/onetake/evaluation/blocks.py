"""Finished blocks of a cell, kept until the cell is finished: one that was killed goes on at its last block.

A block is kept under a digest of everything that decides its bytes: the package's sources, the agent's class and
settings, the suite, the settings of the evaluation. Another digest is another folder, so nothing stale is ever read.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

import onetake
from onetake import _core
from onetake.agents import AbstractAgent
from onetake.evaluation.history import slug
from onetake.evaluation.promotion import world_digest
from onetake.evaluation.settings import PlaySettings

if TYPE_CHECKING:
    from onetake.envs.suite import Suite


@dataclass(frozen=True)
class BlockStore:
    """Frames of finished blocks, in a folder of the cell.

    Attributes:
        folder: of this cell; it is made with its first block and goes when the cell is finished.
    """

    folder: Path

    @classmethod
    def of(cls, root: Path, agent: AbstractAgent, suite: Suite, settings: PlaySettings, name: str) -> BlockStore:
        """Return the store of a cell below ``root``."""
        state = hashlib.blake2b(digest_size=8)
        parts = [name, repr(type(agent)), repr(agent), suite.name, world_digest(suite), str(suite.incumbent)]
        state.update(json.dumps([*parts, asdict(settings), _core.__source__]).encode())
        for path in _sources(agent):
            state.update(path.name.encode() + b"\0" + path.read_bytes())
        return cls(root / slug(suite.name) / f"{slug(name)}-{state.hexdigest()}")

    def load(self, block: str) -> tuple[pl.DataFrame, ...] | None:
        """Return the frames of a finished block, or None."""
        place = self.folder / block
        if not place.is_dir():
            return None
        return tuple(pl.read_parquet(path) for path in sorted(place.glob("*.parquet")))

    def save(self, block: str, frames: Sequence[pl.DataFrame]) -> None:
        """Keep the frames of a block: written beside and renamed, so that half a block is none."""
        beside = self.folder / f".{block}.new"
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        for number, frame in enumerate(frames):
            frame.write_parquet(beside / f"{number}.parquet")
        beside.rename(self.folder / block)

    def clear(self) -> None:
        """Forget the blocks of a finished cell."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _sources(agent: AbstractAgent) -> list[Path]:
    """Python files that may decide what is played: the package's, and those beside a user's own agent."""
    package = Path(onetake.__file__).parent
    found = set(package.rglob("*.py"))
    try:
        own = Path(inspect.getfile(type(agent))).resolve()
    except (OSError, TypeError):
        return sorted(found)
    return sorted(found if own.is_relative_to(package) else found | set(own.parent.glob("*.py")))
