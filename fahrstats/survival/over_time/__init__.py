"""Survival over time by group: curves, tests, differences, restricted means."""
