"""Where the file of a module lies, found without importing the module or its packages."""

from __future__ import annotations

import importlib.machinery
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = (".py", *importlib.machinery.EXTENSION_SUFFIXES)
LIBRARIES = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
# Where an environment that lends its packages to this one keeps them.
INSTALLED = {"site-packages", "dist-packages"}


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
    """Finds modules, each once; a top-level one also beside files that were named by their path."""

    def __init__(self) -> None:
        self._found: dict[str, Place | None] = {}
        self._beside: list[str] = []

    def look_beside(self, path: Path) -> None:
        """Let modules be found in the folder of a file, where Python's own path does not lead to them."""
        folder = str(path.parent)
        if folder not in self._beside:
            self._beside.append(folder)
            self._found = {module: place for module, place in self._found.items() if place is not None}

    def is_own(self, module: str) -> bool:
        """Return whether a module is somebody's own code: it has a file, and no installer put it there.

        >>> Places().is_own("json"), Places().is_own("numpy.linalg"), Places().is_own("nothing")
        (False, False, False)
        """
        if module.partition(".")[0] in sys.stdlib_module_names:
            return False
        place = self.find(module)
        if place is None:
            return False
        return any(not is_library(path) for path in ([place.path] if place.path else place.folders))

    def find(self, module: str) -> Place | None:
        """Return the place of a module; None where there is none.

        >>> Places().find("json.decoder").path.name
        'decoder.py'
        >>> Places().find("json.nothing")
        """
        if module not in self._found:
            parent, _, name = module.rpartition(".")
            self._found[module] = self._inside(parent, name) if parent else top(module, self._beside)
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


def top(module: str, beside: Iterable[str] = ()) -> Place | None:
    """Return the place of a top-level module."""
    spec = getattr(sys.modules.get(module), "__spec__", None)
    if module not in sys.modules:
        find = importlib.machinery.PathFinder.find_spec
        spec = find(module) or find(module, list(beside))
    if spec is None:
        return None
    folders = tuple(map(Path, spec.submodule_search_locations or ()))
    return Place(Path(spec.origin) if spec.origin and spec.has_location else None, folders)


def is_library(path: Path) -> bool:
    """Return whether a file is Python's own or an installed package's."""
    return str(path).startswith(LIBRARIES) or not INSTALLED.isdisjoint(path.parts)
