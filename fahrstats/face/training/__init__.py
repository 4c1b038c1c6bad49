"""Training: from labelled photographs to checkpoints."""
