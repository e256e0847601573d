"""Where the file of a module lies, found without importing the module or its packages."""

from __future__ import annotations

import importlib.machinery
import sys
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = (".py", *importlib.machinery.EXTENSION_SUFFIXES)


@dataclass(frozen=True)
class Place:
    """A module's file, if it has one, and the folders of its submodules, if it is a package."""

    path: Path | None
    folders: tuple[Path, ...] = ()

    @property
    def is_source(self) -> bool:
        """Whether the file is Python source."""
        return self.path is not None and self.path.suffix == ".py"


class Places:
    """Finds modules, each once."""

    def __init__(self) -> None:
        self._found: dict[str, Place | None] = {}

    def find(self, module: str) -> Place | None:
        """Return the place of a module; None where there is none.

        >>> Places().find("json.decoder").path.name
        'decoder.py'
        >>> Places().find("json.nothing")
        """
        if module not in self._found:
            parent, _, name = module.rpartition(".")
            self._found[module] = self._inside(parent, name) if parent else top(module)
        return self._found[module]

    def _inside(self, parent: str, name: str) -> Place | None:
        above = self.find(parent)
        folders = above.folders if above else ()
        for folder in folders:
            for path in (folder / name / "__init__.py", *(folder / f"{name}{suffix}" for suffix in SUFFIXES)):
                if path.is_file():
                    return Place(path, (path.parent,) if path.name == "__init__.py" else ())
        # A folder without `__init__.py` is a package too.
        spaces = tuple(folder / name for folder in folders if name and (folder / name).is_dir())
        return Place(None, spaces) if spaces else None

    def modules(self, package: str) -> list[str]:
        """Return a package and every module in it that has Python source."""
        place = self.find(package)
        if place is None:
            return []
        found = {package} if place.is_source else set()
        for folder in place.folders:
            for path in folder.rglob("*.py"):
                names = path.relative_to(folder).with_suffix("").parts
                found.add(".".join([package, *(names[:-1] if names[-1] == "__init__" else names)]))
        return sorted(found)


def top(module: str) -> Place | None:
    """Return the place of a top-level module."""
    loaded = sys.modules.get(module)
    spec = loaded.__spec__ if loaded else importlib.machinery.PathFinder.find_spec(module)
    if spec is None:
        return None
    folders = tuple(map(Path, spec.submodule_search_locations or ()))
    return Place(Path(spec.origin) if spec.origin and spec.has_location else None, folders)
