"""What the documents show runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = [
    pytest.param(block, id=f"{path.name}-{number}")
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    for number, block in enumerate(re.findall(r"^```python\n(.*?)^```", path.read_text(), re.M | re.S), 1)
]


@pytest.mark.house
@pytest.mark.parametrize("block", BLOCKS)
def test_every_python_block_of_the_documents_runs(block: str) -> None:
    if "stable_baselines3" in block:
        pytest.importorskip("stable_baselines3", reason="the extra `sb3` is not installed")
    exec(compile(block, "document", "exec"), {"__name__": "document"})
