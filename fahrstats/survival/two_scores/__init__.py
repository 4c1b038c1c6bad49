"""Two scores together: their correlation, and joint groups of risk."""
