"""Simulated changes of a photographed face, each with a dose that has a unit."""
