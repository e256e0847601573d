"""Full histories: every step of every environment, written as it happens, in constant memory.

A history is a folder with, for each environment of the suite, ``observable.parquet`` (what an agent could see and did)
and ``latent.parquet`` (what only the evaluator knows), row for row. They are two files, so that the first can be given
away without the second. Rows stand in the order (step, environment); step 0 is the reset, where nothing is done yet.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from onetake.errors import SchemaError, UnknownIdError
from onetake.evaluation.spool import check_replaceable

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_META = "history.json"
_VERSION = 1


def slug(name: str) -> str:
    """Return a name that every file system takes; a short digest keeps changed names apart.

    >>> slug("thompson")
    'thompson'
    >>> slug("a/b") == slug("a:b")
    False
    """
    plain = re.sub(r"[^a-z0-9._]+", "-", name.lower()).strip("-.") or "unnamed"
    if plain == name:
        return plain
    return f"{plain[:80]}-{hashlib.blake2b(name.encode(), digest_size=3).hexdigest()}"


class History:
    """Handle of a finished history.

    Attributes:
        folder: where it lies. A folder made by `spool_folder` vanishes with its handle unless it was moved away.
    """

    def __init__(self, folder: Path, *, temporary: bool = False) -> None:
        self.folder = Path(folder)
        meta = self.folder / _META
        if not meta.is_file():
            raise SchemaError(f"history: got {self.folder} without {_META}; wanted a folder that a run has finished")
        read = json.loads(meta.read_text())
        if read.get("version") != _VERSION:
            raise SchemaError(f"{meta}: got version {read.get('version')}; wanted {_VERSION}")
        self.suite: str = read["suite"]
        self.agent: str = read["agent"]
        self._slugs: dict[str, str] = read["environments"]
        self._finalizer = weakref.finalize(self, shutil.rmtree, self.folder, True) if temporary else None

    @property
    def environments(self) -> tuple[str, ...]:
        """Names of the environments, in the order of the suite."""
        return tuple(self._slugs)

    def observable(self) -> pl.DataFrame:
        """Everything that the agent saw and did.

        Columns: environment, step, replicate, entity, action, reward, terminated, truncated and ``obs_…``. The
        observation is the one after the action; action and reward are null at the reset.
        """
        return self.scan().collect()

    def all(self) -> pl.DataFrame:
        """The observable columns and the latent ones.

        Latent: ``latent_expected_reward`` of the action, ``latent_best_reward`` and ``latent_best_action`` at that
        step, ``latent_greedy_action`` of the agent's own beliefs.
        """
        return self.scan(latent=True).collect()

    def scan(self, *, latent: bool = False) -> pl.LazyFrame:
        """The same without loading it."""
        frames = []
        for name, folder in self._slugs.items():
            frame = pl.scan_parquet(self.folder / folder / "observable.parquet")
            if latent:
                hidden = pl.scan_parquet(self.folder / folder / "latent.parquet")
                frame = pl.concat([frame, hidden], how="horizontal")
            frames.append(frame.select(pl.lit(name).alias("environment"), pl.all()))
        return pl.concat(frames, how="diagonal")

    def plot(self, environment: str | None = None, *, replicate: int = 0, entity: int = 0) -> Figure:
        """Draw one environment: actions as points, every other observable series as a line.

        Args:
            environment: name; the first one where not given.
            replicate: number of the replicate.
            entity: number of the entity.

        Raises:
            UnknownIdError: there is no such environment, replicate or entity in the history.
        """
        from plotly.graph_objects import Scatter
        from plotly.subplots import make_subplots

        name = self.environments[0] if environment is None else environment
        rows = self.scan().filter(
            (pl.col("environment") == name) & (pl.col("replicate") == replicate) & (pl.col("entity") == entity)
        )
        steps = rows.sort("step").collect()
        if steps.is_empty():
            raise UnknownIdError(
                f"history: got {name}, replicate {replicate}, entity {entity}; "
                f"wanted one that was played, in {', '.join(self.environments)}"
            )
        figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.25, 0.75], vertical_spacing=0.05)
        done = steps.filter(pl.col("step") > 0)
        points = Scatter(x=done["step"].to_list(), y=done["action"].to_list(), mode="markers", name="action")
        figure.add_trace(points, row=1, col=1)
        for column in ("reward", *(c for c in steps.columns if c.startswith("obs_") and steps[c].null_count() == 0)):
            line = Scatter(x=steps["step"].to_list(), y=steps[column].to_list(), mode="lines", name=column)
            figure.add_trace(line, row=2, col=1)
        title = f"{self.agent} on {name}, replicate {replicate}, entity {entity}"
        return figure.update_layout(title=title, xaxis2_title="step", yaxis_title="action")

    def move(self, destination: Path) -> History:
        """Rename the folder to ``destination``, replacing what is there, and return the new handle.

        Nothing half written can be seen there: across file systems the copy is made beside it first.

        Raises:
            OutputError: something that is no history lies there.
        """
        destination = Path(destination)
        check_replaceable(destination, _META)
        destination.parent.mkdir(parents=True, exist_ok=True)
        beside = destination.with_name(f".{destination.name}.new")
        shutil.rmtree(beside, ignore_errors=True)
        shutil.copytree(self.folder, beside) if self._finalizer is None else shutil.move(self.folder, beside)
        if destination.exists():
            shutil.rmtree(destination)
        beside.rename(destination)
        if self._finalizer is not None:
            self._finalizer.detach()
        return History(destination)


def spool_folder() -> Path:
    """Make a new temporary folder for a history."""
    return Path(tempfile.mkdtemp(prefix="onetake-history-"))


def finish(folder: Path, *, suite: str, agent: str, environments: list[str]) -> History:
    """Write the table of contents; only now the folder is a history."""
    meta: dict[str, Any] = {"version": _VERSION, "suite": suite, "agent": agent}
    meta["environments"] = {name: slug(name) for name in environments}
    part = folder / f".{_META}"
    part.write_text(json.dumps(meta, indent=1))
    part.rename(folder / _META)
    return History(folder, temporary=True)
