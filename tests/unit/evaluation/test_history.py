"""Histories: bytes that depend on rows only, latent columns apart, memory that does not grow."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from onetake.errors import OutputError, SchemaError, UnknownIdError
from onetake.evaluation.history import History, finish, slug, spool_folder
from onetake.evaluation.spool import BlockSpool, Latent, ParquetSpool, check_replaceable, merge_blocks
from onetake.types import BatchSpec

pytestmark = pytest.mark.history

SCHEMA = pa.schema([("x", pa.int64())])


def spec(replicates: range, entities: int = 3) -> BatchSpec:
    return BatchSpec(
        env_id="tests/Coins-v0",
        entity_ids=np.arange(entities, dtype=np.uint32),
        replicate_ids=np.array(replicates, dtype=np.uint32),
        num_actions=2,
        observation_names=("outcome",),
        horizon=None,
        reward_low=np.array(0.0),
        reward_high=np.array(1.0),
    )


def write_block(
    folder: Path, block: BatchSpec, steps: int, *, per_step: bool = False, watch: Callable[[], object] = int
) -> None:
    """Rows whose numbers tell (step, replicate, entity); ``watch`` is called after every step."""
    spool = BlockSpool(folder, block, per_step=per_step)
    ids = np.repeat(block.replicate_ids, len(block.entity_ids)) * 10 + np.tile(
        block.entity_ids, len(block.replicate_ids)
    )
    ids = ids.astype(np.int64)
    ended = np.zeros(len(ids), dtype=np.bool_)
    spool.reset(np.zeros((len(ids), 1), dtype=np.float32))
    for step in range(1, steps + 1):
        reward = step * 1000.0 + ids
        spool.step(step, ids % 2, reward, (ended, ended | (step == steps)), reward[:, None].astype(np.float32))
        spool.know(Latent(reward + 0.25, reward + 0.5, ids % 2, ids % 2))
        watch()
    spool.close()


def one_history(steps: int = 4) -> History:
    folder = spool_folder()
    for environment in ("hats", "shoes: red"):
        write_block(folder / slug(environment), spec(range(2)), steps)
    return finish(folder, suite="shop", agent="greedy", environments=["hats", "shoes: red"])


def test_bytes_do_not_depend_on_the_pieces(tmp_path: Path) -> None:
    column = np.arange(150_000)
    for name, cuts in (("one", [150_000]), ("many", [1, 70_000, 9_999, 70_000])):
        spool = ParquetSpool(tmp_path / name, SCHEMA)
        for piece in np.split(column, np.cumsum(cuts)):
            spool.add(pa.table({"x": piece}, schema=SCHEMA))
        spool.close()
    assert (tmp_path / "one").read_bytes() == (tmp_path / "many").read_bytes()


def test_blocks_merge_into_the_files_of_one_batch(tmp_path: Path) -> None:
    write_block(tmp_path / "whole", spec(range(4)), steps=5)
    blocks = [tmp_path / "merged" / f"block-{i}" for i in range(3)]
    for block, replicates in zip(blocks, (range(1), range(1, 3), range(3, 4)), strict=True):
        write_block(block, spec(replicates), steps=5, per_step=True)
    merge_blocks(blocks, tmp_path / "merged")
    for name in ("observable.parquet", "latent.parquet"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "merged" / name).read_bytes()
    assert sorted(p.name for p in (tmp_path / "merged").iterdir()) == ["latent.parquet", "observable.parquet"]


def test_rows_stand_by_step_then_environment_and_begin_with_the_reset() -> None:
    frame = one_history(steps=2).observable().filter(pl.col("environment") == "hats")
    assert frame["step"].to_list() == [0] * 6 + [1] * 6 + [2] * 6
    assert frame["replicate"].to_list()[:6] == [0, 0, 0, 1, 1, 1]
    assert frame["entity"].to_list()[:6] == [0, 1, 2, 0, 1, 2]
    assert frame["action"].null_count() == 6
    assert frame["reward"].to_list()[6:8] == [1000.0, 1001.0]
    assert frame["truncated"].to_list() == [False] * 12 + [True] * 6


def test_latent_columns_are_in_all_and_in_no_observable_file() -> None:
    history = one_history()
    seen, everything = history.observable(), history.all()
    assert not any(name.startswith("latent") for name in seen.columns)
    assert everything.drop(c for c in everything.columns if c.startswith("latent")).equals(seen)
    done = everything.filter(pl.col("step") > 0)
    assert (done["latent_expected_reward"] - done["reward"]).to_list() == [0.25] * len(done)
    for file in history.folder.rglob("observable.parquet"):
        assert "latent" not in str(pl.read_parquet_schema(file))


def test_an_unsaved_history_vanishes_with_its_handle_and_a_moved_one_stays(tmp_path: Path) -> None:
    history = one_history()
    folder = history.folder
    moved = history.move(tmp_path / "history")
    assert not folder.exists()
    rows = len(moved.observable())
    del history, moved
    assert len(History(tmp_path / "history").observable()) == rows
    lost = one_history()
    folder = lost.folder
    del lost
    assert not folder.exists()


@pytest.mark.flat_memory
def test_memory_does_not_grow_with_the_horizon(tmp_path: Path) -> None:
    def peak(steps: int) -> int:
        pool, arrow = pa.default_memory_pool(), [0]
        start = pool.bytes_allocated()
        tracemalloc.start()
        write_block(
            tmp_path / str(steps),
            spec(range(10), entities=1_000),
            steps,
            watch=lambda: arrow.append(pool.bytes_allocated() - start),
        )
        own = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return own + max(arrow)

    short, long = peak(40), peak(160)
    # Four times the rows: only the footer of the file may grow with them.
    assert long < 1.2 * short


RUN = """
import sys
from onetake.agents import make
from onetake.envs import EnvironmentEntry, Suite
from onetake.evaluation import EvaluationSettings, run_cell

