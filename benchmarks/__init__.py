"""Speed and memory next to other packages; `python -m benchmarks` prints the table.

Importing it gives every library one thread, which works only before numpy is loaded.
"""

import os

LIBRARIES = ("OMP", "OPENBLAS", "MKL", "RAYON", "NUMBA", "NUMEXPR", "POLARS")
os.environ.update({f"{library}_NUM_THREADS": "1" for library in LIBRARIES})
