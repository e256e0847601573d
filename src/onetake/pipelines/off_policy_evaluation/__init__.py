"""Logged decisions → what other policies would have earned."""

from onetake.pipelines.off_policy_evaluation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
