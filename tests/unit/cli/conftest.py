"""A small project of the real package: its conf with one suite, two agents and tiny sizes."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from onetake.cli import main

SUITE = {
    "name": "shops",
    "seed": 5,
    "replicates": 8,
    "environments": [
        {"name": "hats", "family": "cohort", "config": {"size": 200, "q": [0.2, 0.3]}, "entities": 4, "steps": 12}
    ],
}
AGENTS = {
    "thompson": {"type": "thompson-v0"},
    "second": {"type": "fixed-v0", "action": 1},
    "first": {"type": "fixed-v0", "action": 0},
}


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """The project after `kedro run` of its evaluation."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(root / "conf", folder / "conf")
    shutil.copy(root / "pyproject.toml", folder)
    # Kedro wants a folder of sources in the project; the package itself is already here.
    (folder / "src").mkdir()
    parameters = folder / "conf/base/parameters"
    own = {"suites": {"shops": SUITE}}
    (parameters / "environments.yml").write_text(yaml.safe_dump(own))
    (parameters / "agents.yml").write_text(yaml.safe_dump({"agents": AGENTS}))
    (folder / "conf/base/matrix.yml").write_text(yaml.safe_dump({"matrix": {"suites": ["shops"]}}))
    with pytest.MonkeyPatch.context() as patch:
        apart(patch)
        run(folder)
    return folder


def apart(patch: pytest.MonkeyPatch) -> None:
    """Undo what Kedro does to the search path of this process and of its children."""
    patch.setattr(sys, "path", list(sys.path))
    patch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))


def run(folder: Path) -> None:
    """Make the suite and play it, in this process."""
    from kedro.framework.session import KedroSession
    from kedro.framework.startup import bootstrap_project

    bootstrap_project(folder)
    with KedroSession.create(project_path=folder, save_on_close=False) as session:
        session.run(pipeline_names=["environments"], to_outputs=["suite_shops"])
    with KedroSession.create(project_path=folder, save_on_close=False) as session:
        session.run(pipeline_names=["evaluation"])


@pytest.fixture
def project(played: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the played project that a test may change; the working directory."""
    folder = tmp_path / "project"
    shutil.copytree(played, folder, symlinks=True)
    apart(monkeypatch)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def onetake() -> Callable[..., Result]:
    """The console script."""
    return lambda *words: CliRunner().invoke(main, [str(word) for word in words])
