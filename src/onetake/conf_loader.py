"""The configuration loader of a run, where code that no run hands anything to can find it."""

from __future__ import annotations

from typing import Any, ClassVar

from kedro.config import OmegaConfigLoader


class RunLoader(OmegaConfigLoader):
    """Kedro's loader; the newest one is that of the session that began last.

    Pipelines are made from the matrix in conf, and Kedro makes them while it still builds its context, before any hook
    is told of the loader. Only so does `kedro run --env ray` get the matrix of that environment; a second loader would
    also take the place of the first one's `globals`.
    """

    latest: ClassVar[RunLoader | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        type(self).latest = self
