"""The faces of a training: their crops, their labels, and who is in a batch."""
