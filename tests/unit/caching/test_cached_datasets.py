"""Outputs of every shape: folders, versions, transcodings, pieces, places without bytes."""

from __future__ import annotations

import os
from typing import Any

import pytest

pytestmark = pytest.mark.cached_nodes

ONE_NODE = """
    from kedro.pipeline import Node, Pipeline
    from shop import nodes

    def register_pipelines():
        return {{"__default__": Pipeline([{nodes}])}}
"""
CLEAN = 'Node(nodes.clean, ["raw", "params:factor"], "clean", name="clean")'
READ = 'Node(nodes.score, "{0}", "report", name="score")'


def pipeline(shop: Any, *nodes: str) -> None:
    shop.write("src/shop/pipeline_registry.py", ONE_NODE.format(nodes=", ".join(nodes)))


def test_a_folder_is_an_output_of_which_every_file_counts(shop: Any) -> None:
    shop.edit("src/shop/nodes.py", "return scaled(raw, factor)", "return {str(x): [x] for x in scaled(raw, factor)}")
    shop.catalog(
        clean={
            "type": "partitions.PartitionedDataset",
            "path": "data/clean",
            "dataset": {"type": "json.JSONDataset"},
            "filename_suffix": ".json",
        }
    )
    pipeline(shop, CLEAN)
    assert shop.run() == ["clean"]
    assert sorted(os.listdir(shop.root / "data/clean")) == ["22.json", "24.json", "26.json"]
    assert shop.run() == []
    (shop.root / "data/clean/24.json").unlink()
    assert shop.run() == ["clean"]
    shop.write("data/clean/99.json", "[99]")
    assert shop.run() == ["clean"]
    (shop.root / "data/clean/99.json").unlink()
    (shop.root / "data/clean/22.json").rename(shop.root / "data/clean/23.json")
    assert shop.run() == ["clean"]


def test_a_versioned_output_is_made_once_and_its_latest_version_is_checked(shop: Any) -> None:
    shop.catalog(clean={"type": "json.JSONDataset", "filepath": "data/clean.json", "versioned": True})
    pipeline(shop, CLEAN, READ.format("clean"))
    assert shop.run() == ["clean", "score"]
    assert shop.run() == []
    assert len(list((shop.root / "data/clean.json").iterdir())) == 1
    shop.parameters(factor=3)
    assert shop.run() == ["clean", "score"]
    versions = sorted((shop.root / "data/clean.json").iterdir())
    assert len(versions) == 2
    assert shop.data("report.json") == {"score": 108}
    (versions[-1] / "clean.json").unlink()
    versions[-1].rmdir()
    # What is left as the latest was made with another parameter.
    assert shop.run() == ["clean"]


def test_a_pinned_version_of_an_input_counts(shop: Any) -> None:
    shop.catalog(clean={"type": "json.JSONDataset", "filepath": "data/clean.json", "versioned": True})
    pipeline(shop, CLEAN, READ.format("clean"))
    shop.run()
    (first,) = os.listdir(shop.root / "data/clean.json")
    shop.parameters(factor=3)
    shop.run()
    assert shop.run(node_names=["score"]) == []
    assert shop.run(node_names=["score"], load_versions={"clean": first}) == ["score"]
    assert shop.data("report.json") == {"score": 72}
    assert shop.run() == ["score"]


def test_transcoded_names_are_one_dataset(shop: Any) -> None:
    entry = {"type": "json.JSONDataset", "filepath": "data/clean.json"}
    shop.catalog(**{"clean@write": entry, "clean@read": entry})
    pipeline(shop, CLEAN.replace('"clean", name', '"clean@write", name'), READ.format("clean@read"))
    assert shop.run() == ["clean", "score"]
    assert shop.run() == []
    shop.write("data/clean.json", "[1]")
    assert shop.run() == ["clean"]
    shop.parameters(factor=4)
    assert shop.run() == ["clean", "score"]


def test_a_dataset_kept_in_memory_over_a_file_is_that_file(shop: Any) -> None:
    shop.catalog(
        clean={"type": "CachedDataset", "dataset": {"type": "json.JSONDataset", "filepath": "data/clean.json"}}
    )
    pipeline(shop, CLEAN, READ.format("clean"))
    (shop.root / "data").mkdir(exist_ok=True)
    assert shop.run() == ["clean", "score"]
    shop.edit("src/shop/nodes.py", 'return {"score": total(rated)}', 'return {"score": -total(rated)}')
    assert shop.run() == ["score"]


def test_what_stays_in_memory_at_the_end_is_made_for_who_asked(shop: Any) -> None:
    pipeline(shop, CLEAN, READ.format("clean").replace('"report"', '"left"'))
    for _ in range(2):
        outputs = shop.outputs()
        assert outputs["left"].load() == {"score": 72}
    assert shop.run() == ["score"]


