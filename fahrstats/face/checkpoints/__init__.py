"""Trained parameters on disk, with the card that says how they are used."""
