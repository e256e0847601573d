"""The HTML dataset: whole files only, and a preview without scripts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from kedro.io import DatasetError

from onetake.datasets.html import HTMLDataset
from onetake.errors import OutputError

pytestmark = pytest.mark.report


def test_what_is_saved_is_loaded_and_nothing_is_left_beside(tmp_path: Path) -> None:
    dataset = HTMLDataset(filepath=tmp_path / "deep" / "report.html")
    assert not dataset.exists()
    dataset.save("<p>–</p>")
    assert dataset.load() == "<p>–</p>"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["report.html"]


def test_a_folder_that_cannot_be_made_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(DatasetError) as caught:
        HTMLDataset(filepath=tmp_path / "file" / "report.html").save("<p></p>")
    assert isinstance(caught.value.__cause__, OutputError)
    assert re.fullmatch(r".*report.html: got .+; wanted a file that can be written", str(caught.value.__cause__))


def test_a_failed_write_keeps_the_old_page(tmp_path: Path) -> None:
    dataset = HTMLDataset(filepath=tmp_path / "report.html")
    dataset.save("old")
    # A lone surrogate has no UTF-8.
    with pytest.raises(DatasetError, match="surrogates not allowed"):
        dataset.save("\ud800")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert dataset.load() == "old"


def test_the_preview_keeps_tables_and_drops_scripts(tmp_path: Path) -> None:
    dataset = HTMLDataset(filepath=tmp_path / "report.html")
    dataset.save("<table></table><script>let a = 1;</script><SCRIPT type='x'>\n2</SCRIPT><p>end</p>")
    assert dataset.preview() == "<table></table><p>end</p>"
    assert HTMLDataset.preview.__annotations__["return"] == "HTMLPreview"