def test_a_node_that_writes_in_pieces_counts_only_when_it_has_ended(shop: Any) -> None:
    shop.edit(
        "src/shop/nodes.py",
        "    return scaled(raw, factor)",
        "    yield scaled(raw, factor)\n    raise OSError('torn')",
    )
    pipeline(shop, CLEAN)
    with pytest.raises(OSError, match="torn"):
        shop.run()
    assert (shop.root / "data/clean.json").exists()
    shop.edit("src/shop/nodes.py", "    raise OSError('torn')", "    yield [0]")
    assert shop.run() == ["clean"]
    assert shop.run() == []


def test_a_failed_save_leaves_no_record(shop: Any) -> None:
    pipeline(shop, CLEAN)
    shop.run()
    shop.edit("src/shop/nodes.py", "return scaled(raw, factor)", "return {1, 2}")
    with pytest.raises(Exception, match="set is not JSON serializable"):
        shop.run()
    shop.edit("src/shop/nodes.py", "return {1, 2}", "return scaled(raw, factor)")
    assert shop.run() == ["clean"]


def test_places_without_bytes_on_this_machine_always_run(shop: Any) -> None:
    shop.write(
        "src/shop/remote.py",
        """
        from kedro.io import AbstractDataset

        class Remote(AbstractDataset):
            values = {}

            def __init__(self, table):
                self.table = table

            def load(self):
                return type(self).values.get(self.table, [1, 2, 3])

            def save(self, data):
                type(self).values[self.table] = data

            def _describe(self):
                return {"table": self.table}
        """,
    )
    shop.catalog(clean={"type": "shop.remote.Remote", "table": "clean"})
    pipeline(shop, CLEAN, READ.format("clean"))
    assert shop.run() == ["clean", "score"]
    assert shop.run() == ["clean"]
    shop.catalog(raw={"type": "shop.remote.Remote", "table": "raw"})
    assert shop.run() == ["clean", "score"]
    assert shop.run() == ["clean", "score"]


def test_the_code_of_a_projects_own_dataset_counts(shop: Any) -> None:
    shop.write(
        "src/shop/text.py",
        """
        from pathlib import Path
        from kedro.io import AbstractDataset

        class Text(AbstractDataset):
            def __init__(self, filepath):
                self.filepath = filepath

            def load(self):
                return [int(x) for x in Path(self.filepath).read_text().split()]

            def save(self, data):
                Path(self.filepath).write_text(" ".join(map(str, data)))

            def _describe(self):
                return {"filepath": self.filepath}
        """,
    )
    shop.catalog(clean={"type": "shop.text.Text", "filepath": "data/clean.txt"})
    pipeline(shop, CLEAN, READ.format("clean"))
    assert shop.run() == ["clean", "score"]
    assert shop.run() == []
    shop.edit("src/shop/text.py", "map(str, data)", "map(str, data[::-1])")
    assert shop.run() == ["clean", "score"]


def test_how_an_output_is_saved_counts_and_how_it_is_shown_does_not(shop: Any) -> None:
    shop.run()
    plain = {"type": "json.JSONDataset", "filepath": "data/report.json"}
    shop.catalog(report=plain | {"metadata": {"kedro-viz": {"layer": "reporting"}}})
    assert shop.run() == []
    shop.catalog(report=plain | {"save_args": {"indent": 7}})
    assert shop.run() == ["report"]


def test_the_project_may_move_with_its_records(shop: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.run()
    moved = tmp_path / "elsewhere" / "shop"
    moved.mkdir(parents=True)
    for name in ("conf", "data", "src", ".cache", "pyproject.toml"):
        (tmp_path / name).rename(moved / name)
    monkeypatch.chdir(moved)
    shop.root = moved
    assert shop.run() == []


def test_records_that_are_torn_or_of_another_schema_are_none(shop: Any) -> None:
    shop.run()
    folder = shop.root / ".cache/kedro/records"
    (next(folder.glob("clean-*.json"))).write_text("{")
    report = next(folder.glob("report-*.json"))
    report.write_text(report.read_text().replace('"schema": 1', '"schema": 0'))
    assert shop.run() == ["clean", "report"]
    (shop.root / ".cache/kedro/sources.json").write_text("[")
    (shop.root / ".cache/kedro/files.json").write_text("null")
    assert shop.run() == []


def test_an_unknown_input_is_left_for_kedro_to_name(shop: Any) -> None:
    pipeline(shop, CLEAN.replace('"raw"', '"rwa"'))
    with pytest.raises(ValueError, match=r"Pipeline input\(s\) \{'rwa'\} not found"):
        shop.run()
