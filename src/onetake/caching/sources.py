"""What a module defines and what each definition refers to, read from its source without importing it."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from onetake.caching.fingerprint import digest
from onetake.caching.syntax import (
    IMPORTS,
    SCOPES,
    Mentions,
    bound_names,
    changed_names,
    drop_docstrings,
    mentioned,
    top_level,
)

DYNAMIC = "?"
"""The reference of a definition that finds code by a name known only at run time."""
MAYBE = "~"
"""Before a reference that holds only if the module defines the name (what `from module import *` gives)."""
EVERY = ".**"
"""Behind a package: each of its modules, where a name is made as in `import_module(f"package.{name}")`."""


@dataclass
class Definition:
    """One top-level name: digests of what defines or changes it, and its references (`module:attribute.chain`)."""

    digests: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    is_variable: bool = False


@dataclass
class Source:
    """What a module defines, where its imported names come from, and the module as one definition."""

    definitions: dict[str, Definition]
    imports: dict[str, str]
    stars: list[str]
    whole: Definition

    def to_json(self) -> dict[str, Any]:
        """Return the plain form, which a memo can keep."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Source:
        """Return the source that a plain form stands for."""
        definitions = {name: Definition(**entry) for name, entry in plain["definitions"].items()}
        return cls(definitions, plain["imports"], plain["stars"], Definition(**plain["whole"]))


def read_source(text: str, module: str, is_package: bool) -> Source:
    r"""Return what a module's text defines. Comments, blank lines and docstrings leave no trace in it.

    >>> one = read_source("A = 1\ndef f(x):\n    return x + A  # more", "shop.tax", False)
    >>> two = read_source("A = 1\ndef f(x):\n    'More.'\n    return x + A", "shop.tax", False)
    >>> one.definitions["f"] == two.definitions["f"], one.definitions["f"].references
    (True, ['shop.tax:A'])
    """
    tree = ast.parse(text)
    drop_docstrings(tree)
    return Reader(module, is_package).read(tree)


@dataclass
class Statement:
    """A top-level statement that was read."""

    node: ast.stmt
    digest: str
    references: set[str]
    names: list[str]


class Reader:
    """Collects the definitions of one module."""

    def __init__(self, module: str, is_package: bool) -> None:
        self.module = module
        self.package = module if is_package else module.rpartition(".")[0]
        self.source = Source({}, {}, [], Definition())

    def read(self, tree: ast.Module) -> Source:
        """Read a whole module: imports first, since a definition may mention what is imported below it."""
        nodes = list(top_level(tree.body))
        for node in nodes:
            if isinstance(node, IMPORTS):
                self.source.imports |= self.bindings(node)
                if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
                    self.source.stars.append(self.origin(node))
        others = [(node, bound_names(node)) for node in nodes if not isinstance(node, IMPORTS)]
        self.source.definitions = {name: Definition() for name in sorted({n for _, names in others for n in names})}
        statements = [
            Statement(node, digest(ast.dump(node)), self.references(mentioned(node)), names) for node, names in others
        ]
        for statement in statements:
            self.define(statement)
        for statement in statements:
            self.attach(statement)
        imported = [*self.source.imports.values(), *self.source.stars]
        references = set().union(*(s.references for s in statements), imported)
        self.source.whole = Definition([digest(*(s.digest for s in statements), *imported)], sorted(references))
        return self.source

    def define(self, statement: Statement) -> None:
        """Add a statement to the names that it binds."""
        for name in statement.names:
            self.add(name, statement)
            self.source.definitions[name].is_variable |= not isinstance(statement.node, SCOPES)

    def add(self, name: str, statement: Statement) -> None:
        """Let a statement count for a name."""
        entry = self.source.definitions[name]
        entry.digests.append(statement.digest)
        entry.references = sorted({*entry.references, *statement.references} - {f"{self.module}:{name}"})

    def attach(self, statement: Statement) -> None:
        """Let a statement count for the names that it may change: `TABLE[k] = v`, `register(...)`, `@register`, a loop.

        A function or class is changed only by a statement that stores into it or calls its method; a variable also by
        one that reaches it through functions of this module.
        """
        if isinstance(statement.node, SCOPES):
            acting = set[str]().union(*(self.references(mentioned(d)) for d in statement.node.decorator_list))
            changed = set[str]()
        elif statement.names and isinstance(statement.node, ast.Assign | ast.AnnAssign):
            return
        else:
            acting, changed = statement.references, changed_names(statement.node)
        reached = self.reach(acting)
        for name, entry in self.source.definitions.items():
            if name not in statement.names and (name in changed or (entry.is_variable and name in reached)):
                self.add(name, statement)

    def reach(self, references: Iterable[str]) -> set[str]:
        """Return the names of this module that references lead to, through definitions of this module."""
        prefix, reached, waiting = f"{self.module}:", set[str](), list(references)
        while waiting:
            reference = waiting.pop()
            name = reference.removeprefix(prefix).split(".")[0]
            if reference.startswith(prefix) and name in self.source.definitions and name not in reached:
                reached.add(name)
                waiting += self.source.definitions[name].references
        return reached

    def references(self, mentions: Mentions) -> set[str]:
        """Return what names refer to, as seen from this module; names that nothing here binds refer to nothing."""
        known, found = dict(self.source.imports), {self.found_by(call) for call in mentions.finders}
        roots = {chain.split(".")[0] for chain in mentions.chains}
        for node in mentions.imports:
            inner = self.bindings(node)
            known |= inner
            # An import that nothing uses is there for what it does.
            found |= {reference for name, reference in inner.items() if name not in roots}
        for chain in mentions.chains:
            root, _, rest = chain.partition(".")
            if root in known:
                found.add(joined(known[root], rest))
            elif root in self.source.definitions:
                found.add(f"{self.module}:{chain}")
            else:
                found |= {MAYBE + joined(star, chain) for star in self.source.stars}
        return found

    def found_by(self, call: ast.Call) -> str:
        """Return what a call that finds code by name refers to."""
        argument = call.args[0] if call.args else None
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            name = argument.value
            return f"{self.package}{name}:" if name.startswith(".") else f"{name}:"
        if isinstance(argument, ast.JoinedStr) and argument.values and isinstance(argument.values[0], ast.Constant):
            prefix = str(argument.values[0].value)
            if "." in prefix.strip("."):
                return prefix.rpartition(".")[0] + EVERY
        return DYNAMIC

    def bindings(self, statement: ast.Import | ast.ImportFrom) -> dict[str, str]:
        """Return the names that an import binds, and what they refer to."""
        if isinstance(statement, ast.ImportFrom):
            origin = self.origin(statement)
            return {a.asname or a.name: joined(origin, a.name) for a in statement.names if a.name != "*"}
        bound = {
            a.asname or a.name.split(".")[0]: a.name if a.asname else a.name.split(".")[0] for a in statement.names
        }
        return {name: f"{module}:" for name, module in bound.items()}

    def origin(self, statement: ast.ImportFrom) -> str:
        """Return the module that a `from` import names, absolute."""
        if not statement.level:
            return f"{statement.module}:"
        packages = self.package.split(".")
        base = packages[: len(packages) - statement.level + 1]
        return ".".join([*base, *([statement.module] if statement.module else [])]) + ":"


def joined(reference: str, rest: str) -> str:
    """Return a reference with more attributes behind it."""
    if not rest:
        return reference
    return f"{reference}{rest}" if reference.endswith(":") else f"{reference}.{rest}"
