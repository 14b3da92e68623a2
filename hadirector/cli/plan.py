"""Show what a reload would change in the running director, without changing anything."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import msgspec

from hadirector.api.client import ApiError, BadRequestError, request
from hadirector.api.endpoint import Endpoint
from hadirector.cli import api_socket
from hadirector.reload.preview import Preview

EXIT_ACCEPTED = 0
EXIT_REFUSED = 1
EXIT_FAULTY = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Show what a reload with a configuration file would change in the running director:"
        " objects that start, stop or change, and the operations on the IPVS table. The command"
        " changes nothing, and the file may have any path."
    )
    parser.add_argument(
        "-c", "--config", required=True, metavar="FILE", help="configuration file to plan for"
    )
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")
    api_socket.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the plan.

    Return 0 if a reload would accept the file, 1 if a reload would refuse it or no director
    answers, 2 if the file has faults or cannot be read.
    """
    file = Path(arguments.config).absolute()
    try:
        # The text is sent, because the director may have no permission to read the file.
        preview = request_plan(arguments.socket, file, file.read_bytes())
    except OSError as error:
        print(f"{file}: the file cannot be read: {error.strerror}", file=sys.stderr)
        return EXIT_FAULTY
    except BadRequestError as error:
        # A fault of the text has its place. A fault of the request has no place.
        print(error if str(file) in str(error) else f"{file}: {error}", file=sys.stderr)
        return EXIT_FAULTY
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return EXIT_REFUSED
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(preview)).decode())
    else:
        print("\n".join(render(preview)))
    for fault in preview.refused:
        print(f"a reload would be refused: {fault}", file=sys.stderr)
    return EXIT_REFUSED if preview.refused else EXIT_ACCEPTED


def request_plan(endpoint: Endpoint, file: Path, text: bytes) -> Preview:
    """Return the plan for a text. Its faults name the file. Raises ApiError."""
    route = f"/v1/config/plan?file={quote(str(file))}"
    return msgspec.json.decode(request(endpoint, "POST", route, text), type=Preview)


def render(preview: Preview) -> Iterator[str]:
    """Yield the lines of a plan."""
    if preview.empty:
        yield "nothing would change"
    for verb, names in (
        ("start", preview.started),
        ("stop", preview.stopped),
        ("change", preview.changed),
    ):
        yield from (f"{verb} {name}" for name in names)
    for heading, lines in (
        ("checks", preview.checks),
        ("table", preview.operations),
        ("kernel", preview.kernel),
    ):
        yield from _section(heading, lines)
    yield from _section(
        "real servers that are added when their check passes for the first time", preview.awaited
    )
    yield from _section("outgoing: weight 0, and removed 10 s later", preview.outgoing)
    yield from _section("clients, when every new real server passes", preview.moved_flows)
    if preview.left_out:
        yield f"and {preview.left_out} more lines"


def _section(heading: str, lines: tuple[str, ...]) -> Iterator[str]:
    if lines:
        yield f"{heading}:"
        yield from (f"  {line}" for line in lines)
