"""Bandits: one file an agent, each a fleet with one learner an entity or one for all of a replicate."""
