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
from onetake.conf_loader import RunLoader

SUITE = {
    "name": "shops",
    "seed": 5,
    "replicates": 8,
    "environments": [
        {"name": "hats", "family": "cohort", "config": {"size": 200, "q": [0.2, 0.3]}, "entities": 4, "steps": 12}
    ],
}


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """The project after `kedro run`."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(root / "conf", folder / "conf")
    shutil.copy(root / "pyproject.toml", folder)
    # Kedro wants a folder of sources in the project; the package itself is already here.
    (folder / "src").mkdir()
    shutil.copytree(root / "data/01_raw", folder / "data/01_raw")
    # Over the tiny sizes of conf/ci: one suite of our own, three agents.
    shutil.rmtree(folder / "conf/local", ignore_errors=True)
    shutil.move(folder / "conf/ci", folder / "conf/local")
    (folder / "conf/local/globals.yml").write_text("made: data\n")
    own = {"suites": {"shops": SUITE}, "agents": {"second": {"type": "fixed-v0", "action": 1}}}
    (folder / "conf/local/parameters/own.yml").write_text(yaml.safe_dump(own))
    only = [{"suite": "shops", "agent": agent} for agent in ("thompson", "second", "first")]
    matrix = {"matrix": {"suites": ["shops"], "only": only}}
    (folder / "conf/local/matrix.yml").write_text(yaml.safe_dump(matrix))
    with pytest.MonkeyPatch.context() as patch:
        apart(patch)
        run(folder)
    return folder


def apart(patch: pytest.MonkeyPatch) -> None:
    """Undo what Kedro does to the search path of this process and of its children, and forget whose conf was read."""
    patch.setattr(RunLoader, "latest", None)
    patch.setattr(sys, "path", list(sys.path))
    patch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))


def run(folder: Path) -> None:
    """Make the suite, play it and write the report, in this process."""
    from kedro.framework.session import KedroSession
    from kedro.framework.startup import bootstrap_project

    bootstrap_project(folder)
    with KedroSession.create(project_path=folder, save_on_close=False) as session:
        session.run(pipeline_names=["__default__"], to_outputs=["report"])


@pytest.fixture
def project(played: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the played project that a test may change; the working directory."""
    folder = tmp_path / "project"
    # Raw data are only read.
    shutil.copytree(played, folder, ignore=shutil.ignore_patterns("01_raw"))
    (folder / "data/01_raw").symlink_to(played / "data/01_raw")
    apart(monkeypatch)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def onetake() -> Callable[..., Result]:
    """The console script."""
    return lambda *words: CliRunner().invoke(main, [str(word) for word in words])
