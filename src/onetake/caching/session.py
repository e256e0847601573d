"""A Kedro session in which plain `kedro run` is cached."""

from __future__ import annotations

from typing import Any, ClassVar

from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.runner import AbstractRunner, ParallelRunner, SequentialRunner, ThreadRunner

from onetake.caching.options import CacheOptions
from onetake.caching.plan import Plan
from onetake.caching.runner import CachedParallelRunner, CachedSequentialRunner, CachedThreadRunner, CachingMixin

CACHED: dict[type[AbstractRunner], type[CachingMixin]] = {
    SequentialRunner: CachedSequentialRunner,
    ThreadRunner: CachedThreadRunner,
    ParallelRunner: CachedParallelRunner,
}


def cached_runner_name(name: str | None) -> str:
    """Return the class path of the cached runner for what `kedro run --runner` was given.

    The command line builds the runner before it builds the session, with `--runner-params` that a stock runner refuses.

    >>> cached_runner_name("ThreadRunner"), cached_runner_name("shop.MyRunner")
    ('onetake.caching.runner.CachedThreadRunner', 'shop.MyRunner')
    """
    plain = (name or "SequentialRunner").removeprefix("kedro.runner.")
    for stock, cached in CACHED.items():
        if plain == stock.__name__:
            return f"{cached.__module__}.{cached.__qualname__}"
    return plain


class CachingSession(KedroSession):
    """Swaps Kedro's own runners for cached ones and tells a cached runner where the project lies.

    Subclass it in `settings.py`, set `cache_options`, and name the subclass as `SESSION_CLASS`.
    """

    cache_options: ClassVar[CacheOptions] = CacheOptions()

    def run(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Run a pipeline; see `KedroSession.run`."""
        runner = kwargs.get("runner") or SequentialRunner()
        if type(runner) in CACHED:
            # Its settings are private to Kedro, and its processes belong to it: the runner stays and learns to skip.
            runner.__class__ = CACHED[type(runner)]
        if isinstance(runner, CachingMixin):
            runner.options = runner.options or self.cache_options
            runner.root = runner.root or self._project_path
        return super().run(*args, **{**kwargs, "runner": runner})

    def plan(self, pipeline_name: str = "__default__") -> Plan:
        """Return what a run of a pipeline would do now, and do nothing."""
        # The context is built first: hooks may add to it what pipelines are made of.
        context = self.load_context()
        runner = CachedSequentialRunner(options=self.cache_options, root=self._project_path)
        return runner.planner().plan(pipelines[pipeline_name], context.catalog)
