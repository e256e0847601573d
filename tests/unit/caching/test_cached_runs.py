"""What runs again and what does not, in a whole Kedro project."""

from __future__ import annotations

import os
from typing import Any

import pytest
from kedro.runner import ParallelRunner, ThreadRunner

from onetake.caching import CachedParallelRunner, CachedSequentialRunner, CachedThreadRunner, CacheError

pytestmark = pytest.mark.cached_nodes

RED = ["red.rate", "red.score", "report"]


def test_a_second_run_runs_nothing_and_leaves_the_same_outputs(shop: Any) -> None:
    assert shop.run() == shop.all_nodes
    before = shop.data("report.json")
    # clean is (1 + 10) * 2 and so on, that is 22, 24, 26; red adds 1 to each, blue doubles each.
    assert before == {"red": {"score": 75}, "blue": {"score": 144}}
    assert shop.run() == []
    outputs = shop.outputs()
    assert outputs["report"].load() == before
    assert [data.load() for data in outputs.values()] == [before]
    assert dict(outputs)["report"].load() == before
    assert outputs.get("nothing") is None


def test_one_agents_parameter_runs_its_nodes_and_what_hangs_on_them(shop: Any) -> None:
    shop.run()
    shop.parameters(agents={"red": {"level": 5}, "blue": {"level": 2}})
    assert shop.run() == RED
    assert shop.data("report.json")["red"] == {"score": 87}
    assert shop.run() == []


def test_a_parameter_that_nothing_reads_runs_nothing(shop: Any) -> None:
    shop.run()
    shop.parameters(unused=7)
    assert shop.run() == []


def test_parameters_given_for_one_run_count(shop: Any) -> None:
    shop.run()
    assert shop.run(runtime_params={"factor": 3}) == shop.all_nodes
    assert shop.run(runtime_params={"factor": 3}) == []
    assert shop.run() == shop.all_nodes


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  # each", "  # every one of them"),
        ('"""Scale."""', '"""Multiply, after moving."""'),
        ('"""Sums."""', '"""Sums and such."""\n\n# A remark.\n'),
        ("def moved(value):\n", "def moved(\n    value,\n):\n\n"),
        ('"""Scale."""\n', ""),
    ],
)
def test_comments_docstrings_and_layout_run_nothing(shop: Any, old: str, new: str) -> None:
    shop.run()
    shop.edit("src/shop/sums.py", old, new)
    assert shop.run() == []


def test_a_changed_helper_runs_its_users_and_no_one_else(shop: Any) -> None:
    shop.run()
    shop.edit("src/shop/sums.py", "return sum(values)", "return sum(values) + 1")
    assert shop.run() == ["blue.rate", "blue.score", "red.rate", "red.score", "report"]
    assert shop.data("report.json") == {"red": {"score": 76}, "blue": {"score": 145}}


def test_a_changed_constant_of_a_module_runs_its_users(shop: Any) -> None:
    shop.run()
    shop.edit("src/shop/sums.py", "OFFSET = 10", "OFFSET = 11")
    assert shop.run() == shop.all_nodes
    assert shop.data("clean.json") == [24, 26, 28]


def test_a_changed_class_that_is_bound_into_a_node_runs_that_node(shop: Any) -> None:
    shop.run()
    shop.edit("src/shop/agents.py", "x + self.level", "x - self.level")
    assert shop.run() == RED
    shop.edit("src/shop/base.py", "self.level = level", "self.level = int(level)")
    assert shop.run() == ["blue.rate", "blue.score", "red.rate", "red.score", "report"]


def test_nodes_in_one_file_do_not_count_for_each_other(shop: Any) -> None:
    shop.run()
    shop.edit("src/shop/nodes.py", '"red": red, "blue": blue', '"blue": blue, "red": red')
    assert shop.run() == ["report"]


def test_changed_input_data_run_their_users_and_touched_ones_do_not(shop: Any) -> None:
    shop.run()
    os.utime(shop.root / "data/raw.json", (1, 1))
    assert shop.run() == []
    shop.write("data/raw.json", "[1, 2, 4]")
    assert shop.run() == shop.all_nodes


@pytest.mark.parametrize(
    ("name", "rerun"),
    [("clean.json", ["clean"]), ("red_score.json", ["red.rate", "red.score"]), ("report.json", ["report"])],
)
def test_a_deleted_output_runs_its_producer_and_restores_it(shop: Any, name: str, rerun: list[str]) -> None:
    shop.run()
    before = shop.data(name)
    (shop.root / "data" / name).unlink()
    assert shop.run() == rerun
    assert shop.data(name) == before


def test_a_tampered_output_of_the_same_size_runs_its_producer(shop: Any) -> None:
    shop.run()
    path = shop.root / "data/red_score.json"
    state = path.stat()
    path.write_text(path.read_text().replace("75", "57"))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    # What feeds it lives in memory only and comes back with it.
    assert shop.run() == ["red.rate", "red.score"]
    assert shop.data("red_score.json") == {"score": 75}


def test_a_crash_half_way_keeps_what_was_finished(shop: Any) -> None:
    shop.edit("src/shop/nodes.py", 'return {"red": red, "blue": blue}', "raise RuntimeError('no paper')")
    with pytest.raises(RuntimeError, match="no paper"):
        shop.run()
    finished = [name for name in shop.all_nodes if name != "report"]
    assert shop.ran() == finished
    shop.edit("src/shop/nodes.py", "raise RuntimeError('no paper')", "return [red, blue]")
    assert shop.run() == ["report"]


