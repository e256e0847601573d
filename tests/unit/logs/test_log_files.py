"""Logs on disk, and raw files as they come."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from onetake.errors import OutputError, SchemaError
from onetake.logs import ColumnMap, DecisionLog, ingest, read_log, read_table, write_log

pytestmark = pytest.mark.log_schema

MAP = {
    "assignment": "randomised",
    "action": {"column": "arm", "count": 2},
    "reward": {"success": "came"},
    "context": {"number": {"years": "age"}, "category": {"town": "town"}, "missing": "indicate"},
    "calendar": {"time": "at"},
}


@pytest.fixture
def log(tmp_path: Path) -> DecisionLog:
    path = tmp_path / "raw.jsonl"
    rows = [
        {"arm": 0, "came": 1, "age": 30, "town": "a", "at": "2024-01-01T00:00:00"},
        {"arm": 1, "came": 0, "age": None, "town": "ü", "at": "2024-01-02T00:00:00"},
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return ingest(read_table(path), ColumnMap.from_mapping(MAP))


def test_a_log_reads_back_as_it_was_written(log: DecisionLog, tmp_path: Path) -> None:
    write_log(log, tmp_path / "log")
    again = read_log(tmp_path / "log")
    assert again.decisions.equals(log.decisions)
    assert again.outcomes.equals(log.outcomes)
    assert again.meta == log.meta


def test_each_table_explains_itself_alone(log: DecisionLog, tmp_path: Path) -> None:
    write_log(log, tmp_path / "log")
    for name in ("decisions", "outcomes"):
        head = pl.read_parquet_metadata(tmp_path / "log" / f"{name}.parquet")
        assert head["onetake_schema_version"] == "1"
        assert json.loads(head["onetake_meta"])["assignment"] == "randomised"


def test_writing_again_replaces_the_whole_folder(log: DecisionLog, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    write_log(log, folder)
    (folder / "stray.txt").write_text("old")
    write_log(replace(log, meta=replace(log.meta, notes=("again",))), folder)
    assert sorted(path.name for path in folder.iterdir()) == ["decisions.parquet", "log.json", "outcomes.parquet"]
    assert read_log(folder).meta.notes == ("again",)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_equal_logs_are_equal_bytes(log: DecisionLog, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_log(log, tmp_path / name)
    for file in ("decisions.parquet", "outcomes.parquet", "log.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


@pytest.mark.bad_input
@pytest.mark.parametrize("name", ["decisions.parquet", "outcomes.parquet"])
def test_a_tampered_or_missing_table_is_refused(log: DecisionLog, tmp_path: Path, name: str) -> None:
    write_log(log, tmp_path / "log")
    path = tmp_path / "log" / name
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(SchemaError, match=f"{name}: got a file with digest .*; wanted the one that log.json names"):
        read_log(tmp_path / "log")
    path.unlink()
    with pytest.raises(SchemaError, match=f"{name}: got No such file"):
        read_log(tmp_path / "log")


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("record", "told"),
    [
        ('{"schema_version": 2}', "got schema version 2; wanted 1"),
        ("[]", "got schema version None; wanted 1"),
        ('{"schema_version": 1}', "got no files or meta"),
        ("not json", "got text that is no JSON"),
    ],
)
def test_a_record_of_another_kind_is_refused(log: DecisionLog, tmp_path: Path, record: str, told: str) -> None:
    write_log(log, tmp_path / "log")
    (tmp_path / "log" / "log.json").write_text(record)
    with pytest.raises(SchemaError, match=told):
        read_log(tmp_path / "log")


@pytest.mark.bad_input
def test_a_record_that_lost_or_gained_meta_is_refused(log: DecisionLog, tmp_path: Path) -> None:
    write_log(log, tmp_path / "log")
    path = tmp_path / "log" / "log.json"
    record = json.loads(path.read_text())
    for change in ({"assignment": "luck"}, {"extra": 1}):
        path.write_text(json.dumps({**record, "meta": {**record["meta"], **change}}))
        with pytest.raises(SchemaError, match="log meta: got"):
            read_log(tmp_path / "log")


@pytest.mark.bad_input
@pytest.mark.parametrize("place", ["file/log", "/proc/log"])
def test_a_place_that_cannot_be_written_is_refused_and_nothing_is_left(
    log: DecisionLog, tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(OutputError, match="wanted a folder that can be written"):
        write_log(log, tmp_path / place)
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.bad_input
@pytest.mark.parametrize("keep", [0, 3, 200])
def test_a_truncated_parquet_is_refused_in_one_line(tmp_path: Path, root: Path, keep: int) -> None:
    whole = (root / "data/01_raw/open_bandit/bts_all.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[:keep] if keep else whole[: len(whole) // 2])
    with pytest.raises(SchemaError, match=r"cut\.parquet: got .*; wanted a whole parquet file") as refusal:
        read_table(tmp_path / "cut.parquet")
    assert "\n" not in str(refusal.value)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("foreign.parquet", "arm,came\n0,1\n", "wanted a whole parquet file"),
        ("empty.csv", "", "wanted a whole csv file"),
        ("ragged.csv", "a,b\n1,2\n1,2,3\n", "wanted a whole csv file"),
        ("text.jsonl", "a,b\n1,2\n", "wanted a whole jsonl file"),
        ("table.xlsx", "PK", r"got a \.xlsx file; wanted \.parquet"),
    ],
)
def test_a_foreign_file_is_refused_in_one_line(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SchemaError, match=told) as refusal:
        read_table(tmp_path / name)
    assert "\n" not in str(refusal.value)


@pytest.mark.bad_input
def test_missing_files_and_odd_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"none\.parquet: got No such file"):
        read_table(tmp_path / "none.parquet")
    with pytest.raises(SchemaError, match="got a folder without tables"):
        read_table(tmp_path)
    pl.DataFrame({"a": [1]}).write_csv(tmp_path / "a.csv")
    pl.DataFrame({"b": [1]}).write_csv(tmp_path / "b.csv")
    with pytest.raises(SchemaError, match=r"b\.csv: got other columns than a\.csv"):
        read_table(tmp_path)


@pytest.mark.bad_input
def test_writing_takes_nothing_away_but_a_log(log: DecisionLog, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "thesis.txt").write_text("years of work")
    (tmp_path / "plain").write_text("a file")
    for name, got in (("own", "a folder that holds something else"), ("plain", "a file")):
        with pytest.raises(OutputError, match=f"{name}: got {got}; wanted a new or empty folder"):
            write_log(log, tmp_path / name)
    assert (tmp_path / "own" / "thesis.txt").read_text() == "years of work"
    assert (tmp_path / "plain").read_text() == "a file"
    (tmp_path / "empty").mkdir()
    write_log(log, tmp_path / "empty")
    assert read_log(tmp_path / "empty").meta == log.meta
