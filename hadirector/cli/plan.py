"""Show what a reload of a file would change in the running director, and change nothing."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import msgspec

from hadirector.api.client import ApiError, BadRequestError, request
from hadirector.cli import api_socket
from hadirector.reload.preview import Preview

EXIT_TAKEN = 0
EXIT_REFUSED = 1
EXIT_FAULTY = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("-c", "--config", required=True, metavar="FILE", help="the file to plan")
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")
    api_socket.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the plan.

    Returns 0 when a reload would take the file, whether or not that changes anything, 1 when it
    would refuse it or no director answers, 2 when the file is faulty or cannot be read.
    """
    file = Path(arguments.config).absolute()
    try:
        # The director that is asked may not be allowed to read what we are.
        answer = request(
            arguments.socket, "POST", f"/v1/plan?file={quote(str(file))}", file.read_bytes()
        )
    except OSError as error:
        print(f"{file}: cannot be read: {error.strerror}", file=sys.stderr)
        return EXIT_FAULTY
    except BadRequestError as error:
        print(error, file=sys.stderr)
        return EXIT_FAULTY
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return EXIT_REFUSED
    preview = msgspec.json.decode(answer, type=Preview)
    if arguments.json:
        print(msgspec.json.format(answer).decode())
    else:
        print("\n".join(_lines(preview)))
    for each in preview.refused:
        print(f"a reload would be refused: {each}", file=sys.stderr)
    return EXIT_REFUSED if preview.refused else EXIT_TAKEN


def _lines(preview: Preview) -> Iterator[str]:
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
    yield from _section("joining when their check has passed", preview.awaited)
    if preview.left_out:
        yield f"and {preview.left_out} lines more"


def _section(heading: str, lines: tuple[str, ...]) -> Iterator[str]:
    if lines:
        yield f"{heading}:"
        yield from (f"  {line}" for line in lines)
