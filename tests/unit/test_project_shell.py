"""The project around the pipelines: settings, registry, hooks, conf."""

from __future__ import annotations

import importlib
import re
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kedro.config import OmegaConfigLoader
from kedro.pipeline import Node, Pipeline

from onetake import settings
from onetake.hooks import ProgressHooks
from onetake.pipeline_registry import suite_namespaces

pytestmark = pytest.mark.pipelines


@pytest.mark.cached_nodes
def test_every_function_that_finds_code_by_name_is_where_settings_say() -> None:
    # A name that has moved would make the whole package count: right, but slow.
    for place in settings.Session.cache_options.by_name:
        module, _, name = place.partition(":")
        assert callable(getattr(importlib.import_module(module), name)), place


@pytest.mark.cached_nodes
def test_the_core_is_told_by_the_hash_of_its_sources() -> None:
    token = settings.Session.cache_options.tokens["onetake._core"]()
    assert re.fullmatch(r"[0-9a-f]{32}", token)


def test_an_overlay_of_conf_states_only_what_differs(tmp_path: Path) -> None:
    for name, text in {
        "base/parameters/run.yml": "run: {seed: 1, sizes: {small: 2, large: 3}}",
        "ci/parameters/run.yml": "run: {sizes: {large: 30}}",
        "base/matrix.yml": "matrix: {suites: [truman]}",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    loader = OmegaConfigLoader(tmp_path, env="ci", **settings.CONFIG_LOADER_ARGS)
    assert loader["parameters"] == {"run": {"seed": 1, "sizes": {"small": 2, "large": 30}}}
    assert loader["matrix"] == {"matrix": {"suites": ["truman"]}}


def test_suites_are_the_second_names_of_namespaces_under_evaluation() -> None:
    names = [
        "evaluation.truman.random",
        "evaluation.truman",
        "evaluation.thornton.random",
        "evaluation",
        "other.truman",
    ]
    nodes = [Node(echo, "x", f"{name}.y", name="n", namespace=name) for name in names]
    assert suite_namespaces(Pipeline(nodes)) == ["evaluation.thornton", "evaluation.truman"]


def echo(x: Any) -> Any:
    return x


def hooked(*, tty: bool, monkeypatch: pytest.MonkeyPatch) -> ProgressHooks:
    monkeypatch.setattr("sys.stdout.isatty", lambda: tty, raising=False)
    hooks = ProgressHooks()
    hooks.before_pipeline_run()
    catalog = SimpleNamespace(plan=SimpleNamespace(running=["a", "b"], up_to_date=["c"]))
    for name in ("a", "b"):
        hooks.before_node_run(SimpleNamespace(name=name), catalog)
    for name in ("b", "a"):
        thread = threading.Thread(target=hooks.after_node_run, args=(SimpleNamespace(name=name),))
        thread.start()
        thread.join()
    return hooks


def test_a_run_shows_a_line_for_each_node_where_nobody_watches(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hooked(tty=False, monkeypatch=monkeypatch)
    lines = capsys.readouterr().out.splitlines()
    shown = ["2 nodes to run, 1 up to date", "[1/2] b (0.0 s)", "[2/2] a (0.0 s)"]
    assert [re.sub(r"\d+\.\d s", "0.0 s", line) for line in lines] == shown


def test_a_run_shows_a_bar_on_a_terminal_and_leaves_it_clean_after_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hooks = hooked(tty=True, monkeypatch=monkeypatch)
    hooks.on_pipeline_error()
    assert "2/2" in capsys.readouterr().out
    error = ValueError("bad")
    hooks.on_node_error(error, SimpleNamespace(name="a"))
    assert error.__notes__ == ["in node a"]


def test_a_run_ends_with_what_ran_and_where_the_report_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from kedro.io import DataCatalog

    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.html").write_text("<html>")
    entry = {"type": "text.TextDataset", "filepath": str(tmp_path / "report.html")}
    catalog = DataCatalog.from_config({"report": entry})
    pipeline = Pipeline([Node(echo, "x", "report", name="n")])
    result: Any = type("Result", (dict,), {"plan": SimpleNamespace(running=["a"], up_to_date=["b", "c"])})()
    ProgressHooks().after_pipeline_run(result, pipeline, catalog)
    assert capsys.readouterr().out == "1 nodes ran, 2 up to date\nreport: report.html\n"
