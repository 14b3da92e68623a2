"""Convert the configuration of another program into the native form."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from hadirector.cli import reading
from hadirector.config.document.errors import ConfigError, UnreadableFileError

if TYPE_CHECKING:
    from hadirector.config.loader import Loaded

EXIT_CONVERTED = 0
EXIT_FAULTY = 1
EXIT_UNREADABLE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Print a keepalived.conf in the native form, as YAML with comments. The other commands read"
        " a keepalived.conf as well: `run` with the printed file and with the original file does"
        " the same. Notes name differences in effect."
    )
    parser.add_argument("file", metavar="FILE", help="configuration file to convert")
    parser.add_argument("--json", action="store_true", help="print the notes and faults as JSON")
    reading.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the file in the native form, and the notes on standard error.

    Return 0 if the file could be converted, 1 if it has faults, 2 if it cannot be read.
    """
    from hadirector.config.loader import check_document, load_reading

    try:
        found = load_reading(arguments.file, reading.reading_options(arguments))
        check_document(found.document, arguments.file)
    except UnreadableFileError as error:
        print(error, file=sys.stderr)
        return EXIT_UNREADABLE
    except ConfigError as error:
        print(error, file=sys.stderr)
        return EXIT_FAULTY
    print("\n".join(_lines(found, arguments.file)))
    return EXIT_CONVERTED


def _lines(found: Loaded, file: str) -> list[str]:
    from hadirector.config.document.yaml_text import write_yaml

    places: dict[str, list[str]] = {}
    for note in found.notes:
        places.setdefault(str(note.place), []).append(note.message)
    said: set[str] = set()

    def comments(path: tuple[Any, ...]) -> list[str]:
        keys = (found.document.key_place(path), found.document.place(path))
        fresh = [place for place in dict.fromkeys(keys) if place in places and place not in said]
        said.update(fresh)
        return [message for place in fresh for message in places[place]]

    value = found.document.value
    assert isinstance(value, dict), "a file that has no fault is a mapping"
    lines = list(write_yaml(value, comments))
    rest = [
        f"# {note.place}: {note.message}" for note in found.notes if str(note.place) not in said
    ]
    return [f"# Converted from {file}", *rest, *lines]
