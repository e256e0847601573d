"""Which nodes run, and why."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kedro.io import CatalogProtocol, DatasetError
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from onetake.caching.bound import Bound
from onetake.caching.closure import Closure
from onetake.caching.datasets import Datasets, base_name, declared, is_parameter
from onetake.caching.fingerprint import FileDigests, NoFingerprint, digest, leaves
from onetake.caching.options import UNCACHED, CacheError, CacheOptions, Mode
from onetake.caching.records import SCHEMA, Record, Records, unwritable


@dataclass
class Step:
    """A node in a plan.

    Attributes:
        key: fingerprint of everything that the node depends on.
        parts: what the key was made of.
        reasons: why the node runs; empty where it is up to date.
        needed_by: running nodes that need an output which lives in memory only.
    """

    node: Node
    key: str
    parts: dict[str, str]
    reasons: list[str] = field(default_factory=list)
    needed_by: list[str] = field(default_factory=list)

    @property
    def runs(self) -> bool:
        """Whether the node runs."""
        return bool(self.reasons or self.needed_by)


@dataclass
class Plan:
    """The steps of a pipeline, in an order in which they can run."""

    steps: dict[str, Step]

    @property
    def running(self) -> list[str]:
        """Names of the nodes that run."""
        return [name for name, step in self.steps.items() if step.runs]

    @property
    def up_to_date(self) -> list[str]:
        """Names of the nodes that do not."""
        return [name for name, step in self.steps.items() if not step.runs]


class Planner:
    """Works out keys in the order of the pipeline, then which steps run.

    The key of a node is made of its code closure, its wiring, its parameters, the declarations of its datasets, and for
    each other input a fingerprint: of the producer's key where the pipeline has the producer, else of what is on disk.
    """

    def __init__(self, options: CacheOptions, root: Path) -> None:
        self.root = root
        self.folder = root / options.folder
        self.closure = Closure(options, self.folder / "sources.json")
        self.files = FileDigests(self.folder / "files.json")
        self.records = Records(self.folder / "records", root)
        self._code: dict[int, dict[str, str]] = {}

    def plan(self, pipeline: Pipeline, catalog: CatalogProtocol[Any, Any], mode: Mode = "auto") -> Plan:
        """Return the plan of a pipeline on a catalog.

        Raises:
            CacheError: if the cache folder cannot be written.
        """
        datasets = Datasets(catalog)
        produced: dict[str, str] = {}
        steps: dict[str, Step] = {}
        for node in pipeline.nodes:
            step = self.step(node, datasets, produced)
            for name in node.outputs:
                produced[base_name(name)] = digest(step.key, base_name(name))
            steps[node.name] = step
        consumed = {base_name(name) for node in pipeline.nodes for name in node.inputs}
        for step in steps.values():
            step.reasons += ["forced"] if mode == "force" else self.reasons(step, datasets, consumed)
        call_back(steps, datasets)
        self.save()
        return Plan(steps)

    def save(self) -> None:
        """Keep what was read from files for the next run."""
        try:
            self.closure.save()
            self.files.save()
        except OSError as error:
            raise unwritable(self.folder, error) from error

    def step(self, node: Node, datasets: Datasets, produced: Mapping[str, str]) -> Step:
        """Return a node with its key, not yet judged."""
        parts = {"wiring": wiring(node), "schema": str(SCHEMA)}
        try:
            parts |= self.code(node)
            for name in node.inputs:
                parts |= self.input_parts(name, datasets, produced)
            for name in node.outputs:
                parts |= self.declaration(name, datasets)
        except NoFingerprint as error:
            # A key that no other run can have: neither this node nor what hangs on it is ever taken for fresh.
            return Step(node, uuid.uuid4().hex, parts, [str(error)])
        return Step(node, digest(*(text for part in sorted(parts.items()) for text in part)), parts)

    def code(self, node: Node) -> dict[str, str]:
        """Return the parts of a node's function: its code, and what is bound into it."""
        if id(node.func) not in self._code:
            bound = Bound(self.closure, self.root)
            bound.add(node.func, "bound")
            self._code[id(node.func)] = bound.values | self.closure.parts(bound.references)
        return self._code[id(node.func)]

    def input_parts(self, name: str, datasets: Datasets, produced: Mapping[str, str]) -> dict[str, str]:
        """Return the parts of an input."""
        if base_name(name) in produced:
            return self.declaration(name, datasets) | {f"input {name}": produced[base_name(name)]}
        if not datasets.knows(name):
            # Kedro says so in its own words when the node is about to run.
            raise NoFingerprint(f"input {name} is not in the catalog")
        entry = datasets.entry(name)
        if is_parameter(name) or entry.in_memory:
            return self.value_parts(name, datasets)
        return self.declaration(name, datasets) | {f"input {name}": self.external(name, datasets)}

    def value_parts(self, name: str, datasets: Datasets) -> dict[str, str]:
        """Return the leaves of a value in memory, and the code that it names."""
        bound = Bound(self.closure, self.root)
        try:
            value = datasets.load(name)
            bound.add_named(value)
            return dict(leaves(value, name)) | self.closure.parts(bound.references)
        except (NoFingerprint, DatasetError) as error:
            raise NoFingerprint(f"input {name}: {error}") from error

    def external(self, name: str, datasets: Datasets) -> str:
        """Return the fingerprint of what is on disk.

        Of an untouched output it is the producer's, so that a slice of a pipeline and the whole agree.
        """
        entry, location = datasets.entry(name), datasets.location(name)
        if entry.path is None:
            raise NoFingerprint(f"input {name} has no bytes on this machine to compare")
        found = self.files.of(location) if location else None
        if found is None:
            raise NoFingerprint(f"input {name} does not exist")
        record = self.records.read(base_name(name), entry.path)
        return digest(record.key, base_name(name)) if record and record.digest == found else found

    def declaration(self, name: str, datasets: Datasets) -> dict[str, str]:
        """Return the parts of a dataset's declaration, and of the first-party class that reads and writes it."""
        config = declared(datasets.entry(name), self.root)
        bound = Bound(self.closure, self.root)
        bound.add_named(config.get("type", ""))
        return texts(config, f"dataset {name}") | self.closure.parts(bound.references)

    def reasons(self, step: Step, datasets: Datasets, consumed: Iterable[str]) -> list[str]:
        """Return why a node must run by itself; what others need of it is not looked at."""
        if step.reasons:
            return []
        if UNCACHED in step.node.tags:
            return [f"it is tagged {UNCACHED}"]
        if not step.node.outputs:
            return ["it has no outputs"]
        found: list[str] = []
        for name in step.node.outputs:
            entry = datasets.entry(name)
            if entry.path is not None:
                found += self.staleness(step, name, entry.path, datasets)
            elif not entry.in_memory:
                found.append(f"output {name} has no bytes on this machine to compare")
            elif base_name(name) not in consumed:
                found.append(f"output {name} is kept in memory only")
        return list(dict.fromkeys(found))

    def staleness(self, step: Step, name: str, path: Path, datasets: Datasets) -> list[str]:
        """Return why an output on disk is not what its node would write."""
        record = self.records.read(base_name(name), path)
        location = datasets.location(name)
        found = self.files.of(location) if location else None
        if found is None:
            return [f"output {name} does not exist"]
        if record is None:
            return [f"output {name} has no record"]
        if record.key != step.key:
            return changes(record, step) or [f"output {name} was written by {record.node}"]
        return [] if record.digest == found else [f"output {name} was changed after it was written"]


