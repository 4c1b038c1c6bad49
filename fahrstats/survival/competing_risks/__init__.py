"""Competing risks: incidence by cause, its tests, and hazards by cause."""
