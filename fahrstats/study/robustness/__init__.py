"""Studies of kind ``robustness``: what moves a score that should stay."""
