"""Frames, scorecards and histories in the catalog: whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from kedro.io import DatasetError

from onetake.datasets.frame import FrameDataset
from onetake.datasets.frames import FramesDataset
from onetake.datasets.history import HistoryDataset
from onetake.evaluation.history import History, finish, slug, spool_folder
from onetake.evaluation.spool import BlockSpool, Latent
from onetake.types import BatchSpec

FRAME = pl.DataFrame({"agent": ["a", None], "score": [0.5, 1.0]})


def spooled() -> History:
    ids = np.zeros(1, dtype=np.uint32)
    spec = BatchSpec("tests/Coins-v0", ids, ids, 2, ("outcome",), None, np.array(0.0), np.array(1.0))
    folder = spool_folder()
    spool = BlockSpool(folder / slug("hats"), spec)
    one, no = np.ones(1), np.zeros(1, dtype=np.bool_)
    spool.reset(np.zeros((1, 1), dtype=np.float32))
    spool.step(1, np.zeros(1, dtype=np.int64), one, (no, no), np.ones((1, 1), dtype=np.float32))
    spool.know(Latent(one, one, np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)))
    spool.close()
    return finish(folder, suite="shop", agent="it", environments=["hats"])


@pytest.mark.pipelines
def test_frames_come_back_as_they_went_and_are_previewed(tmp_path: Path) -> None:
    dataset = FrameDataset(filepath=str(tmp_path / "deep" / "scores.parquet"))
    assert not dataset.exists()
    dataset.save(FRAME)
    assert dataset.exists()
    assert dataset.load().equals(FRAME)
    assert dataset.preview(nrows=1) == {"index": [0], "columns": ["agent", "score"], "data": [["a", "0.5"]]}
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["scores.parquet"]


@pytest.mark.pipelines
def test_a_scorecard_never_holds_frames_of_two_runs(tmp_path: Path) -> None:
    dataset = FramesDataset(filepath=str(tmp_path / "card"), shown="leaderboard")
    dataset.save({"leaderboard": FRAME, "old": FRAME})
    dataset.save({"leaderboard": FRAME.head(1)})
    assert {name: len(frame) for name, frame in dataset.load().items()} == {"leaderboard": 1}
    assert dataset.preview()["columns"] == ["agent", "score"]
    assert [p.name for p in tmp_path.iterdir()] == ["card"]


@pytest.mark.history
def test_a_history_is_renamed_into_place_and_replaces_the_old_one(tmp_path: Path) -> None:
    dataset = HistoryDataset(filepath=str(tmp_path / "deep" / "history"))
    for _ in range(2):
        history = spooled()
        dataset.save(history)
        assert not history.folder.exists()
    assert dataset.exists()
    assert len(dataset.load().observable()) == 2
    assert {trace["name"] for trace in dataset.preview()["data"]} == {"action", "reward", "obs_outcome"}
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["history"]


@pytest.mark.bad_input
def test_a_frame_that_cannot_be_written_leaves_the_old_one_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = FrameDataset(filepath=str(tmp_path / "scores.parquet"))
    dataset.save(FRAME)

    def full(self: pl.DataFrame, file: Path) -> None:
        Path(file).write_bytes(b"half")
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    with pytest.raises(DatasetError, match="No space left on device; wanted a file that can be written"):
        dataset.save(FRAME.head(1))
    monkeypatch.undo()
    assert dataset.load().equals(FRAME)
    assert [p.name for p in tmp_path.iterdir()] == ["scores.parquet"]


@pytest.mark.bad_input
def test_places_that_cannot_be_written_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    datasets = (
        (FrameDataset(filepath=str(tmp_path / "file" / "x.parquet")), FRAME),
        (FramesDataset(filepath=str(tmp_path / "file" / "x")), {"leaderboard": FRAME}),
        (HistoryDataset(filepath=str(tmp_path / "file" / "x")), spooled()),
    )
    for dataset, data in datasets:
        with pytest.raises(DatasetError, match=r"wanted a (file|directory) that can be written"):
            dataset.save(data)  # type: ignore[arg-type]  # each with its own kind


@pytest.mark.bad_input
@pytest.mark.parametrize("name", ["../up", "Card", "a/b", ""])
def test_a_frame_whose_name_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DatasetError, match="frame: got the name"):
        FramesDataset(filepath=str(tmp_path / "card")).save({name: FRAME})
    assert list(tmp_path.iterdir()) == []
