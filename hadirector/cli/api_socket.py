"""Where the commands that talk to a running director find it."""

from __future__ import annotations

import argparse

DEFAULT = "/run/hadirector/api.sock"


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Declare ``--socket``."""
    parser.add_argument(
        "--socket",
        default=DEFAULT,
        metavar="PATH",
        help=f"the director's api.unix socket (default: {DEFAULT})",
    )
