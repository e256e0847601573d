"""The Kedro pipelines: one folder each, found by the registry."""
