"""Logs and conf → environments and the suites that are played."""

from onetake.pipelines.environments.pipeline import create_pipeline

__all__ = ["create_pipeline"]