steps = int(sys.argv[1])
entry = EnvironmentEntry("coins", "cohort", entities=5_000, replicates=2, steps=steps)
suite = Suite("flat", "test", 1, (entry,))
settings = EvaluationSettings(seed=1, history=True, resamples=100)
cell = run_cell(make("thompson-v0"), suite, settings, name="thompson")
assert len(list(cell.history.folder.rglob("*.parquet"))) == 2
with open("/proc/self/status") as file:
    print(next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024)
"""


@pytest.mark.flat_memory
@pytest.mark.skipif(sys.platform != "linux", reason="the largest resident size is read from /proc")
def test_a_whole_run_with_its_history_is_flat_over_the_horizon() -> None:
    """10,000 rows a step, some 75 bytes each: kept in memory, 120 more steps would be 90 MiB."""

    def peak(steps: int) -> float:
        done = subprocess.run([sys.executable, "-c", RUN, str(steps)], capture_output=True, text=True, check=True)
        return float(done.stdout)

    # Past the size of a row group, which both have in memory once.
    assert peak(150) < peak(30) + 20


def test_a_history_is_drawn_as_actions_and_lines() -> None:
    figure = one_history().plot("shoes: red", replicate=1, entity=2)
    assert [(trace.name, trace.mode) for trace in figure.data] == [
        ("action", "markers"),
        ("reward", "lines"),
        ("obs_outcome", "lines"),
    ]
    assert list(figure.data[0].x) == [1, 2, 3, 4]
    assert list(figure.data[1].y)[1:] == [1012.0, 2012.0, 3012.0, 4012.0]


@pytest.mark.bad_input
def test_what_was_not_played_cannot_be_drawn() -> None:
    with pytest.raises(UnknownIdError, match="history: got hats, replicate 9, entity 0; wanted one that was played"):
        one_history().plot("hats", replicate=9)


@pytest.mark.bad_input
def test_a_folder_that_no_run_finished_is_no_history(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"without history.json; wanted a folder that a run has finished"):
        History(tmp_path)


def test_slugs_are_file_names_that_stay_apart() -> None:
    names = ["thompson", "a/b", "a:b", "../up", "CON v0", "", "."]
    slugs = [slug(name) for name in names]
    assert len(set(slugs)) == len(names)
    assert all(s and "/" not in s and ":" not in s and not s.startswith(".") for s in slugs)


@pytest.mark.bad_input
def test_only_an_older_output_of_the_same_kind_is_replaced(tmp_path: Path) -> None:
    check_replaceable(tmp_path / "absent", "history.json")
    check_replaceable(tmp_path, "history.json")
    (tmp_path / "thesis.txt").write_text("all of it")
    for place in (tmp_path, tmp_path / "thesis.txt"):
        with pytest.raises(OutputError, match="got something else there; wanted nothing, an empty folder"):
            check_replaceable(place, "history.json")
    (tmp_path / "history.json").write_text("{}")
    check_replaceable(tmp_path, "history.json")
