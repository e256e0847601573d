"""Agents that are fitted to a log: ``fit(log)``, then everything that an agent does."""
