"""Datasets of our own: what Kedro has no dataset for."""
