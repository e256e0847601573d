"""How transitions lie in memory and in files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from onetake.errors import CheckpointError, ConfigError, OutputError, ShapeError
from onetake.replay import Hindsight, Priorities, ReplayBuffer

BOX = spaces.Box(-1e9, 1e9, (3,), np.float32)
IMAGE = spaces.Box(0, 255, (8, 8), np.uint8)
TWO = spaces.Discrete(2)


def lived(count: int, **settings: Any) -> ReplayBuffer:
    """Episodes of 10 steps."""
    buffer = ReplayBuffer(BOX, TWO, settings.pop("capacity", 64), **settings)
    for t in range(count):
        obs, next_obs = np.full(3, t, np.float32), np.full(3, t + 1, np.float32)
        buffer.add(obs, t % 2, t / 8, next_obs, t % 10 == 9, False)
    return buffer


@pytest.mark.buffer_bytes
def test_a_million_transitions_of_17_and_6_floats_take_less_than_110_megabytes() -> None:
    obs, action = spaces.Box(-1, 1, (17,), np.float32), spaces.Box(-1, 1, (6,), np.float32)
    buffer = ReplayBuffer(obs, action, 1_000_000)
    # 23 floats, a reward of 8 bytes, 4 bytes for end and episode; one row more for the observation to come.
    assert buffer.bytes_per_transition == 23 * 4 + 8 + 4
    assert buffer.nbytes == 1_000_001 * 104 <= 110e6


@pytest.mark.buffer_bytes
def test_pages_are_taken_as_rows_are_written_and_no_others() -> None:
    def resident() -> int:
        status = Path("/proc/self/status")
        if not status.exists():
            pytest.skip("this system does not say how much memory a process holds")
        return int(next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmRSS"))) << 10

    box = spaces.Box(0, 1, (1024,), np.float32)
    before = resident()
    buffer = ReplayBuffer(box, TWO, 1_000_000)
    assert buffer.nbytes > 4e9
    part = np.zeros((2_000, 1024), np.float32) + np.arange(2_000, dtype=np.float32)[:, None] / 2_000
    ends = np.zeros(1_999, np.bool_)
    buffer.extend(part[:-1], np.zeros(1_999, np.int64), np.zeros(1_999), part[1:], ends, ends)
    # 8.2 MB of rows, as much of staging and of the array itself twice; large pages round up by 2 MB.
    assert resident() - before < 5 * 2_000 * 4_116


@pytest.mark.buffer_bytes
def test_images_stay_bytes_and_lie_there_once() -> None:
    buffer = ReplayBuffer(IMAGE, TWO, 50)
    assert buffer.bytes_per_transition == 64 + 8 + 8 + 4
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (51, 8, 8), dtype=np.uint8)
    for t in range(50):
        buffer.add(frames[t], 0, 0.0, frames[t + 1], False, t % 25 == 24)
    batch = buffer.sample(50)
    assert batch.obs.dtype == np.uint8
    assert np.array_equal(batch.obs, frames[batch.indices])
    assert np.array_equal(batch.next_obs, frames[batch.indices + 1])
    # Besides the rows: the final observation of each of two episodes, and what is kept of an episode.
    assert buffer.nbytes <= 51 * 84 + 2 * (64 + 16)


@pytest.mark.buffer_bytes
@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "int16", "uint32", "int32", "uint64", "float64"])
def test_dtypes_are_kept(dtype: str) -> None:
    space = spaces.MultiBinary(2) if dtype == "bool" else spaces.Box(0, 1, (2,), np.dtype(dtype).type)
    buffer = ReplayBuffer(space, spaces.MultiDiscrete([2, 3]), 5)
    one = np.array([1, 0], space.dtype)
    buffer.add(one, np.array([1, 2]), 1.0, one, True, False)
    batch = buffer.sample(1)
    assert batch.obs.dtype == batch.next_obs.dtype == space.dtype
    assert np.array_equal(batch.obs, [one])
    assert batch.action.tolist() == [[1, 2]]


@pytest.mark.buffer_roundtrip
@pytest.mark.parametrize("count", [0, 5, 64, 65, 130, 333])
def test_a_loaded_buffer_is_the_saved_one_and_draws_on(count: int, tmp_path: Path) -> None:
    buffer = lived(count, seed=3, n_step=2, priorities=Priorities())
    for _ in range(3 if count else 0):
        drawn = buffer.sample(5)
        buffer.update_priorities(drawn.indices, np.arange(5.0))
    buffer.save(tmp_path / "a")
    loaded = ReplayBuffer.load(tmp_path / "a")
    loaded.save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    for one in (buffer, loaded):
        one.add(np.full(3, count, np.float32), 1, 0.5, np.full(3, 7, np.float32), False, False)
    for a, b in zip(buffer.sample(1), loaded.sample(1), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.buffer_roundtrip
@pytest.mark.bad_input
def test_files_that_were_cut_or_changed_are_refused(tmp_path: Path) -> None:
    path, wrong = tmp_path / "saved", tmp_path / "wrong"
    lived(30, priorities=Priorities()).save(path)
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    for at in [0, 16, 20, 40, len(content) - 1, *rng.integers(0, len(content), 40).tolist()]:
        wrong.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(CheckpointError, match="wanted a file as save\\(\\) made it"):
            ReplayBuffer.load(wrong)
        wrong.write_bytes(content[:at])
        with pytest.raises(CheckpointError, match=r"got .*; wanted"):
            ReplayBuffer.load(wrong)
    wrong.write_bytes(content[:16] + bytes([9, 0, 0, 0]) + content[20:])
    with pytest.raises(CheckpointError, match="version 9"):
        ReplayBuffer.load(wrong)
    with pytest.raises(CheckpointError, match="no such file"):
        ReplayBuffer.load(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"hindsight: got .*; wanted None, as saved"):
        ReplayBuffer.load(path, hindsight=Hindsight(lambda a, d, i: a))


@pytest.mark.buffer_roundtrip
@pytest.mark.bad_input
def test_a_save_that_fails_leaves_the_last_good_one(tmp_path: Path) -> None:
    path = tmp_path / "saved"
    lived(5).save(path)
    before = path.read_bytes()
    with pytest.raises(OutputError, match="wanted a place that can be written"):
        lived(9).save(tmp_path / "nowhere" / "saved")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="wanted a place that can be written"):
        lived(9).save(tmp_path / "folder")
    # What a killed save leaves beside it is never read.
    (tmp_path / ".saved.1.tmp").write_bytes(before[:100])
    assert len(ReplayBuffer.load(path)) == 5
    assert path.read_bytes() == before
    assert not list(tmp_path.glob(".folder*"))


@pytest.mark.buffer_mmap
def test_rows_in_a_mapped_file_draw_the_same_and_the_file_goes_with_the_buffer(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    plain, mapped = lived(100, seed=2), lived(100, seed=2, memory_map=path)
    assert path.stat().st_size == 65 * mapped.bytes_per_transition
    for a, b in zip(plain.sample(50), mapped.sample(50), strict=True):
        assert np.array_equal(a, b)
    with pytest.raises(OutputError, match=r"rows: got File exists.*; wanted a new file of"):
        lived(1, memory_map=path)
    plain.save(tmp_path / "a")
    mapped.save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    del mapped
    assert not path.exists()
    again = ReplayBuffer.load(tmp_path / "b", memory_map=path)
    assert path.exists()
    assert np.array_equal(again.sample(50).obs, plain.sample(50).obs)


@pytest.mark.bad_input
def test_settings_out_of_range_are_refused_by_name() -> None:
    for wrong, text in (
        ({"capacity": 0}, "capacity: got 0; wanted at least 1"),
        ({"capacity": 7, "num_envs": 2}, "capacity: got 7; wanted a multiple of num_envs = 2"),
        ({"num_envs": 0}, "num_envs: got 0; wanted at least 1"),
        ({"n_step": 0}, "n_step: got 0; wanted at least 1"),
        ({"discount": 1.5}, "discount: got 1.5; wanted 0 to 1"),
        ({"priorities": Priorities(alpha=2)}, "priorities.alpha: got 2; wanted 0 to 1"),
        ({"priorities": Priorities(beta=-1)}, "priorities.beta: got -1; wanted 0 to 1"),
        ({"priorities": Priorities(epsilon=0)}, "priorities.epsilon: got 0; wanted more than 0"),
        ({"hindsight": Hindsight(lambda a, d, i: a)}, "wanted achieved_goal and desired_goal among them"),
        ({"autoreset_mode": "now"}, "autoreset_mode: got 'now'; wanted one of 'NextStep', 'SameStep', 'Disabled'"),
        ({"capacity": 10**18}, "capacity: got 1000000000000000000; wanted fewer"),
    ):
        with pytest.raises(ConfigError, match=text):
            ReplayBuffer(BOX, TWO, **{"capacity": 8, **wrong})
    with pytest.raises(ConfigError, match=r"observation_space: got Text.*; wanted Box"):
        ReplayBuffer(spaces.Text(3), TWO, 8)
    with pytest.raises(
        ConfigError, match=r"action_space: got Dict.*; wanted Box, Discrete, MultiDiscrete or MultiBinary"
    ):
        ReplayBuffer(BOX, spaces.Dict({"a": TWO}), 8)


@pytest.mark.bad_input
@pytest.mark.seam
def test_what_was_not_declared_is_refused_and_nothing_is_added() -> None:
    buffer = ReplayBuffer(BOX, TWO, 8)
    right = {
        "obs": np.zeros(3, np.float32),
        "action": 1,
        "reward": 0.0,
        "next_obs": np.zeros(3, np.float32),
        "terminated": False,
        "truncated": False,
    }
    for name, value, text in (
        ("obs", np.zeros(3), r"obs: got float64 \(3,\); wanted float32 \(3,\)"),
        ("obs", np.zeros(4, np.float32), r"obs: got float32 \(4,\); wanted float32 \(3,\)"),
        ("obs", np.zeros(3, np.int64), r"obs: got int64 \(3,\); wanted float32 \(3,\)"),
        ("obs", [0.0, 0.0, 0.0], r"obs: got list; wanted float32 \(3,\)"),
        ("next_obs", np.float32([0, np.nan, 0]), "next_obs: got NaN; wanted numbers"),
        ("action", 1.5, "action: got float; wanted int64"),
        ("action", np.array([1]), r"action: got int64 \(1,\); wanted int64 \(\)"),
        ("reward", float("nan"), "reward: got NaN; wanted finite numbers"),
        ("reward", "much", "reward: got str; wanted a number"),
        ("truncated", 1, "truncated: got int; wanted bool"),
    ):
        with pytest.raises(ShapeError, match=text):
            buffer.add(**{**right, name: value})
    assert len(buffer) == 0
    for action in (1, np.int64(1), np.uint8(1), np.array(1)):
        buffer.add(**{**right, "action": action})
    assert buffer.sample(4).action.tolist() == [1] * 4
    many = {name: np.stack([value] * 2) if "obs" in name else np.array([value] * 2) for name, value in right.items()}
    with pytest.raises(ShapeError, match=r"got float32 \(2, 3\); wanted float32 \(1, 3\)"):
        buffer.add(**many)
    with pytest.raises(ShapeError, match="env: got 1; wanted 0 to 0"):
        buffer.extend(**many, env=1)


@pytest.mark.seam
def test_strided_arrays_and_plain_integers_of_any_width_arrive_as_they_are() -> None:
    wide = spaces.Box(-99, 99, (2, 3), np.float32)
    buffer = ReplayBuffer(wide, TWO, 8, num_envs=2)
    base = np.arange(24, dtype=np.float32).reshape(3, 2, 2, 2).T[..., :2]
    obs = np.ascontiguousarray(base.transpose(3, 0, 2, 1).reshape(2, -1)[:, :6]).reshape(2, 2, 3)
    fortran, ends = np.asfortranarray(obs), np.zeros(2, np.bool_)
    buffer.add(fortran, np.array([0, 1], np.int8), np.float32([1, 2]), obs[::-1], ends, ends)
    batch = buffer.sample(2)
    assert np.array_equal(batch.obs, obs[batch.indices])
    assert np.array_equal(batch.next_obs, obs[1 - batch.indices])
    assert np.array_equal(batch.reward, batch.indices + 1)
