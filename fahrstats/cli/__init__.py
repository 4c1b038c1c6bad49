"""The command line: read arguments, call the package, print what came of it."""

from fahrstats.cli.program import main as main
