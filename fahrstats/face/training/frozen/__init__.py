"""FaceSurvival on frozen embeddings: heads, cross-fitting, and runs of a file."""
