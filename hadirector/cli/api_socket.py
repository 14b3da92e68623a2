"""The ``--socket`` argument of the commands that connect to a running director."""

from __future__ import annotations

import argparse

DEFAULT = "/run/hadirector/api.sock"


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Declare ``--socket``."""
    parser.add_argument(
        "--socket",
        default=DEFAULT,
        metavar="PATH",
        help=f"Unix socket of the director, api.unix in its configuration (default: {DEFAULT})",
    )
