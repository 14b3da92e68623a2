"""Watch a running keepalived: the same checks, elections and table, without any change."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Final

from hadirector.cli import reading

DIRECTORY: Final = "/run/hadirector-observe"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Run beside another program that is in charge of this host, usually keepalived, with its"
        " configuration file. The command probes the real servers, receives the advertisements of"
        " VRRP, and reads the addresses and the IPVS table. It changes nothing in the kernel, and"
        " sends nothing but probes. It runs neither tracked scripts nor notify scripts. While it"
        " runs, status, why, events and plan show what it has found."
    )
    parser.add_argument("config", metavar="FILE", help="configuration file of the other program")
    parser.add_argument(
        "--directory",
        type=Path,
        default=Path(DIRECTORY),
        metavar="PATH",
        help=f"directory for the socket of the commands (default: {DIRECTORY})",
    )
    reading.add_host_argument(parser, "director.name, or else the name of this host")
    reading.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Observe until SIGTERM or SIGINT. Return 2 if the command cannot start."""
    from hadirector.cli.run import run_director
    from hadirector.director.observing import observed_configuration

    directory = arguments.directory.absolute()
    print(f"see: hadirector status --socket {directory}/api.sock", file=sys.stderr)
    prepare = partial(observed_configuration, directory=directory)
    return run_director(Path(arguments.config), reading.reading_options(arguments), prepare)
