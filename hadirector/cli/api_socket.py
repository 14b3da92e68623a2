"""The arguments that name the director of a command: a Unix socket, or a URL."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from typing import Final

DEFAULT: Final = "/run/hadirector/api.sock"
VARIABLES: Final = {
    "api": "HADIRECTOR_API",
    "token_file": "HADIRECTOR_TOKEN_FILE",
    "ca_file": "HADIRECTOR_CA_FILE",
}
"""The environment variables with the values of arguments that are not given."""


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Declare ``--socket``, ``--api``, ``--token-file`` and ``--ca-file``."""
    director = parser.add_argument_group("the director")
    place = director.add_mutually_exclusive_group()
    place.add_argument(
        "--socket",
        metavar="PATH",
        help=f"Unix socket of the director, api.unix in its configuration (default: {DEFAULT})",
    )
    place.add_argument(
        "--api",
        metavar="URL",
        help="URL of a remote director, https:// and its api.listen (default: $HADIRECTOR_API)",
    )
    director.add_argument(
        "--token-file",
        metavar="PATH",
        help="file with the token for --api (default: $HADIRECTOR_TOKEN_FILE)",
    )
    director.add_argument(
        "--ca-file",
        metavar="PATH",
        help="file with the certificate authorities for --api (default: $HADIRECTOR_CA_FILE, or"
        " those of this host)",
    )


def choose_endpoint(
    arguments: argparse.Namespace, environment: Mapping[str, str] = os.environ
) -> str | None:
    """Set ``arguments.socket`` to the endpoint of the director; return a fault of the usage.

    ``--socket`` precedes the environment.
    """
    if not hasattr(arguments, "token_file"):
        return None
    given = {
        name: getattr(arguments, name) or environment.get(variable) or None
        for name, variable in VARIABLES.items()
    }
    if arguments.socket is not None or given["api"] is None:
        if arguments.token_file or arguments.ca_file:
            return "--token-file and --ca-file have no effect without --api"
        arguments.socket = arguments.socket or DEFAULT
        return None
    from hadirector.api.endpoint import EndpointError, Remote, check_remote

    arguments.socket = Remote(given["api"], given["token_file"], given["ca_file"])
    try:
        check_remote(arguments.socket)
    except EndpointError as error:
        return f"--api {error}"
    return None
