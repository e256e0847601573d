"""The code that a function depends on: definitions reached from it, through everything that is not installed."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from onetake.caching.fingerprint import Memo, content_digest, digest, file_state
from onetake.caching.options import CacheOptions
from onetake.caching.places import Place, Places
from onetake.caching.sources import DYNAMIC, EVERY, MAYBE, Definition, Source, joined, read_source

WHOLE = "*"
Symbol = tuple[str, str]
"""A module and a top-level name in it; `WHOLE` for the module as one; no module for a package of others."""


_LOADED: dict[Symbol, tuple[object, str]] = {}
"""Of code in memory, the spec of its module (a new one after a reload) and its digest when it was first met."""


def reader() -> str:
    """Return what tells one way of reading sources from another: this package's own files, and Python's grammar."""
    own = [Path(__file__).with_name(name) for name in ("sources.py", "syntax.py")]
    return f"{sys.version_info[:2]} {[file_state(path)[:2] for path in own]}"


class Closure:
    """Walks from references to everything that they depend on, and says it as `{part: text}`.

    Two closures are equal exactly if nothing that counts has changed. A module is read again only when its file has.
    """

    def __init__(self, options: CacheOptions, memo: Path) -> None:
        self._options = options
        self._memo = Memo(memo, reader())
        self._sources: dict[str, Source | None] = {}
        self._places = Places()
        self._edges: dict[Symbol, list[Symbol]] = {}
        self._parts: dict[Symbol, tuple[str, str]] = {}
        self.states: dict[Path, list[int]] = {}
        self._files: dict[str, Path] = {}

    def parts(self, references: Iterable[str]) -> dict[str, str]:
        """Return every part of the closure of some references, with its digest, version or token.

        >>> Closure(CacheOptions(), Path("nowhere")).parts(["json:loads"])
        {}
        """
        waiting = [symbol for reference in references for symbol in self.resolve(reference)]
        reached = set(waiting)
        while waiting:
            for symbol in self.edges(waiting.pop()):
                if symbol not in reached:
                    reached.add(symbol)
                    waiting.append(symbol)
        counted = [symbol for symbol in reached if symbol[0] or symbol[1] in self._options.versions]
        # Long-lived processes, such as notebooks, may run code that is older than the file it came from.
        old = [self._part(symbol)[0] for symbol in counted if self.outdated(symbol)]
        parts = [(f"{label} (in memory, older than its file)", uuid.uuid4().hex) for label in old]
        return dict(sorted([*parts, *(self._part(symbol) for symbol in counted)]))

    def outdated(self, symbol: Symbol) -> bool:
        """Return whether code in memory is known to be older than its file."""
        spec = getattr(sys.modules.get(symbol[0]), "__spec__", None)
        if spec is None:
            return False
        now = (spec, self._part(symbol)[1])
        first = _LOADED.setdefault(symbol, now)
        if first[0] is not spec:
            _LOADED[symbol] = first = now
        return first[1] != now[1]

    def add_file(self, module: str, path: Path) -> None:
        """Let a module that was loaded from a file of its own count as first-party."""
        self._files[module] = path
        self._places.look_beside(path)

    def is_first_party(self, module: str) -> bool:
        """Return whether the source of a module counts: the project's, and code of a user's own outside it."""
        named = module.partition(".")[0] in self._options.first_party or module in self._files
        return named or self._places.is_own(module)

    def save(self) -> None:
        """Keep what was read for the next process."""
        self._memo.save()

    def resolve(self, reference: str) -> list[Symbol]:
        """Return the symbols that a reference stands for, through re-exports and submodules."""
        if reference.endswith(EVERY):
            return [(module, WHOLE) for module in self._places.modules(reference.removesuffix(EVERY))]
        only_if_defined = reference.startswith(MAYBE)
        module, _, chain = reference.removeprefix(MAYBE).partition(":")
        seen = set[tuple[str, str]]()
        while (module, chain) not in seen:
            seen.add((module, chain))
            if not self.is_first_party(module):
                return [("", module.partition(".")[0])]
            source = self.source(module)
            head, _, rest = chain.partition(".")
            if source is None and head and self._places.find(f"{module}.{head}"):
                module, chain = f"{module}.{head}", rest
                continue
            if source is None or not head:
                return [(module, WHOLE)] if self._has_file(module) else []
            if head in source.definitions:
                return [(module, head)]
            if head in source.imports:
                module, _, chain = joined(source.imports[head], rest).partition(":")
            elif self._places.find(f"{module}.{head}"):
                module, chain = f"{module}.{head}", rest
            else:
                starred = [symbol for star in source.stars for symbol in self.resolve(MAYBE + joined(star, chain))]
                # A name that only running the module would show: the whole module counts.
                return starred or ([] if only_if_defined else [(module, WHOLE)])
        return [(module, WHOLE)]

    def _has_file(self, module: str) -> bool:
        place = self._places.find(module)
        return module in self._files or (place is not None and place.path is not None)

    def edges(self, symbol: Symbol) -> list[Symbol]:
        """Return the symbols that a symbol mentions."""
        if symbol not in self._edges:
            references = self._definition(symbol).references if symbol[0] else []
            found = {target for reference in references if reference != DYNAMIC for target in self.resolve(reference)}
            if DYNAMIC in references:
                packages = self._options.by_name.get(":".join(symbol), self._options.first_party)
                found |= {(module, WHOLE) for package in packages for module in self._places.modules(package)}
            self._edges[symbol] = sorted(found - {symbol})
        return self._edges[symbol]

    def _definition(self, symbol: Symbol) -> Definition:
        source = self.source(symbol[0])
        if source is None:
            return Definition()
        return source.whole if symbol[1] == WHOLE else source.definitions[symbol[1]]

    def _part(self, symbol: Symbol) -> tuple[str, str]:
        module, name = symbol
        if symbol not in self._parts:
            if not module:
                self._parts[symbol] = (f"version {name}", metadata.version(name))
            elif self.source(module) is None:
                self._parts[symbol] = (f"code {module}", self._token(module))
            else:
                label = f"code {module}" if name == WHOLE else f"code {module}.{name}"
                self._parts[symbol] = (label, digest(*self._definition(symbol).digests))
        return self._parts[symbol]

    def _token(self, module: str) -> str:
        """Return what stands for the source of a module that has none."""
        if module in self._options.tokens:
            return self._options.tokens[module]()
        place = self._places.find(module)
        return content_digest(place.path) if place and place.path else ""

    def source(self, module: str) -> Source | None:
        """Return what a first-party module defines; None if it has no Python source."""
        if module not in self._sources:
            place = Place(self._files[module]) if module in self._files else self._places.find(module)
            self._sources[module] = self._read(place, module) if place is not None and place.is_source else None
        return self._sources[module]

    def _read(self, place: Place, module: str) -> Source:
        assert place.path is not None
        state = self.states[place.path] = file_state(place.path)
        plain = self._memo.recall(place.path, state)
        if plain is not None:
            return Source.from_json(plain)
        source = read_source(place.path.read_text("utf-8"), module, bool(place.folders))
        self._memo.note(place.path, state, source.to_json())
        return source
