"""The `autotts` command line. Each command imports what it needs when it runs."""

import sys

import click

from autotts_core import __version__
from autotts_core.errors import AutoTTSError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="autotts")
def cli() -> None:
    """Find better test-time-scaling strategies by replaying reasoning traces."""


def main() -> None:
    """Entry point: errors that a user can mend are printed without a traceback."""
    try:
        cli(standalone_mode=True)
    except AutoTTSError as error:
        click.secho(f"Error: {error}", err=True, fg="red")
        sys.exit(2)
