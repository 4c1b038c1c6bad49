"""Whether a score works alike in every subgroup."""
