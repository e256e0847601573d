"""What the documents show runs."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from onetake.agents import make
from onetake.build import build
from onetake.envs import EnvironmentEntry, Suite
from onetake.evaluation import EvaluationSettings, run
from onetake.matrix import parse_matrix

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = [
    pytest.param(block, id=f"{path.name}-{number}")
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    for number, block in enumerate(re.findall(r"^```python\n(.*?)^```", path.read_text(), re.M | re.S), 1)
]


@pytest.mark.house
@pytest.mark.parametrize("block", BLOCKS)
def test_every_python_block_of_the_documents_runs(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if "stable_baselines3" in block:
        pytest.importorskip("stable_baselines3", reason="the extra `sb3` is not installed")
    # A dataclass looks for the module that it stands in.
    module = ModuleType("document")
    monkeypatch.setitem(sys.modules, "document", module)
    exec(compile(block, "document", "exec"), vars(module))


@pytest.mark.registry
def test_the_agent_of_the_readme_plays_from_a_file_and_its_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "README.md").read_text()
    code = next(each for each in re.findall(r"^```python\n(.*?)^```", text, re.M | re.S) if "AbstractAgent" in each)
    entries = yaml.safe_load(next(iter(re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S))))["agents"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "agents.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    (player,) = parse_matrix({"suites": ["truman"]}, entries, {}).cells["truman"]
    assert player.agent_class.__name__ == "KeepWhatPays"
    agent = build("agents.keep_what_pays", entries["keep_what_pays"], make)
    assert agent.settings == {"patience": 0.9}
    shops = EnvironmentEntry("shops", "cohort", {"size": 200, "q": [0.1, 0.3]}, entities=5, replicates=4, steps=30)
    suite = Suite("demo", "test", 7, (shops,))
    board = run({"mine": agent, "random": make("random-v0")}, [suite], EvaluationSettings(resamples=100))
    # Staying while it pays plays the better arm longer than chance does.
    assert board.scorecard("demo")["leaderboard"]["agent"].to_list() == ["mine", "random"]
    agent.save(tmp_path / "agent.safetensors")
    assert type(agent).load(tmp_path / "agent.safetensors").freeze().digest == agent.freeze().digest
