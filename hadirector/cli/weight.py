"""Give a real server another weight than the configured one."""

from __future__ import annotations

import argparse

from hadirector.cli import override

WEIGHT_MAX = 65535


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    override.add_order(parser)
    parser.add_argument(
        "weight", type=_weight, metavar="N", help="0 to 65535, or: configured, to undo it"
    )


def run(arguments: argparse.Namespace) -> int:
    """Order or undo it. Returns 1 when the director refuses or cannot be reached."""
    if arguments.weight is None:
        return override.lift(arguments, "weight")
    return override.order(arguments, "weight", weight=arguments.weight)


def _weight(text: str) -> int | None:
    if text == "configured":
        return None
    if not text.isascii() or not text.isdecimal() or int(text) > WEIGHT_MAX:
        raise argparse.ArgumentTypeError(f"expected 0 to {WEIGHT_MAX} or: configured")
    return int(text)
