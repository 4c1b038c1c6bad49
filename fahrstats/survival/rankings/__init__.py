"""Concordance: how well scores rank survival, alone, together and by level."""
