"""What the verb `verify` does: one cell is played again, and everything that rests on it is derived anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onetake.build import nearest
from onetake.cli.gating import Project
from onetake.errors import NotReadyError, SchemaError, UnknownIdError

if TYPE_CHECKING:
    from kedro.pipeline import Node

    from onetake.reports.verification import Page

REPRODUCIBLE = ("summary", "curves", "segments")


class Derivation:
    """Datasets derived anew in memory; what is not derived is loaded from where the run left it.

    Raises:
        ConfigError: outside a Kedro project.
    """

    def __init__(self, env: str | None) -> None:
        self.project = Project(env)
        from kedro.framework.project import pipelines

        self.pipelines = dict(pipelines)
        self._made: dict[str, Any] = {}

    def load(self, name: str) -> Any:
        """Return a dataset: as derived, else as the run left it.

        Raises:
            NotReadyError: nothing lies there.
        """
        if name in self._made:
            return self._made[name]
        if not self.project.catalog.exists(name):
            raise NotReadyError(f"{name}: got nothing; wanted what `kedro run` leaves")
        return self.project.catalog.load(name)

    def run(self, node: Node) -> dict[str, Any]:
        """Run a node on what was derived and loaded; keep and return what it makes."""
        made = {name: _as_loaded(data) for name, data in node.run({n: self.load(n) for n in node.inputs}).items()}
        self._made |= made
        return made

    def cells(self) -> dict[str, Node]:
        """Nodes that play, by ``suite.agent``, but for those of agents that could play nothing."""
        nodes = {node.namespace: node for node in self.pipelines["evaluation"].nodes if node.namespace}
        inner = {name: node for name, node in nodes.items() if name.count(".") == 2}
        finished = {n: node for n, node in inner.items() if (self.load(f"{n}.summary")["status"] == "finished").any()}
        return {name.removeprefix("evaluation."): node for name, node in sorted(finished.items())}

    def replay(self, node: Node) -> Iterator[tuple[str, bool]]:
        """Play a cell and score its suite again; yield what was made and whether the run left the same."""
        stored = {name: self.load(name) for name in node.outputs if name.rpartition(".")[2] in REPRODUCIBLE}
        made = self.run(node)
        # Costs differ at every run: what rests on them stays as the run left it.
        for name in set(made) - set(stored):
            del self._made[name]
        for name, frame in stored.items():
            yield name, made[name].equals(frame)
        namespace = str(node.namespace).rpartition(".")[0]
        (score,) = (
            n for n in self.pipelines["evaluation"].nodes if n.namespace == namespace and n.short_name == "score"
        )
        (card,) = score.outputs
        known = self.load(card)
        fresh = self.run(score)[card]
        yield card, set(fresh) == set(known) and all(fresh[name].equals(known[name]) for name in fresh)

    def page(self) -> Page:
        """Derive the report."""
        from onetake.reports.verification import parse_page

        for node in self.pipelines["reporting"].nodes:
            self.run(node)
        return parse_page(self._made["report"])


def _as_loaded(data: Any) -> Any:
    """A chart reaches the report through its file, where numbers stand in another form than in memory."""
    if not type(data).__module__.startswith("plotly."):
        return data
    import plotly.io

    return plotly.io.from_json(plotly.io.to_json(data))


def verify_report(report: Path, env: str | None, cell: str | None) -> Iterator[tuple[str, bool]]:
    """Yield what of a report was derived anew, and whether it has the same bytes.

    Args:
        report: the page.
        env: of conf.
        cell: ``suite.agent`` to play again; one that the report's own digest picks where None; none where ``none``.

    Raises:
        SchemaError: no report, or one whose manifest no longer matches.
        UnknownIdError: a cell that was not played. NotReadyError: the project was not run.
    """
    from onetake.reports.verification import differences, fingerprint, manifest_mismatch, read_page

    page = read_page(report)
    derivation = Derivation(env)
    known = derivation.load("report_manifest")
    if cell != "none":
        cells = derivation.cells()
        if cell is not None and cell not in cells:
            raise UnknownIdError(f"cell: got '{cell}', which was not played; nearest: {nearest(cell, cells)}")
        drawn = int(fingerprint("".join(page.figures.values())), 16)
        yield from derivation.replay(cells[cell or list(cells)[drawn % len(cells)]])
    derived = derivation.page()
    why = manifest_mismatch(page, derived, known)
    if why is not None:
        raise SchemaError(f"{report}: manifest no longer matches: {why}")
    yield from differences(page, derived)
