"""Run a pair of directors on this machine, cause failures, and show their effect."""

from __future__ import annotations

import argparse

DATAPLANES = ("userspace", "ipvs")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "--dataplane",
        choices=DATAPLANES,
        default="userspace",
        help="userspace (default): on loopback, without privileges; ipvs: in network namespaces,"
        " as root",
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave the processes running afterwards, until Ctrl-C"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the demo. Returns 1 if a promise was not kept, 2 if the demo cannot run here."""
    from hadirector.demo import runner

    return runner.run(dataplane=arguments.dataplane, keep=arguments.keep)
