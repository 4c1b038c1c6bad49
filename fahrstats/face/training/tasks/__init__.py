"""What a training can be for: pretraining, age, survival."""