def wiring(node: Node) -> str:
    """Return how a node's inputs and outputs are tied to its function."""
    with warnings.catch_warnings():
        # Kedro warns of a partial without a name each time that it prints one; it has done so before.
        warnings.simplefilter("ignore")
        return repr(node)


def texts(config: Mapping[str, Any], label: str) -> dict[str, str]:
    """Return the leaves of a declaration; of an object that a program passed to a dataset, its class."""
    found: dict[str, str] = {}
    for key, value in config.items():
        try:
            found |= dict(leaves(value, f"{label}.{key}"))
        except NoFingerprint:
            found[f"{label}.{key}"] = type(value).__qualname__
    return found


def changes(record: Record, step: Step) -> list[str]:
    """Return what differs between the parts of a record and those of a step, one line each."""
    found = []
    for part in sorted(record.parts.keys() | step.parts.keys()):
        old, new = record.parts.get(part), step.parts.get(part)
        if old == new:
            continue
        if old is None or new is None:
            found.append(f"{part} is {'new' if old is None else 'gone'}")
        elif part.startswith(("code ", "input ", "wiring")):
            found.append(f"{part} changed")
        else:
            found.append(f"{part} changed from {old} to {new}")
    return found


def call_back(steps: Mapping[str, Step], datasets: Datasets) -> None:
    """Let producers of what lives in memory only run for the nodes that run, from the end to the start."""
    producers = {base_name(name): step for step in steps.values() for name in step.node.outputs}
    for step in reversed(list(steps.values())):
        if not step.runs:
            continue
        for name in step.node.inputs:
            producer = producers.get(base_name(name))
            if producer is not None and datasets.entry(name).in_memory:
                producer.needed_by.append(step.node.name)


def planner_for(options: CacheOptions, root: Path) -> Planner:
    """Return a planner for a project.

    Raises:
        CacheError: if no package is named whose source counts.
    """
    if not options.first_party:
        raise CacheError("first_party: got no package; wanted the packages whose source counts")
    return Planner(options, root)
