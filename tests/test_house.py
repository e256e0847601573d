"""The rules of the house, as tests: sizes, imports, seeds, reasons, targets."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "onetake"
PYTHON = sorted(SOURCE.rglob("*.py"))
RUST = sorted((ROOT / "rust").rglob("*.rs"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

pytestmark = pytest.mark.house


def limit(path: Path) -> int:
    """Lines that a file may have."""
    if path.name == "nodes.py":
        return 120
    if path.name == "pipeline.py":
        return 80
    if path == ROOT / "rust/onetake-python/src/lib.rs":
        return 100
    rooms = ("src/onetake/agents/bandits", "src/onetake/estimators", "rust/onetake-core/src/envs")
    if any(path.is_relative_to(ROOT / room) for room in rooms):
        return 300
    return 500


def test_no_file_is_longer_than_its_room_allows() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in PYTHON + RUST + TESTS}
    assert {str(p.relative_to(ROOT)): n for p, n in lengths.items() if n > limit(p)} == {}


def test_no_function_is_longer_than_sixty_lines() -> None:
    long = []
    for path in PYTHON:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
            if lines > 60:
                long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name} has {lines}")
    assert long == []


@pytest.mark.without_jax
def test_the_front_door_opens_without_heavy_packages() -> None:
    heavy = ["jax", "kedro", "pettingzoo", "plotly", "pandas", "matplotlib", "torch", "scipy.stats"]
    code = f"import sys, onetake; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.without_jax
def test_every_module_imports_without_jax_and_pettingzoo() -> None:
    code = (
        "import sys, pkgutil, importlib\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('jax', 'equinox', 'optax', 'pettingzoo'): raise ImportError(name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "import onetake\n"
        "for m in pkgutil.walk_packages(onetake.__path__, 'onetake.'):\n"
        "    if '.deep' not in m.name and not m.name.endswith('__main__'): importlib.import_module(m.name)\n"
        "print('all')"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip().endswith("all"), done.stderr


def test_no_global_random_state_is_used() -> None:
    forbidden = re.compile(r"np\.random\.(?!Generator|default_rng|PCG64|Philox|SeedSequence)\w+|^import random\b", re.M)
    found = {str(p.relative_to(ROOT)): m.group() for p in PYTHON if (m := forbidden.search(p.read_text()))}
    assert found == {}


def bare_exemptions(path: Path) -> list[str]:
    """Places where a check is switched off and nothing says why."""
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if path.suffix == ".py":
            match = re.search(r"#\s*(type: ignore|noqa)(\[[\w, -]+\]|: ?[A-Z0-9]+(?:, ?[A-Z0-9]+)*)?(.*)", line)
            bare = match is not None and len(match.group(3).strip(" -#—")) < 8
        else:
            bare = line.strip().startswith("#[allow(") and "//" not in line
        if bare:
            found.append(f"{path.relative_to(ROOT)}:{number}")
    return found


def test_every_exemption_carries_its_reason() -> None:
    files = [p for p in PYTHON + RUST + TESTS if p != Path(__file__)]
    assert [place for path in files for place in bare_exemptions(path)] == []


def test_unsafe_stands_only_in_the_named_files() -> None:
    core = ROOT / "rust/onetake-core/src"
    allowed = {core / "dispatch.rs", core / "replay/mapped.rs"}
    word = re.compile(r"^(?!\s*//).*\bunsafe\b(?!_)", re.M)
    assert [p for p in RUST if p not in allowed and word.search(p.read_text())] == []


def test_every_test_marker_is_registered_with_a_sentence_and_used() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        markers = tomllib.load(file)["tool"]["pytest"]["ini_options"]["markers"]
    assert all(re.fullmatch(r"\w+: .{20,}", marker) for marker in markers)
    text = "\n".join(p.read_text() for p in TESTS)
    assert [m.split(":")[0] for m in markers if f"mark.{m.split(':')[0]}" not in text] == []


def test_every_make_target_that_is_named_exists() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", text, re.M))
    used = set(re.findall(r"make ([a-z-]+)", (ROOT / ".ci/run").read_text()))
    for doc in ("README.md", "CONTRIBUTING.md"):
        used |= set(re.findall(r"`make ([a-z-]+)", (ROOT / doc).read_text()))
    assert used - targets == set()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.M)
    assert phony is not None
    assert set(phony.group(1).split()) == targets


def test_no_committed_file_is_large_or_names_a_machine() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    # A source archive has no history to ask.
    names = listed.stdout.splitlines() if listed.returncode == 0 else map(str, PYTHON + RUST + TESTS)
    files = [ROOT / name for name in names if (ROOT / name).exists()]
    # Raw data that are shipped by agreement, with their licence beside them.
    agreed = {ROOT / "data/01_raw/icu_sepsis/dynamics.npz"}
    assert [str(f) for f in files if f.stat().st_size > 1_000_000 and f not in agreed] == []
    home = re.compile(r"/(?:root|home/\w+|work|Users/\w+)/\w")
    text = {".py", ".rs", ".md", ".yml", ".toml", ".txt", ".ipynb"}
    assert [str(f) for f in files if f.suffix in text and f != Path(__file__) and home.search(f.read_text())] == []
