"""Logs → environments: fit, hold out, replay, and refuse where it must be refused."""
