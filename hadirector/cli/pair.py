"""The link between the directors of a pair."""

from __future__ import annotations

import argparse

from hadirector.cli import pair_diff, pair_init


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    init = actions.add_parser("init", help="make the key and the certificate of this director")
    pair_init.add_arguments(init)
    init.set_defaults(run_action=pair_init.run)
    diff = actions.add_parser("diff", help="show the sections of the configuration that differ")
    pair_diff.add_arguments(diff)
    diff.set_defaults(run_action=pair_diff.run)


def run(arguments: argparse.Namespace) -> int:
    """Run the action, and return its exit code."""
    code: int = arguments.run_action(arguments)
    return code
