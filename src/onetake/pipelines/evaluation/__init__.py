"""One-shot evaluation of every agent on every suite."""

from __future__ import annotations

from onetake.pipelines.evaluation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
