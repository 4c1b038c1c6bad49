"""A study file and a cohort in, every result table of the study out."""
