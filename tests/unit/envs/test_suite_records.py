"""Suites are saved whole or not at all, and entries make the same numbers in parts."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from onetake.envs import EnvironmentEntry, SimVectorEnv, Suite
from onetake.errors import ConfigError, OutputError, SchemaError, UnknownIdError


def suite() -> Suite:
    rng = np.random.default_rng(1)
    fitted = EnvironmentEntry(
        "fitted: a/b",
        "bandit",
        {"segment_multipliers": [1, 2], "labels": ["no", "yes"]},
        {"rate": rng.uniform(0, 0.5, (2 * 3, 2)), "segment": np.array([0, 1, 1])},
        entities=3,
        replicates=6,
        steps=9,
        draws=2,
        labels={"assignment": "randomised"},
    )
    return Suite("mixed", "test", 7, (fitted, EnvironmentEntry.of("Cohort-v0")), {"action": 1}, {"rows": 10})


@pytest.mark.bad_input
def test_a_saved_suite_is_the_same_again(tmp_path: Path) -> None:
    before = suite()
    before.save(tmp_path / "deep" / "suite")
    before.save(tmp_path / "deep" / "suite")
    after = Suite.load(tmp_path / "deep" / "suite")
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["suite"]
    assert (after.name, after.part, after.seed, after.incumbent, after.fitted) == (
        "mixed",
        "test",
        7,
        {"action": 1},
        {"rows": 10},
    )
    for old, new in zip(before.environments, after.environments, strict=True):
        fields = ("name", "family", "config", "entities", "replicates", "steps", "draws", "labels")
        assert [getattr(old, f) for f in fields] == [getattr(new, f) for f in fields]
        assert (old.columns is None) == (new.columns is None)
        for name, values in (old.columns or {}).items():
            assert new.columns is not None
            assert new.columns[name].dtype == values.dtype
            assert (new.columns[name] == values).all()


def rewards(env: SimVectorEnv) -> np.ndarray:
    env.reset()
    action = np.ones(env.num_envs, dtype=np.int64)
    return np.stack([env.step(action)[1] for _ in range(3)])


@pytest.mark.worker_independence
def test_an_entry_is_made_in_parts_with_the_numbers_of_the_whole() -> None:
    entry = suite().environments[0]
    whole = rewards(entry.make(5))
    parts = [
        rewards(entry.make(5, first_replicate=first, replicates=count)) for first, count in ((0, 1), (1, 3), (4, 2))
    ]
    assert (np.concatenate(parts, axis=1) == whole).all()


@pytest.mark.one_shot
def test_an_entry_gives_one_take_of_its_own_length() -> None:
    env = suite().environments[0].make(1)
    assert env.one_shot
    assert env.batch_spec.horizon == 9
    assert env.batch_spec.env_id == "fitted: a/b"


@pytest.mark.calibration
def test_replicates_of_one_draw_share_its_parameters() -> None:
    entry = suite().environments[0]
    env = entry.make(5)
    env.reset()
    expected = env.expected_reward().reshape(6, 3, 2)
    assert entry.columns is not None
    rate = entry.columns["rate"].reshape(2, 3, 2) * np.array([1, 2, 2])[:, np.newaxis]
    assert np.allclose(expected, np.repeat(rate, 3, axis=0).clip(0, 1))


@pytest.mark.bad_input
def test_damaged_suites_are_refused_by_file(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"suite\.json: got no such file"):
        Suite.load(tmp_path)
    suite().save(tmp_path / "s")
    parquet = sorted((tmp_path / "s").glob("*.parquet"))
    whole = parquet[0].read_bytes()
    for damage in (whole[:-9], parquet[1].read_bytes(), b""):
        parquet[0].write_bytes(damage)
        with pytest.raises(SchemaError, match=parquet[0].name):
            Suite.load(tmp_path / "s")
    parquet[0].unlink()
    with pytest.raises(SchemaError, match=r"\.parquet: got no such file"):
        Suite.load(tmp_path / "s")
    record = tmp_path / "s" / "suite.json"
    for text, reason in (("{", "JSON"), ("{}", "version"), (json.dumps({"version": 99}), "version 99; wanted 2")):
        record.write_text(text)
        with pytest.raises(SchemaError, match=reason):
            Suite.load(tmp_path / "s")


@pytest.mark.bad_input
def test_suites_that_make_no_sense_are_refused() -> None:
    entry = EnvironmentEntry("x", "cohort")
    for wrong in (
        lambda: Suite("s", "test", 1, ()),
        lambda: Suite("s", "test", 1, (entry, entry)),
        lambda: Suite("s", "train", 1, (entry,)),  # type: ignore[arg-type]  # that is what is tested
    ):
        with pytest.raises(ConfigError, match="suite s: got"):
            wrong()


@pytest.mark.bad_input
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="suite mixed: got"):
        suite().save(tmp_path / "file" / "below")
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.bad_input
def test_saving_takes_nothing_away_but_a_suite(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "thesis.txt").write_text("years of work")
    (tmp_path / "plain").write_text("a file")
    with pytest.raises(OutputError, match="own: got a folder that holds something else; wanted a new or empty folder"):
        suite().save(tmp_path / "own")
    with pytest.raises(OutputError, match="plain: got a file; wanted a new or empty folder"):
        suite().save(tmp_path / "plain")
    assert (tmp_path / "own" / "thesis.txt").read_text() == "years of work"
    assert (tmp_path / "plain").read_text() == "a file"
    (tmp_path / "empty").mkdir()
    suite().save(tmp_path / "empty")
    assert Suite.load(tmp_path / "empty").name == "mixed"


@pytest.mark.bad_input
def test_a_changed_record_is_refused(tmp_path: Path) -> None:
    suite().save(tmp_path)
    path = tmp_path / "suite.json"
    saved = json.loads(path.read_text())
    for changed in ({"seed": 7.5}, {"seed": 8}, {"environments": "ab"}, {"incumbent": {"action": 0}}):
        path.write_text(json.dumps(saved | changed))
        with pytest.raises(SchemaError, match=r"suite\.json: got a record that was changed"):
            Suite.load(tmp_path)
    for record in ([], "ab", {"version": 2}):
        path.write_text(json.dumps(record))
        with pytest.raises(SchemaError, match=r"suite\.json: got "):
            Suite.load(tmp_path)


@pytest.mark.bad_input
def test_a_suite_that_cannot_be_played_is_not_made() -> None:
    entry = EnvironmentEntry("x", "cohort")
    with pytest.raises(ConfigError, match=r"suite s\.seed: got -1; wanted a whole number"):
        Suite("s", "test", -1, (entry,))
    with pytest.raises(ConfigError, match=r"suite s, environment x: .*seazon"):
        Suite("s", "test", 1, (EnvironmentEntry("x", "cohort", {"modifiers": [{"kind": "seazon"}]}),))
    with pytest.raises(UnknownIdError, match=r"suite s, environment x: .*cohrt"):
        Suite("s", "test", 1, (EnvironmentEntry("x", "cohrt"),))
    with pytest.raises(ConfigError, match=r"Cohort-v0\.steps: got 0; wanted a whole number, at least 1"):
        EnvironmentEntry.of("Cohort-v0", steps=0)
