"""Run several directors on this machine, cause failures, and show their effect."""

from __future__ import annotations

import argparse

DATAPLANES = ("userspace", "ipvs")
PAIR, DIRECTORS_MIN, DIRECTORS_MAX = 2, 4, 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "--dataplane",
        choices=DATAPLANES,
        help="userspace: on loopback, without privileges; ipvs: in network namespaces, as root"
        " (default: userspace; with several directors ipvs, if this machine can run it with BIRD)",
    )
    parser.add_argument(
        "--directors",
        type=_directors,
        default=PAIR,
        metavar="NUMBER",
        help="2: a pair (default); 4 to 8: directors with one address, which a router divides"
        " between them",
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave the processes running afterwards, until Ctrl-C"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the demo. Returns 1 if a promise was not kept, 2 if the demo cannot run here."""
    from hadirector.demo import runner

    return runner.run(
        dataplane=arguments.dataplane, keep=arguments.keep, directors=arguments.directors
    )


def _directors(text: str) -> int:
    if text.isdecimal() and int(text) in (PAIR, *range(DIRECTORS_MIN, DIRECTORS_MAX + 1)):
        return int(text)
    raise argparse.ArgumentTypeError(
        f"{text!r} (expected 2 for a pair, or {DIRECTORS_MIN} to {DIRECTORS_MAX})"
    )
