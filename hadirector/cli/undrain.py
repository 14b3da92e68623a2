"""Let a drained real server be used again."""

from __future__ import annotations

import argparse

from hadirector.cli import override


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    override.add_name(parser)


def run(arguments: argparse.Namespace) -> int:
    """OverrideRemoval the drain. Returns 1 when there is none, or no director."""
    return override.lift(arguments, "drain")
