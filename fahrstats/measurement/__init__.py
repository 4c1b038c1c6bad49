"""Whether a score is a good measurement: of age, and over time."""
