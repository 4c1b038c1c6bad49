"""Results for publication: what is printed of people, and what is not."""
