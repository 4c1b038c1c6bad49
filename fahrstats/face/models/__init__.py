"""What turns a found face into numbers: checkpoints and benchmark models."""
