"""A catalog that notes, next to every save, under which key the bytes were written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onetake.caching.datasets import Datasets, base_name
from onetake.caching.fingerprint import FileDigests, same_files
from onetake.caching.records import Record, Records

if TYPE_CHECKING:
    from onetake.caching.plan import Plan


@dataclass(frozen=True)
class Job:
    """What to record when an output is saved.

    Attributes:
        path: where the catalog declares the output.
        record: all but the digest; None to forget what is recorded and record nothing.
        at_end: whether the node saves in pieces, so that only the end of the run tells that the output is whole.
    """

    path: Path
    record: Record | None
    at_end: bool = False


class RecordingCatalog:
    """Stands in front of a catalog and passes everything on.

    It travels with each task, so recording happens in whatever thread or process saves.
    """

    def __init__(
        self,
        catalog: Any,
        records: Records,
        jobs: Mapping[str, Job],
        sources: Mapping[Path, list[int]],
        plan: Plan | None = None,
    ) -> None:
        self._catalog = catalog
        self._records = records
        self._jobs = jobs
        self._sources = sources
        self.plan = plan

    def save(self, name: str, data: Any) -> None:
        """Save a dataset; its old record is gone before the first byte changes."""
        job = self._jobs.get(name)
        if job is not None:
            self._records.forget(base_name(name), job.path)
        self._catalog.save(name, data)
        if job is not None and not job.at_end:
            self._record(name, job)

    def finish(self) -> None:
        """Record what was saved in pieces, after the whole run has succeeded."""
        for name, job in self._jobs.items():
            if job.at_end:
                self._record(name, job)

    def _record(self, name: str, job: Job) -> None:
        # Code that was edited while the run went on may have been imported before or after: nothing can be said of it.
        if job.record is None or not same_files(self._sources):
            return
        location = Datasets(self._catalog).location(name, saved=True)
        found = FileDigests().of(location) if location else None
        if found is not None:
            self._records.write(base_name(name), job.path, replace(job.record, digest=found))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_catalog" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self._catalog, name)

    def __getstate__(self) -> dict[str, Any]:
        # The plan holds every node of the run, and a worker needs one.
        return self.__dict__ | {"plan": None}

    def __contains__(self, name: str) -> bool:
        return name in self._catalog

    def __iter__(self) -> Iterator[str]:
        return iter(self._catalog)

    def __len__(self) -> int:
        return len(self._catalog)

    def __getitem__(self, name: str) -> Any:
        return self._catalog[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._catalog[name] = value

    def __repr__(self) -> str:
        return repr(self._catalog)