@pytest.mark.parametrize(
    ("options", "ran"),
    [
        ({"node_names": ["clean"]}, ["clean"]),
        ({"to_nodes": ["clean"]}, ["clean"]),
        ({"to_nodes": ["red.score"]}, ["clean", "red.rate", "red.score"]),
        ({"tags": ["red"]}, ["red.rate", "red.score"]),
        ({"from_nodes": ["red.rate"]}, RED),
        ({"from_inputs": ["red_score"]}, ["report"]),
        ({"namespaces": ["red"]}, ["red.rate", "red.score"]),
    ],
)
def test_slices_and_whole_runs_agree(shop: Any, options: dict[str, Any], ran: list[str]) -> None:
    shop.run()
    assert shop.run(**options) == []
    assert shop.run(**options, runner=CachedSequentialRunner(cache="force")) == ran
    assert shop.run() == []


def test_a_slice_before_the_whole_run_counts_for_it(shop: Any) -> None:
    assert shop.run(to_nodes=["red.score"]) == ["clean", "red.rate", "red.score"]
    assert shop.run() == ["blue.rate", "blue.score", "report"]


def test_a_slice_on_tampered_input_is_done_again_by_the_whole_run(shop: Any) -> None:
    shop.run()
    shop.write("data/clean.json", "[0, 0, 0]")
    assert shop.run(tags=["red"]) == ["red.rate", "red.score"]
    assert shop.data("red_score.json") == {"score": 3}
    assert shop.run() == ["clean", "red.rate", "red.score"]
    assert shop.data("red_score.json") == {"score": 75}


def test_force_runs_everything_and_off_leaves_no_record(shop: Any) -> None:
    assert shop.run(runner=CachedSequentialRunner(cache="off")) == shop.all_nodes
    assert not (shop.root / ".cache").exists()
    assert shop.run() == shop.all_nodes
    assert shop.run(runner=CachedSequentialRunner(cache="off")) == shop.all_nodes
    assert shop.run() == []
    assert shop.run(runner=CachedSequentialRunner(cache="force")) == shop.all_nodes
    assert shop.run() == []


@pytest.mark.bad_input
def test_an_unknown_mode_of_the_cache_is_refused_by_name() -> None:
    with pytest.raises(CacheError, match=r"^cache: got 'never'; wanted one of auto, force, off$"):
        CachedThreadRunner(cache="never")


@pytest.mark.parametrize("runner", [ThreadRunner, CachedThreadRunner])
def test_threads_skip_and_record_as_one_after_the_other_does(shop: Any, runner: Any) -> None:
    assert shop.run(runner=runner()) == shop.all_nodes
    assert shop.run() == []
    shop.parameters(agents={"red": {"level": 5}, "blue": {"level": 2}})
    assert shop.run(runner=runner(max_workers=2)) == RED


# Python 3.12 warns of a fork while other threads live.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
# A partial that goes to another process loses the name that it was given, of which Kedro warns.
@pytest.mark.filterwarnings("ignore:The node producing outputs:UserWarning")
@pytest.mark.parametrize("runner", [ParallelRunner, CachedParallelRunner])
def test_forked_processes_skip_and_record_too(shop: Any, runner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEDRO_MP_CONTEXT", "fork")
    assert shop.run(runner=runner(max_workers=2)) == shop.all_nodes
    assert shop.run(runner=runner(max_workers=2)) == []
    assert shop.run() == []


def test_loading_and_saving_in_threads_records_too(shop: Any) -> None:
    assert shop.run(runner=CachedSequentialRunner(is_async=True)) == shop.all_nodes
    assert shop.run() == []


def test_what_a_run_for_missing_outputs_writes_is_not_taken_for_fresh(shop: Any) -> None:
    shop.run()
    shop.parameters(factor=3)
    (shop.root / "data/report.json").unlink()
    # Kedro's own flag looks at existence only: the report is made of outdated scores.
    assert shop.run(only_missing_outputs=True) == ["report"]
    assert shop.data("report.json")["red"] == {"score": 75}
    assert shop.run() == shop.all_nodes
    assert shop.data("report.json")["red"] == {"score": 111}


def test_a_source_that_is_edited_while_the_run_goes_on_leaves_no_record(shop: Any) -> None:
    edit = "from pathlib import Path; p = Path('src/shop/sums.py'); p.write_text(p.read_text() + '# late')"
    shop.edit("src/shop/nodes.py", "def report(red, blue):\n", f"def report(red, blue):\n    {edit}\n")
    shop.run()
    # Everything before the edit was recorded.
    assert shop.run() == ["report"]


def test_code_in_memory_that_is_older_than_its_file_leaves_no_record_that_counts(shop: Any) -> None:
    shop.run()
    shop.edit("src/shop/sums.py", "return sum(values)", "return -sum(values)")
    users = ["blue.rate", "blue.score", "red.rate", "red.score", "report"]
    assert shop.run(same_process=True) == users
    assert shop.data("red_score.json") == {"score": 75}
    assert shop.run() == users
    assert shop.data("red_score.json") == {"score": -75}
    assert shop.run(same_process=True) == []


def test_a_node_tagged_uncached_always_runs(shop: Any) -> None:
    shop.edit("src/shop/pipeline_registry.py", 'name="clean")', 'name="clean", tags="uncached")')
    shop.run()
    assert shop.run() == ["clean"]


def test_the_runner_keeps_the_words_that_kedro_viz_looks_for() -> None:
    assert "kedro.runner.sequential_runner.SequentialRunner object" in str(CachedSequentialRunner())
