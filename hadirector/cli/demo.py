"""Play failures and a handover on this machine, and judge what they cost."""

from __future__ import annotations

import argparse

DATAPLANES = ("userspace", "ipvs")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--dataplane",
        choices=DATAPLANES,
        default="userspace",
        help="userspace: on loopback, without privilege; ipvs: in network namespaces, as root",
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave everything running afterwards, until Ctrl-C"
    )


def run(arguments: argparse.Namespace) -> int:
    """Play it. Returns 1 if a promise was not kept, 2 if it cannot be played here."""
    from hadirector.demo import demo

    return demo.run(dataplane=arguments.dataplane, keep=arguments.keep)
