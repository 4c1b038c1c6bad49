"""Run the command line as ``python -m fahrstats.cli``."""

from fahrstats.cli.program import main

main()
