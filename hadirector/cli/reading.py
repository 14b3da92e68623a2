"""The arguments of all commands that read a configuration file."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hadirector.config.reading import ReadingOptions


def add_host_argument(parser: argparse.ArgumentParser, default: str) -> None:
    """Declare the option for a file with host names. ``default`` is shown in the help."""
    parser.add_argument(
        "--host", metavar="NAME", help=f"the host in `hosts` of the file (default: {default})"
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options for reading a keepalived.conf."""
    group = parser.add_argument_group("options for a keepalived.conf")
    group.add_argument(
        "--config-id",
        metavar="ID",
        help="the id of the conditions @ID and @^ID (default: the host name up to the first dot)",
    )
    group.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="KEYWORD",
        help="accept refused parts of the file: the name of a keyword leaves the keyword out,"
        " static keeps static addresses and routes, shell runs"
        " commands by /bin/sh; separate several by commas",
    )
    group.add_argument("--strict", action="store_true", help="treat every note as a fault")
    group.add_argument(
        "--own-defaults",
        action="store_true",
        help="use the defaults of hadirector, not of keepalived, where the file has no value",
    )


def reading_options(arguments: argparse.Namespace) -> ReadingOptions:
    """Return the values of these options."""
    from hadirector.config.reading import ReadingOptions, accepted_keywords

    return ReadingOptions(
        config_id=arguments.config_id,
        accepted=accepted_keywords(arguments.accept),
        strict=arguments.strict,
        own_defaults=arguments.own_defaults,
        host=getattr(arguments, "host", None),
    )
