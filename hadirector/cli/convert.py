"""Convert the configuration of another program into the native form."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from hadirector.cli import reading
from hadirector.cli.findings import format_findings
from hadirector.config.document.errors import ConfigError, UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hadirector.config.document.finding import Path
    from hadirector.config.loader import Loaded

EXIT_CONVERTED = 0
EXIT_FAULTY = 1
EXIT_UNREADABLE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Print a keepalived.conf, a ldirectord.cf or the output of `ipvsadm -Sn` in the native"
        " form, as YAML with comments. The other commands read a keepalived.conf as well: `run`"
        " with the printed file and with the original file does the same. Notes name differences in"
        " effect."
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("file", metavar="FILE", nargs="?", help="configuration file to convert")
    source.add_argument(
        "--from-kernel",
        action="store_true",
        help="convert the table, the timeouts and the sync daemon of IPVS in this kernel",
    )
    parser.add_argument(
        "--from",
        dest="format",
        choices=("keepalived", "ldirectord", "ipvsadm"),
        help="the format of the file (default: recognized by its content)",
    )
    parser.add_argument(
        "--check",
        choices=("tcp", "none"),
        default="tcp",
        help="the check of the real servers of a table, which has none (default: tcp)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print only the faults and notes, as JSON"
    )
    reading.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the file in the native form, and the notes on standard error.

    Return 0 if the file could be converted, 1 if it has faults, 2 if it cannot be read.
    """
    from hadirector.config.loader import check_document
    from hadirector.dataplane.dataplane import DataplaneError

    name = "kernel" if arguments.from_kernel else arguments.file
    try:
        found = _load(arguments)
        check_document(found.document)
    except DataplaneError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return EXIT_UNREADABLE
    except UnreadableFileError as error:
        print(error, file=sys.stderr)
        return EXIT_UNREADABLE
    except ConfigError as error:
        if arguments.json:
            print(format_findings(error.faults, ()))
        else:
            print(error, file=sys.stderr)
        return EXIT_FAULTY
    print(format_findings((), found.notes) if arguments.json else "\n".join(_lines(found, name)))
    return EXIT_CONVERTED


def _load(arguments: argparse.Namespace) -> Loaded:
    options = reading.reading_options(arguments)
    if arguments.from_kernel:
        from hadirector.cli.live_table import load_kernel

        return load_kernel(arguments.check, options)
    from hadirector.config.other_formats import load_to_convert

    return load_to_convert(arguments.file, arguments.format, arguments.check, options)


def _lines(found: Loaded, file: str) -> list[str]:
    from hadirector.config.document.yaml_text import write_yaml

    value = found.document.value
    assert isinstance(value, dict), "a file that has no fault is a mapping"
    waiting: dict[str, list[str]] = {}
    for note in found.notes:
        waiting.setdefault(str(note.place), []).append(note.message)
    comments: dict[Path, list[str]] = {}
    for path in _paths(value, ()):
        for place in (found.document.key_place(path), found.document.place(path)):
            comments.setdefault(path, []).extend(waiting.pop(place, []))
    rest = [f"# {place}: {message}" for place, messages in waiting.items() for message in messages]
    lines = write_yaml(value, lambda path: comments[path])
    return [f"# Converted from {file}", *rest, *lines]


def _paths(value: Any, path: Path) -> Iterator[Path]:
    """Yield the paths of all values in a collection, in the order in which they are written."""
    if not isinstance(value, dict | list):
        return
    for step, each in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*path, step)
        yield from _paths(each, (*path, step))
