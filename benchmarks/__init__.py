"""Speed and memory next to other packages; `python -m benchmarks` prints the table."""
