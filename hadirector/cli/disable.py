"""Take a real server out at once, with its connections."""

from __future__ import annotations

import argparse

from hadirector.cli import override


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    override.add_order(parser)


def run(arguments: argparse.Namespace) -> int:
    """Order it. Returns 1 when the director refuses or cannot be reached."""
    return override.order(arguments, "disable")
