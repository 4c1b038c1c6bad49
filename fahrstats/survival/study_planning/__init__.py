"""How many people a study needs, and whether printed numbers agree."""
