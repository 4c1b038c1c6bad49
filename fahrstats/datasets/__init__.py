"""Public data: where it comes from, where it lies, and how it is fetched."""
