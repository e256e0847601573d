"""What a piece of Python's syntax tree binds, mentions and changes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

# Calls that find code by a name known only at run time.
FINDERS = {"import_module", "load_obj", "entry_points", "spec_from_file_location"}
BUILT_IN_FINDERS = {"__import__", "eval", "exec"}
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
IMPORTS = (ast.Import, ast.ImportFrom)
COMPREHENSIONS = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass
class Mentions:
    """Everything that a statement mentions, in its nested functions too.

    Attributes:
        chains: names with the attributes that follow them: `np.linalg.norm(x)` gives `np.linalg.norm` and `x`.
        imports: import statements inside.
        finders: calls of functions that find code by name.
    """

    chains: set[str] = field(default_factory=set)
    imports: list[ast.Import | ast.ImportFrom] = field(default_factory=list)
    finders: list[ast.Call] = field(default_factory=list)


def mentioned(tree: ast.AST) -> Mentions:
    """Walk a tree once and return what it mentions."""
    found, waiting = Mentions(), [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, IMPORTS):
            found.imports.append(node)
            continue
        if isinstance(node, ast.Call) and finds_by_name(node.func):
            found.finders.append(node)
        inner, attributes = node, list[str]()
        while isinstance(inner, ast.Attribute):
            attributes.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            found.chains.add(".".join([inner.id, *reversed(attributes)]))
        elif attributes:
            waiting.append(inner)
        else:
            waiting += ast.iter_child_nodes(node)
            waiting += quoted_annotations(node)
    return found


def finds_by_name(called: ast.expr) -> bool:
    """Return whether what is called finds code by name; a method named `eval` of something else does not."""
    if isinstance(called, ast.Attribute):
        return called.attr in FINDERS
    return isinstance(called, ast.Name) and called.id in FINDERS | BUILT_IN_FINDERS


def quoted_annotations(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the annotations of a node that are written as text, parsed."""
    for name in ("annotation", "returns"):
        value = getattr(node, name, None)
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            try:
                yield ast.parse(value.value, mode="eval").body
            except SyntaxError:
                continue


def top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that an import of the module runs or that its annotations need.

    Imports inside `if` and `try` come by themselves. Bare constants are left out, and so is `if __name__ == ...`.
    """
    for statement in body:
        if isinstance(statement, ast.If | ast.Try):
            test = mentioned(statement.test).chains if isinstance(statement, ast.If) else set()
            if "__name__" in test:
                continue
            yield from mentioned(statement).imports
            if any(chain.endswith("TYPE_CHECKING") for chain in test):
                continue
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
            yield statement


def bound_names(node: ast.AST) -> list[str]:
    """Return the names that a top-level statement binds, also inside `if`, `try`, `with` and loops; imports apart."""
    if isinstance(node, SCOPES):
        return [node.name]
    if isinstance(node, (*IMPORTS, *COMPREHENSIONS)):
        return []
    if isinstance(node, ast.Name):
        return [node.id] if isinstance(node.ctx, ast.Store) else []
    return [name for child in ast.iter_child_nodes(node) for name in bound_names(child)]


def changed_names(statement: ast.AST) -> set[str]:
    """Return the names whose attributes or items a statement stores or deletes, or on which it calls a method."""
    roots = set()
    for node in ast.walk(statement):
        target: ast.AST = node
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            target = node.func
        elif not isinstance(getattr(node, "ctx", None), ast.Store | ast.Del):
            continue
        while isinstance(target, ast.Attribute | ast.Subscript):
            target = target.value
        if isinstance(target, ast.Name) and target is not node:
            roots.add(target.id)
    return roots


def drop_docstrings(tree: ast.Module) -> None:
    """Take the docstrings out of a module, its classes and its functions."""
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Module, *SCOPES)) or not node.body:
            continue
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            node.body = node.body[1:] or [ast.Pass()]
