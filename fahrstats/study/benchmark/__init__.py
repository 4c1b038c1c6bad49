"""Studies of kind ``age-benchmark``: predicted ages of several models and data sets."""
