"""What a score says about the outcome."""
