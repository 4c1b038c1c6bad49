"""Scores and predicted risks, judged at a horizon."""
