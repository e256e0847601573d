"""Which code counts for which function."""

from __future__ import annotations

import importlib.machinery
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from onetake.caching.closure import Closure
from onetake.caching.options import CacheOptions

pytestmark = pytest.mark.cached_nodes


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty package `store` that can be found."""
    folder = tmp_path / "store"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for name in [m for m in sys.modules if m.split(".")[0] == "store"]:
        del sys.modules[name]


def write(package: Path, **modules: str) -> None:
    for name, text in modules.items():
        path = package.joinpath(*name.split("__")).with_suffix(".py") if name != "init" else package / "__init__.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text))


def code(package: Path, reference: str, **options: object) -> set[str]:
    closure = Closure(CacheOptions(first_party=("store",), **options), package.parent / "memo.json")  # type: ignore[arg-type]  # keywords of a test
    return {part.removeprefix("code store").removeprefix(".") for part in closure.parts([reference])}


def test_helpers_of_helpers_count_and_neighbours_do_not(package: Path) -> None:
    write(
        package,
        a="""
        from store.b import helper
        def f(): return helper()
        def other(): return 0
        """,
        b="""
        import store.c as c
        def helper(): return c.deep.value(1)
        def unrelated(): return 1
        """,
        c="from store import d as deep\ndef unused(): pass",
        d="def value(x): return x",
    )
    assert code(package, "store.a:f") == {"a.f", "b.helper", "d.value"}


def test_names_are_followed_through_packages_relative_imports_and_stars(package: Path) -> None:
    write(
        package,
        init="from .inner.front import shown\nfrom .starred import *",
        inner__front="from ..inner.deep import thing as shown",
        inner__deep="def thing(): return LIMIT\nLIMIT = 3",
        starred="def bright(): pass\ndef dark(): pass",
        a="""
        import store
        from store import shown
        def f(): return shown()
        def g(): return store.shown()
        def h(): return store.bright()
        """,
        b="from store.starred import *\ndef f(): return bright() + len([1])",
    )
    assert code(package, "store.a:f") == {"a.f", "inner.deep.thing", "inner.deep.LIMIT"}
    assert code(package, "store.a:g") == {"a.g", "inner.deep.thing", "inner.deep.LIMIT"}
    assert code(package, "store.a:h") == {"a.h", "starred.bright"}
    assert code(package, "store.b:f") == {"b.f", "starred.bright"}


def test_decorators_defaults_annotations_and_bases_count(package: Path) -> None:
    write(
        package,
        parts="""
        from dataclasses import dataclass
        def wrap(f): return f
        FEW = 3
        class Base: pass
        class Kind(Base):
            def go(self): return far()
        class Quoted: pass
        class Return: pass
        def far(): pass
        """,
        a="""
        from __future__ import annotations
        from typing import TYPE_CHECKING
        from store.parts import wrap, FEW, Kind
        if TYPE_CHECKING:
            from store.parts import Quoted, Return
        @wrap
        def f(x=FEW, *, y: "Quoted" = None) -> Return: return 1
        def g(k: Kind): return k.go()
        """,
    )
    assert code(package, "store.a:f") == {"a.f", "parts.wrap", "parts.FEW", "parts.Quoted", "parts.Return"}
    assert code(package, "store.a:g") == {"a.g", "parts.Kind", "parts.Base", "parts.far"}


def test_an_import_inside_a_function_counts_used_or_not(package: Path) -> None:
    write(
        package,
        a="""
        def f():
            from store.b import used
            return used()
        def g():
            import store.c
            return 1
        """,
        b="def used(): pass\ndef unused(): pass",
        c="REGISTERED = []",
    )
    assert code(package, "store.a:f") == {"a.f", "b.used"}
    # Nothing of it is named, so it is there for what its import does.
    assert "a.g" in code(package, "store.a:g")


def test_what_changes_a_module_variable_counts_for_it(package: Path) -> None:
    write(
        package,
        a="""
        TABLE = {}
        OTHER = {}
        def register(key, value): TABLE[key] = value
        def named(key):
            def inner(f):
                register(key, f)
                return f
            return inner
        register("a", 1)
        OTHER["b"] = 2
        @named("c")
        def third(): return 3
        def f(): return TABLE
        def g(): return OTHER
        """,
    )
    closure = Closure(CacheOptions(first_party=("store",)), package.parent / "memo.json")
    before = closure.parts(["store.a:f"])
    for old, new in (("return 3", "return 4"), ('register("a", 1)', 'register("a", 5)'), ('"c"', '"d"')):
        path = package / "a.py"
        text = path.read_text()
        path.write_text(text.replace(old, new))
        assert Closure(CacheOptions(first_party=("store",)), package.parent / "m").parts(["store.a:f"]) != before, old
        path.write_text(text.replace("= 2", "= 3"))
        assert Closure(CacheOptions(first_party=("store",)), package.parent / "m").parts(["store.a:f"]) == before
        path.write_text(text)


def test_both_branches_of_a_definition_count(package: Path) -> None:
    write(
        package,
        a="""
        import sys
        if sys.platform == "win32":
            def f(): return 1
        else:
            def f(): return helper()
        def helper(): return 2
        try:
            from store.b import quick
        except ImportError:
            quick = None
        def g(): return quick
        """,
        b="def quick(): pass",
    )
    assert code(package, "store.a:f") == {"a.f", "a.helper"}
    assert {"a.g"} < code(package, "store.a:g")


def test_code_found_by_name_makes_everything_count_unless_the_project_says_where_it_looks(package: Path) -> None:
    write(
        package,
        a="""
        import importlib
        def find(name): return importlib.import_module(name)
        def find_near(name): return importlib.import_module(f"store.near.{name}")
        def find_one(): return importlib.import_module("store.far")
        def f(): return find("x")
        """,
        near__one="def one(): pass",
        far="def far(): pass",
    )
    everything = {"", "a", "near.one", "far"}
    assert code(package, "store.a:f") == {"a.f", "a.find"} | everything
    assert code(package, "store.a:find_near") == {"a.find_near", "near.one"}
    assert code(package, "store.a:find_one") == {"a.find_one", "far"}
    assert code(package, "store.a:f", by_name={"store.a:find": ("store.near",)}) == {
        "a.f",
        "a.find",
        "near.one",
    }
    assert code(package, "store.a:f", by_name={"store.a:find": ()}) == {"a.f", "a.find"}


def test_a_name_that_only_running_the_module_would_show_makes_the_module_count(package: Path) -> None:
    write(
        package,
        a="""
        from store.b import made
        import store.c as c
        def f(): return made
        def g(): return hold(c)
        def hold(x): pass
        """,
        b="for name in ['made']:\n    globals()[name] = 1\ndef other(): pass",
        c="def anything(): pass",
    )
    assert code(package, "store.a:f") >= {"a.f", "b"}
    assert code(package, "store.a:g") >= {"a.g", "a.hold", "c"}


def test_an_extension_counts_by_its_token_and_only_where_it_is_reached(package: Path) -> None:
    write(package, a="from store import _native\ndef f(): return _native.go()\ndef g(): return 1")
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    (package / f"_native{suffix}").write_bytes(b"machine code")
    asked: list[str] = []

    def token() -> str:
        asked.append("asked")
        return "abc"

    options = CacheOptions(first_party=("store",), tokens={"store._native": token})
    closure = Closure(options, package.parent / "memo.json")
    assert "code store._native" not in closure.parts(["store.a:g"])
    assert asked == []
    assert closure.parts(["store.a:f"])["code store._native"] == "abc"
    without = Closure(CacheOptions(first_party=("store",)), package.parent / "memo.json")
    before = without.parts(["store.a:f"])["code store._native"]
    (package / f"_native{suffix}").write_bytes(b"other code..")
    after = Closure(CacheOptions(first_party=("store",)), package.parent / "memo.json").parts(["store.a:f"])
    assert after["code store._native"] != before


def test_versions_of_packages_count_for_those_that_reach_them(package: Path) -> None:
    write(package, a="import numpy as np\ndef f(): return np.sum([1])\ndef g(): return 1")
    import numpy

    closure = Closure(CacheOptions(first_party=("store",), versions=("numpy",)), package.parent / "memo.json")
    assert closure.parts(["store.a:f"])["version numpy"] == numpy.__version__
    assert "version numpy" not in closure.parts(["store.a:g"])


def test_nothing_is_imported_to_know_what_it_defines(package: Path) -> None:
    write(package, a="from store.b import f", b="raise RuntimeError('imported')\ndef f(): pass")
    assert code(package, "store.a:f") == {"b.f"}
    assert not any(name.startswith("store") for name in sys.modules)


def test_the_memo_gives_the_same_closure_and_notices_a_change(package: Path) -> None:
    write(package, a="def f(): return 1")
    memo = package.parent / "memo.json"
    first = Closure(CacheOptions(first_party=("store",)), memo)
    parts = first.parts(["store.a:f"])
    first.save()
    assert Closure(CacheOptions(first_party=("store",)), memo).parts(["store.a:f"]) == parts
    write(package, a="def f(): return 2")
    assert Closure(CacheOptions(first_party=("store",)), memo).parts(["store.a:f"]) != parts


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user's own folder outside the first-party package, with packages `mypkg` and `myspace` that can be found."""
    for name, text in {
        "mypkg/__init__.py": "",
        "mypkg/agent.py": "import json\nfrom .util import rate\nclass Last:\n    go = lambda _: json.loads(rate())",
        "mypkg/util.py": "def rate(): return '1'\ndef unrelated(): pass",
        "myspace/agent.py": "import myspace.tools\nclass First:\n    def go(self): return myspace.tools.rate()",
        "myspace/tools.py": "def rate(): return 1",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [m for m in sys.modules if m.split(".")[0] in {"mypkg", "myspace", "neighbour"}]:
        del sys.modules[name]


def own_parts(root: Path, reference: str, *files: Path) -> dict[str, str]:
    closure = Closure(CacheOptions(first_party=("store",)), root / "memo.json")
    for path in files:
        closure.add_file(str(path), path)
    return closure.parts([reference])


def test_code_of_a_users_own_is_followed_outside_the_project_and_installed_code_is_not(beside: Path) -> None:
    assert set(own_parts(beside, "mypkg.agent:Last")) == {"code mypkg.agent.Last", "code mypkg.util.rate"}
    before = own_parts(beside, "myspace.agent:First")
    assert "code myspace.tools.rate" in before
    (beside / "myspace/tools.py").write_text("def rate(): return 22")
    assert own_parts(beside, "myspace.agent:First") != before


def test_a_file_named_by_its_path_brings_in_its_neighbours(beside: Path) -> None:
    folder = beside / "off_the_path"
    folder.mkdir()
    (folder / "mine.py").write_text("import neighbour\nclass Last:\n    def go(self): return neighbour.rate()")
    (folder / "neighbour.py").write_text("def rate(): return 1")
    path = folder / "mine.py"
    assert set(own_parts(beside, f"{path}:Last", path)) == {f"code {path}.Last", "code neighbour.rate"}


def test_a_text_that_only_looks_like_a_module_brings_nothing_in(beside: Path) -> None:
    assert own_parts(beside, "myspace:csv") == {}
    assert own_parts(beside, "numpy:sum") == {}
