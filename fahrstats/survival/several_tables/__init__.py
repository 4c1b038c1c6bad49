"""Estimates of several tables as one: completed tables and cohorts."""
