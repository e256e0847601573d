"""What `why` says."""

from __future__ import annotations

from typing import Any

import pytest
from kedro.io import DataCatalog
from kedro.pipeline import Node, Pipeline
from kedro_datasets.json import JSONDataset

from onetake.caching import CachedSequentialRunner, CacheError, CacheOptions, Plan
from onetake.caching.explain import explain

pytestmark = pytest.mark.cached_nodes


def why(shop: Any, node: str) -> list[str]:
    with shop.session() as session:
        return explain(session.plan(), node)


def test_a_node_that_is_up_to_date_says_what_it_depends_on(shop: Any) -> None:
    shop.run()
    assert why(shop, "red.rate")[0].startswith("red.rate is up to date: none of the ")
    assert why(shop, "clean") == [
        "clean is up to date: none of the 4 pieces of code, 1 values and 1 inputs that it depends on has changed."
    ]


def test_a_changed_parameter_is_named_with_both_values(shop: Any) -> None:
    shop.run()
    shop.parameters(agents={"red": {"level": 5}, "blue": {"level": 2}})
    assert why(shop, "red.score") == [
        "red.score runs, because",
        "- input red.rated changed (from red.rate, which runs)",
    ]
    assert why(shop, "red.rate") == [
        "red.rate runs, because",
        "- red.score runs and needs an output that is kept in memory only",
    ]
    shop.parameters(factor=3)
    assert why(shop, "clean") == ["clean runs, because", "- params:factor changed from 2 to 3"]


def test_changed_code_is_named(shop: Any) -> None:
    shop.run()
    shop.edit("src/shop/sums.py", "value + OFFSET", "OFFSET + value")
    assert why(shop, "clean") == ["clean runs, because", "- code shop.sums.moved changed"]
    shop.edit("src/shop/nodes.py", "return scaled(raw, factor)", "return scaled(raw[:], int(factor))")
    assert why(shop, "clean")[1:] == ["- code shop.nodes.clean changed", "- code shop.sums.moved changed"]


def test_a_changed_file_is_told_from_a_missing_one(shop: Any) -> None:
    shop.run()
    shop.write("data/clean.json", "[0]")
    assert why(shop, "clean") == ["clean runs, because", "- output clean was changed after it was written"]
    (shop.root / "data/clean.json").unlink()
    assert why(shop, "clean") == ["clean runs, because", "- output clean does not exist"]
    shop.write("data/raw.json", "[7]")
    shop.run(to_nodes=["clean"])
    shop.write("data/raw.json", "[8]")
    assert why(shop, "clean") == ["clean runs, because", "- input raw changed"]
    (shop.root / "data/raw.json").unlink()
    assert why(shop, "clean") == ["clean runs, because", "- input raw does not exist"]


@pytest.mark.bad_input
def test_an_unknown_node_is_refused_with_the_nearest_names(shop: Any) -> None:
    with pytest.raises(CacheError, match=r"^node: got 'red\.rat'; wanted one of the pipeline's, such as red\.rate, "):
        why(shop, "red.rat")
    with pytest.raises(CacheError, match=r"such as $"):
        explain(Plan({}), "x")


def total(values: list[int]) -> int:
    return sum(values)


def test_a_runner_caches_without_a_session(tmp_path: Any) -> None:
    catalog = DataCatalog({"total": JSONDataset(filepath=(tmp_path / "total.json").as_posix())})
    catalog["values"] = [1, 2]
    pipeline = Pipeline([Node(total, "values", "total", name="total")])
    runner = CachedSequentialRunner(options=CacheOptions(first_party=("onetake",)), root=tmp_path)
    ran = [runner.run(pipeline, catalog).plan.running for _ in range(2)]  # type: ignore[attr-defined]  # a subclass of dict
    assert ran == [["total"], []]
    catalog["values"] = [1, 3]
    assert runner.run(pipeline, catalog)["total"].load() == 4
    catalog["values"] = [object()]
    with pytest.raises(TypeError, match="unsupported operand"):
        runner.run(pipeline, catalog)


@pytest.mark.bad_input
def test_a_cache_folder_that_cannot_be_written_is_refused(shop: Any) -> None:
    shop.write(".cache", "a file where the folder should be")
    with pytest.raises(CacheError, match=r"^cache folder: got \S+ \(.+\); wanted a folder that can be written"):
        shop.run()
    assert shop.ran() == []
