"""Cox models: the fit, and what is asked of it afterwards."""
