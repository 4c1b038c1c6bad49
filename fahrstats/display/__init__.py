"""Result tables to figures and publication tables."""
