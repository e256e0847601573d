"""Findings → charts, manifest and the report."""

from __future__ import annotations

from onetake.pipelines.reporting.pipeline import create_pipeline

__all__ = ["create_pipeline"]
