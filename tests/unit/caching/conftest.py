"""A small Kedro project in a temporary folder, run in this process as if each run were a new one."""

from __future__ import annotations

import importlib
import json
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kedro.framework import project as kedro_project
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

FILES = {
    "pyproject.toml": """
        [tool.kedro]
        package_name = "shop"
        project_name = "shop"
        kedro_init_version = "1.7.0"
        source_dir = "src"
    """,
    "conf/base/catalog.yml": """
        raw: {type: json.JSONDataset, filepath: data/raw.json}
        clean: {type: json.JSONDataset, filepath: data/clean.json}
        "{agent}_score": {type: json.JSONDataset, filepath: "data/{agent}_score.json"}
        report: {type: json.JSONDataset, filepath: data/report.json}
    """,
    "conf/base/parameters.yml": """
        factor: 2
        agents: {red: {level: 1}, blue: {level: 2}}
        unused: 0
    """,
    "conf/local/.gitkeep": "",
    "data/raw.json": "[1, 2, 3]",
    "src/shop/__init__.py": "",
    "src/shop/settings.py": """
        from pathlib import Path
        from kedro.framework.hooks import hook_impl
        from onetake.caching import CacheOptions, CachingSession

        class Log:
            @hook_impl
            def after_node_run(self, node):
                with Path("ran.log").open("a") as file:
                    file.write(node.name + "\\n")

        class Session(CachingSession):
            cache_options = CacheOptions(first_party=("shop",))

        HOOKS = (Log(),)
        SESSION_CLASS = Session
        CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "local"}
    """,
    "src/shop/agents.py": """
        from shop.base import Agent

        class Red(Agent):
            def rate(self, x):
                return x + self.level

        class Blue(Agent):
            def rate(self, x):
                return x * self.level
    """,
    "src/shop/base.py": """
        class Agent:
            def __init__(self, level):
                self.level = level
    """,
    "src/shop/sums.py": '''
        """Sums."""
        OFFSET = 10

        def scaled(values, factor):
            """Scale."""
            return [moved(v) * factor for v in values]  # each

        def moved(value):
            return value + OFFSET

        def total(values):
            return sum(values)
    ''',
    "src/shop/nodes.py": """
        from shop.sums import scaled, total

        def clean(raw, factor):
            return scaled(raw, factor)

        def rated(clean, settings, agent_class):
            agent = agent_class(**settings)
            return [agent.rate(x) for x in clean]

        def score(rated):
            return {"score": total(rated)}

        def report(red, blue):
            return {"red": red, "blue": blue}
    """,
    "src/shop/pipeline_registry.py": """
        from functools import partial, update_wrapper
        from kedro.pipeline import Node, Pipeline
        from shop import agents, nodes

        def play(name, kind):
            rated = update_wrapper(partial(nodes.rated, agent_class=kind), nodes.rated)
            inputs = {"clean": "clean", "settings": "params:settings"}
            inner = [
                Node(rated, inputs, "rated", name="rate", tags=[name]),
                Node(nodes.score, "rated", "score", name="score", tags=[name]),
            ]
            return Pipeline(
                inner,
                namespace=name,
                inputs={"clean"},
                outputs={"score": f"{name}_score"},
                parameters={"params:settings": f"params:agents.{name}"},
            )

        def register_pipelines():
            first = Node(nodes.clean, ["raw", "params:factor"], "clean", name="clean")
            last = Node(nodes.report, ["red_score", "blue_score"], "report", name="report")
            whole = [Pipeline([first]), play("red", agents.Red), play("blue", agents.Blue), Pipeline([last])]
            return {"__default__": Pipeline(whole)}
    """,
}
ALL = ["blue.rate", "blue.score", "clean", "red.rate", "red.score", "report"]


class Project:
    """The toy project: `run` returns the names of the nodes that ran, told by a hook and not by the plan."""

    all_nodes = ALL

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def parameters(self, **changed: Any) -> None:
        path = self.root / "conf/base/parameters.yml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changed))

    def catalog(self, **changed: Any) -> None:
        path = self.root / "conf/base/catalog.yml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changed))

    def data(self, name: str) -> Any:
        return json.loads((self.root / "data" / name).read_text())

    def forget_modules(self) -> None:
        for name in [m for m in sys.modules if m.split(".")[0] == "shop"]:
            del sys.modules[name]

    def session(self, *, same_process: bool = False, **kwargs: Any) -> KedroSession:
        if not same_process:
            self.forget_modules()
        importlib.invalidate_caches()
        bootstrap_project(self.root)
        return kedro_project.settings.SESSION_CLASS.create(project_path=self.root, save_on_close=False, **kwargs)

    def outputs(
        self, *, runtime_params: dict[str, Any] | None = None, same_process: bool = False, **kwargs: Any
    ) -> dict[str, Any]:
        with self.session(runtime_params=runtime_params, same_process=same_process) as session:
            return session.run(**kwargs)

    def run(self, **kwargs: Any) -> list[str]:
        log = self.root / "ran.log"
        log.unlink(missing_ok=True)
        self.outputs(**kwargs)
        return self.ran()

    def ran(self) -> list[str]:
        log = self.root / "ran.log"
        return sorted(log.read_text().splitlines()) if log.exists() else []


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    # Source files of one second apart would look alike to Python's own cache of compiled modules.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("PYTHONPATH", "")
    project = Project(tmp_path)
    for name, text in FILES.items():
        project.write(name, text)
    yield project
    project.forget_modules()
