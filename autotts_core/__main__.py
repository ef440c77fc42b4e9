"""Runs the command line as `python -m autotts_core`."""

from autotts_core.cli import main

main()
