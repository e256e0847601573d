"""Crews of sellers are trained against each other in markets."""

from onetake.pipelines.multi_agent_training.pipeline import create_pipeline

__all__ = ["create_pipeline"]
