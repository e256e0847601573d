"""A raw table becomes a decision log by what conf says of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from onetake.errors import ConfigError, SchemaError
from onetake.logs import ColumnMap, DecisionLog, ingest, policy_table, read_table

pytestmark = pytest.mark.column_map

BASE = {
    "assignment": "randomised",
    "action": {"column": "arm", "values": ["red", "blue"]},
    "reward": {"success": "came"},
    "calendar": {"time": "at", "zone": "Europe/Berlin"},
}
ROWS = {
    "arm": ["red", "blue", "red"],
    "came": [1, 0, 1],
    "at": ["2024-03-30 12:00:00", "2024-03-31 12:00:00", "2024-04-01 00:30:00"],
    "paid": [0.5, 0.25, 0.0],
    "age": [30.0, None, 50.0],
    "town": ["b", "a", "b"],
}


def made(tmp_path: Path, rows: dict[str, list[object]] | None = None, **changes: object) -> DecisionLog:
    path = tmp_path / "table.csv"
    pl.DataFrame({**ROWS, **(rows or {})}, strict=False).write_csv(path)
    return ingest(read_table(path), ColumnMap.from_mapping({**BASE, **changes}))


def conf(root: Path, name: str) -> ColumnMap:
    entries = yaml.safe_load((root / "conf/base/parameters/ingestion.yml").read_text())
    return ColumnMap.from_mapping(entries["ingestion"][name])


@pytest.fixture(scope="module")
def thornton(root: Path) -> DecisionLog:
    return ingest(read_table(root / "data/01_raw/thornton_hiv/thornton.csv"), conf(root, "thornton"))


def test_thornton_has_the_published_rows_and_shares(thornton: DecisionLog) -> None:
    # reference: 480 without incentive of whom 33.75 % came, 1,651 with any of whom 78.37674 %
    joined = thornton.joined()
    none, some = joined.filter(pl.col("action") == 0), joined.filter(pl.col("action") > 0)
    assert (len(none), len(some)) == (480, 1651)
    assert none["success"].mean() == pytest.approx(0.3375, abs=1e-12)
    assert some["success"].mean() == pytest.approx(0.7837674136886735, abs=1e-12)


def test_thornton_rewards_are_value_less_what_was_paid_on_coming(thornton: DecisionLog, root: Path) -> None:
    raw = pl.read_csv(root / "data/01_raw/thornton_hiv/thornton.csv").drop_nulls(["got", "tinc"])
    rewards = [(4.0 - row["tinc"]) * row["got"] for row in raw.iter_rows(named=True)]
    np.testing.assert_allclose(thornton.outcomes["reward"].to_numpy(), rewards, rtol=0, atol=1e-12)


def test_scale_times_successes_of_a_level_is_its_logged_total(thornton: DecisionLog) -> None:
    joined, scale = thornton.joined(), thornton.meta.reward_scale
    for level in range(thornton.meta.num_actions):
        rows = joined.filter(pl.col("action") == level)
        assert scale[level] * rows["success"].sum() == pytest.approx(rows["reward"].sum(), abs=1e-9)


def test_levels_are_closed_at_their_upper_end(thornton: DecisionLog, root: Path) -> None:
    raw = pl.read_csv(root / "data/01_raw/thornton_hiv/thornton.csv").drop_nulls(["got", "tinc"])
    ends = [0.0, 0.5, 1.0, 2.0, 3.0]
    levels = [next(i for i, end in enumerate(ends) if amount <= end) for amount in raw["tinc"]]
    assert thornton.decisions["action"].to_list() == levels


def test_what_stands_in_for_time_and_entity_is_noted(thornton: DecisionLog) -> None:
    notes = " | ".join(thornton.meta.notes)
    assert "time: no column" in notes
    assert "entity: no column" in notes
    assert "1513 of 3644 dropped" in notes


@pytest.mark.open_bandit
@pytest.mark.parametrize(("name", "clicks"), [("random", 38), ("bts", 42)])
def test_open_bandit_keeps_every_row_and_click(root: Path, name: str, clicks: int) -> None:
    log = ingest(read_table(root / f"data/01_raw/open_bandit/{name}_all.parquet"), conf(root, f"open_bandit_{name}"))
    raw = pl.read_parquet(root / f"data/01_raw/open_bandit/{name}_all.parquet")
    assert log.outcomes["reward"].sum() == clicks
    assert log.decisions["action"].to_list() == raw["item_id"].to_list()
    assert log.decisions["slot"].to_list() == [position - 1 for position in raw["position"]]
    assert log.decisions["propensity"].equals(raw["propensity_score"], check_names=False)
    assert log.meta.num_actions == 80
    assert log.meta.num_slots == 3


def test_another_campaign_needs_conf_only(tmp_path: Path) -> None:
    path = tmp_path / "men.csv"
    pl.DataFrame(
        {"item": [3, 1], "place": [1, 2], "click": [0, 1], "p": [0.5, 0.25], "t": ["2020-01-01 00:00:00"] * 2}
    ).write_csv(path)
    log = ingest(
        read_table(path),
        ColumnMap.from_mapping(
            {
                "assignment": "logged_propensities",
                "action": {"column": "item", "count": 4},
                "slot": {"column": "place", "count": 2, "first": 1},
                "reward": {"success": "click"},
                "propensity": {"method": "column", "column": "p"},
                "calendar": {"time": "t"},
            }
        ),
    )
    assert log.decisions.select("action", "slot", "propensity").rows() == [(3, 0, 0.5), (1, 1, 0.25)]


def test_days_are_cut_in_local_time_across_the_change_of_clocks(tmp_path: Path) -> None:
    # Berlin left winter time on 2024-03-31: that day has 23 hours, and still is one day.
    log = made(tmp_path)
    assert log.decisions["step"].to_list() == [0, 1, 2]
    assert log.decisions["decision_time"][0] == datetime(2024, 3, 30, 11, tzinfo=UTC)
    assert log.decisions["decision_time"][1] == datetime(2024, 3, 31, 10, tzinfo=UTC)


@pytest.mark.parametrize(("period", "steps"), [("1h", [12, 36, 48]), ("1w", [0, 0, 0]), ("2d", [0, 0, 1])])
def test_periods_count_from_the_stated_start(tmp_path: Path, period: str, steps: list[int]) -> None:
    calendar = {"time": "at", "zone": "Europe/Berlin", "period": period, "start": "2024-03-30"}
    assert made(tmp_path, calendar=calendar).decisions["step"].to_list() == steps


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_the_same_table_is_the_same_log_in_every_format(tmp_path: Path, suffix: str) -> None:
    frame = pl.DataFrame({**ROWS, "at": [f"{time[:10]}T{time[11:]}+02:00" for time in map(str, ROWS["at"])]})
    path = tmp_path / f"table{suffix}"
    {".parquet": frame.write_parquet, ".csv": frame.write_csv, ".jsonl": frame.write_ndjson}[suffix](path)
    log = ingest(read_table(path), ColumnMap.from_mapping(BASE))
    assert log.decisions["decision_time"][0] == datetime(2024, 3, 30, 10, tzinfo=UTC)
    assert log.decisions["action"].to_list() == [0, 1, 0]
    assert log.outcomes["reward"].to_list() == [1.0, 0.0, 1.0]


def test_costs_are_taken_off_whether_or_not_it_worked(tmp_path: Path) -> None:
    log = made(tmp_path, reward={"success": "came", "value": 3.0, "paid": "paid", "costs": [0.1, 0.2]})
    np.testing.assert_allclose(log.outcomes["reward"].to_numpy(), [2.4, -0.2, 2.9], atol=1e-12)
    # A level without a success takes what was offered.
    np.testing.assert_allclose(log.meta.reward_scale, [3.0 - 0.25, 3.0 - 0.25], atol=1e-12)
    np.testing.assert_allclose(log.meta.reward_offset, [-0.1, -0.2], atol=1e-12)


def test_contexts_keep_their_kinds_and_nulls(tmp_path: Path) -> None:
    context = {"number": {"years": "age"}, "group": {"place": "town"}, "missing": "indicate"}
    log = made(tmp_path, context=context)
    assert log.decisions["years"].to_list() == [30.0, None, 50.0]
    assert log.meta.context[1].levels == ("a", "b")


def test_estimated_propensities_are_marked_and_logged_ones_exact(tmp_path: Path) -> None:
    assert set(made(tmp_path).decisions["propensity_kind"]) == {"estimated"}
    logged = made(tmp_path, {"p": [0.5, 0.5, 1.0]}, propensity={"method": "column", "column": "p"})
    assert set(logged.decisions["propensity_kind"]) == {"exact"}
    unknown = made(tmp_path, propensity={"method": "none"})
    assert unknown.decisions["propensity"].null_count() == 3


def test_what_doubt_conf_declares_goes_with_the_log(tmp_path: Path) -> None:
    assert len(made(tmp_path, adaptive=True, interference=True).meta.marks) == 2


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("rows", "changes", "told"),
    [
        ({}, {"action": {"column": "item", "values": ["red"]}}, r"table\.csv: got columns arm, .*; wanted column item"),
        ({"arm": ["red", "green", "red"]}, {}, r"table\.csv, row 2, column arm: got 'green'; wanted a known action"),
        ({"came": [1, 2, 1]}, {}, r"row 2, column came: got 2; wanted a whole number in 0\.\.1"),
        ({"came": [1, None, 1]}, {}, r"row 2, column came: got None"),
        ({"came": ["1", "yes", "1"]}, {}, r"row 2, column came: got 'yes'"),
        ({"came": [1.0, float("nan"), 0.0]}, {}, r"row 2, column came: got nan"),
        (
            {"at": ["2024-03-30 12:00:00", "2024-03-29 12:00:00", "2024-04-01 00:30:00"]},
            {},
            r"row 2, column at: got .*; wanted rows in order of time",
        ),
        (
            {"at": ["2024-03-30 12:00:00", "2024-03-31 02:30:00", "2024-04-01 00:30:00"]},
            {},
            r"row 2, column at.*exists",
        ),
        ({"at": ["soon", "later", "never"]}, {}, r"row 1, column at: got 'soon'; wanted a time"),
        (
            {"p": [0.5, 0.0, 1.0]},
            {"propensity": {"method": "column", "column": "p"}},
            r"row 2, column p: got 0\.0; wanted a number in \(0, 1\]",
        ),
        ({"p": [0.5, 0.5, 1.5]}, {"propensity": {"method": "column", "column": "p"}}, r"row 3, column p: got 1\.5"),
        ({"p": [0.5, None, 1.0]}, {"propensity": {"method": "column", "column": "p"}}, r"row 2, column p: got None"),
        (
            {"p": [0.5, float("nan"), 1.0]},
            {"propensity": {"method": "column", "column": "p"}},
            r"row 2, column p: got nan",
        ),
        ({}, {"context": {"number": {"years": "age"}}}, r"row 2, column age: got None; wanted a value"),
        ({}, {"context": {"number": {"years": "town"}}}, r"row 1, column town: got 'b'; wanted a number"),
        ({}, {"context": {"group": {"action": "town"}}}, r"got the name action"),
        ({}, {"keep": {"present": ["age"], "rows": 3}}, r"keep\.rows: got 2 rows; wanted 3"),
        (
            {"paid": [0.5, 9.0, 0.0]},
            {"action": {"column": "paid", "cut": [1.0, 2.0]}},
            r"row 2, column paid: got 9\.0; wanted a number up to 2",
        ),
        (
            {"done": ["2024-03-30 12:00:00", "2024-03-31 11:00:00", "2024-04-01 00:30:00"]},
            {"calendar": {"time": "at", "outcome": "done"}},
            r"row 2, column done: .*no outcome before its decision",
        ),
    ],
)
def test_a_bad_table_is_refused_with_file_row_and_column(
    tmp_path: Path, rows: dict[str, list[object]], changes: dict[str, object], told: str
) -> None:
    with pytest.raises(SchemaError, match=told) as refusal:
        made(tmp_path, rows, **changes)
    assert "\n" not in str(refusal.value)


@pytest.mark.bad_input
def test_rows_are_counted_in_the_file_even_where_some_were_dropped(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"table\.csv, row 3, column came: got 7"):
        made(tmp_path, {"came": [1, 0, 7]}, keep={"present": ["age"]})


@pytest.mark.bad_input
def test_rows_of_a_folder_are_named_by_their_own_file(tmp_path: Path) -> None:
    for name, came in (("a.csv", [0, 1, 0]), ("b.csv", [0, 1, 5])):
        pl.DataFrame({**ROWS, "at": ["2024-01-01 00:00:00"] * 3, "came": came}).write_csv(tmp_path / name)
    with pytest.raises(SchemaError, match=r"b\.csv, row 3, column came: got 5"):
        ingest(read_table(tmp_path), ColumnMap.from_mapping(BASE))


@pytest.mark.bad_params
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"assignment": None}, "assignment: got None; wanted one of randomised"),
        ({"assignment": "random"}, "assignment: got 'random'; wanted"),
        ({"rewards": {}}, r"\.rewards: got an unknown key \(did you mean reward\?\)"),
        ({"action": {"column": "arm", "cuts": [1]}}, r"\.action\.cuts: got an unknown key \(did you mean cut\?\)"),
        ({"action": {"column": "arm"}}, "action: got none or several of cut, values, count"),
        ({"action": {"column": "arm", "count": "two"}}, r"action\.count: got 'two'; wanted int"),
        ({"action": {"column": "arm", "cut": [1.0, 1.0]}}, "ascending"),
        ({"action": {"column": "arm", "count": 2, "labels": ["a"]}}, "got 1 labels; wanted 2"),
        ({"reward": {"success": "came", "column": "paid"}}, "got none or both"),
        ({"reward": {"success": "came", "value": float("nan")}}, r"reward\.value: got nan; wanted float"),
        ({"reward": {"success": "came", "costs": [1.0]}}, "got 1 numbers; wanted 2"),
        ({"calendar": {}}, "wanted a stand-in date"),
        ({"calendar": {"time": "at", "period": "1y"}}, r"calendar\.period: got '1y'"),
        ({"calendar": {"time": "at", "zone": "Mars/Olympus"}}, r"calendar\.zone: got 'Mars/Olympus'"),
        ({"calendar": {"start": "someday"}}, r"calendar\.start: got 'someday'"),
        ({"propensity": {"method": "column"}}, r"propensity\.column: got None"),
        ({"propensity": {"smoothing": 0}}, r"propensity\.smoothing: got 0"),
        ({"propensity": {"folds": True}}, r"propensity\.folds: got True; wanted int"),
        ({"assignment": "logged_propensities"}, r"propensity\.method: got no column"),
    ],
)
def test_a_bad_map_is_refused_by_its_path(changes: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        ColumnMap.from_mapping({**BASE, **changes})


@pytest.mark.bad_params
def test_a_map_without_assignment_is_refused() -> None:
    entry = {key: value for key, value in BASE.items() if key != "assignment"}
    with pytest.raises(ConfigError, match="assignment: got nothing; wanted randomised, logged_propensities"):
        ColumnMap.from_mapping(entry)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("table", "told"),
    [
        (
            {"item_id": [0, 1], "position": [1, 1], "prob": [0.5, 0.4]},
            r"slot 0: got chances that sum to 0\.9; wanted 1",
        ),
        (
            {"item_id": [0, 0], "position": [1, 1], "prob": [0.5, 0.5]},
            "row 2, column item_id: got 0; wanted each action once",
        ),
        ({"item_id": [0, 80], "position": [1, 1], "prob": [0.5, 0.5]}, "row 2, column item_id: got 80"),
        ({"item_id": [0, 1], "position": [1, 1], "prob": [1.5, -0.5]}, r"row 1, column prob: got 1\.5"),
        ({"item_id": [0, 1], "position": [1, 1]}, "wanted column prob"),
    ],
)
def test_a_bad_policy_table_is_refused(root: Path, tmp_path: Path, table: dict[str, list[object]], told: str) -> None:
    path = tmp_path / "policy.csv"
    pl.DataFrame(table).write_csv(path)
    with pytest.raises(SchemaError, match=told):
        policy_table(read_table(path), conf(root, "open_bandit_bts"))


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"keep": {"equal": {"town": "zz"}}}, r"table\.csv: got no rows to keep; wanted at least one"),
        ({"keep": {"equal": {"age": "abc"}}}, r"keep\.equal\.age: got 'abc'; wanted a value of the column's kind"),
        ({"keep": {"equal": {"arm": 3}}}, r"keep\.equal\.arm: got 3; wanted a value of the column's kind, String"),
        ({"keep": {"equal": {"arm": ["red"]}}}, r"keep\.equal\.arm: got \['red'\]; wanted"),
        ({"context": {"number": {"x": "age"}, "group": {"x": "town"}}}, "context: got x twice"),
        ({"calendar": {"time": "at", "period": "9999999999999d"}}, r"calendar\.period: got '9999999999999d'; wanted"),
        ({"action": {"column": "arm", "values": [["red"], ["blue"]]}}, r"action\.values: got .*; wanted texts"),
        ({"propensity": {"smoothing": float("inf")}}, r"propensity\.smoothing: got inf; wanted a finite number"),
        ({"calendar": {"time": "paid"}}, r"row 1, column paid: got 0\.5; wanted a time"),
    ],
)
def test_maps_that_do_not_fit_the_table_are_refused_in_one_line(
    tmp_path: Path, changes: dict[str, Any], line: str
) -> None:
    with pytest.raises((ConfigError, SchemaError), match=line) as refused:
        made(tmp_path, **changes)
    assert "\n" not in str(refused.value)


@pytest.mark.bad_input
def test_a_table_without_rows_and_names_of_any_characters_are_refused(tmp_path: Path) -> None:
    (tmp_path / "head.csv").write_text("arm,came,at\n")
    with pytest.raises(SchemaError, match=r"head\.csv: got no rows to keep"):
        ingest(read_table(tmp_path / "head.csv"), ColumnMap.from_mapping(BASE))
    (tmp_path / "odd.csv").write_text("a\x01b,came,at\n1,1,2024-01-01\n")
    with pytest.raises(SchemaError, match=r"got columns 'a\\x01b', came, at; wanted column arm"):
        ingest(read_table(tmp_path / "odd.csv"), ColumnMap.from_mapping(BASE))


@pytest.mark.bad_input
def test_times_are_shown_as_they_are_written(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"row 2, column at: got 2024-03-29T11:00:00\+00:00; wanted rows in order"):
        made(tmp_path, {"at": ["2024-03-30 12:00:00", "2024-03-29 12:00:00", "2024-04-01 00:30:00"]})


@pytest.mark.bad_input
@pytest.mark.parametrize("odd", [float("nan"), float("inf")])
def test_labels_that_are_no_numbers_are_refused(tmp_path: Path, odd: float) -> None:
    pl.DataFrame({**ROWS, "village": [1.0, odd, 2.0]}).write_parquet(tmp_path / "t.parquet")
    for kind in ("category", "group"):
        with pytest.raises(SchemaError, match=r"row 2, column village: got (nan|inf); wanted a label"):
            ingest(
                read_table(tmp_path / "t.parquet"),
                ColumnMap.from_mapping({**BASE, "context": {kind: {"village": "village"}}}),
            )


@pytest.mark.parametrize(
    ("column", "values", "found"),
    [
        ([True, False, True], [False, True], [1, 0, 1]),
        ([0.0, 1.0, 1.0], [0, 1], [0, 1, 1]),
        ([0.5, 1.0, 0.5], [1, 0.5], [1, 0, 1]),
        ([7, 8, 7], [8.0, 7.0], [1, 0, 1]),
    ],
)
def test_actions_are_known_by_their_value(
    tmp_path: Path, column: list[object], values: list[object], found: list[int]
) -> None:
    log = made(tmp_path, {"arm": column}, action={"column": "arm", "values": values})
    assert log.decisions["action"].to_list() == found
