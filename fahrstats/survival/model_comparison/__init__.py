"""Several models on identical rows: what one adds to another."""
