"""Find what on this host, and around it, stands in the way of a configuration."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Iterator, Sequence
from ipaddress import ip_address

import msgspec

from hadirector.config.document.errors import ConfigError
from hadirector.doctor.diagnosis.diagnosis import diagnose
from hadirector.doctor.diagnosis.facts import Facts, Subject, subjects
from hadirector.doctor.diagnosis.finding import Finding, Severity
from hadirector.model.configuration import Configuration

EXIT_FIT = 0
EXIT_BROKEN = 1
EXIT_FAULTY = 2

CLIENTS_MAX = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "-c", "--config", required=True, metavar="FILE", help="the configuration to examine for"
    )
    parser.add_argument(
        "--client",
        action="append",
        default=[],
        type=_address,
        metavar="ADDRESS",
        help="a client for whom to try the way back of nat (may be given again)",
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Examine, and print what was found; the host is left as it was.

    Returns 0 when nothing was found that breaks traffic, 1 when something was, or when this host
    cannot be looked at, 2 when the file is faulty or cannot be read.
    """
    if len(arguments.client) > CLIENTS_MAX:
        print(f"hadirector: at most {CLIENTS_MAX} clients can be named", file=sys.stderr)
        return EXIT_FAULTY
    from hadirector.config.loader import load_placed

    try:
        configuration, place = load_placed(arguments.config)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return EXIT_FAULTY
    examined = tuple(subjects(configuration, place))
    try:
        facts = asyncio.run(_examine(configuration, examined, tuple(arguments.client)))
    except asyncio.CancelledError:
        return 128 + signal.SIGTERM
    except OSError as error:
        print(f"hadirector: this host cannot be looked at: {error}", file=sys.stderr)
        return EXIT_BROKEN
    found = diagnose(configuration, facts, examined, place)
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        print("\n".join(_lines(found)))
    broken = any(each.severity is Severity.ERROR for each in found)
    return EXIT_BROKEN if broken else EXIT_FIT


async def _examine(
    configuration: Configuration, examined: Sequence[Subject], clients: tuple[str, ...]
) -> Facts:
    """Examine; SIGTERM ends it as Ctrl-C does, with everything taken back that was added."""
    from hadirector.doctor.examination import examine

    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await examine(configuration, examined, clients)


def _lines(found: Sequence[Finding]) -> Iterator[str]:
    for each in found:
        place = f"{each.place}: " if each.place else ""
        yield f"{each.severity:8} {place}{each.what}"
        yield f"{'':8} -> {each.remedy}"
    counts = [sum(each.severity is severity for each in found) for severity in Severity]
    words = (
        f"{count} {severity}{'s' * (count != 1)}"
        for count, severity in zip(counts, Severity, strict=True)
    )
    yield ", ".join(words)


def _address(text: str) -> str:
    if "%" in text:
        raise argparse.ArgumentTypeError(f"{text}: expected an address without an interface")
    return str(ip_address(text))
