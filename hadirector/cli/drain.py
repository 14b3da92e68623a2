"""Give a real server no new connections, until they are gone or a deadline comes."""

from __future__ import annotations

import argparse

from hadirector.cli import override


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    override.add_order(parser)
    parser.add_argument(
        "--deadline",
        type=override.seconds,
        metavar="DURATION",
        help="take it out after this time although connections are left (default: never)",
    )
    parser.add_argument(
        "--keep-clients",
        action=argparse.BooleanOptionalAction,
        help="whether clients of persistence stay (default: as the kernel is set)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Order it. Returns 1 when the director refuses or cannot be reached."""
    return override.order(
        arguments,
        "drain",
        deadline_in=arguments.deadline,
        keep_clients=arguments.keep_clients,
    )
