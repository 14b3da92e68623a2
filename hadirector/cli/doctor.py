"""Examine this host and its network for faults that break a configuration."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Iterator, Sequence
from ipaddress import ip_address

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket, reading
from hadirector.config.document.errors import ConfigError
from hadirector.doctor.diagnosis.diagnosis import diagnose
from hadirector.doctor.diagnosis.facts import ExaminedServer, Facts, examined_servers
from hadirector.doctor.diagnosis.finding import Finding, Severity
from hadirector.model.configuration import Configuration

EXIT_FIT = 0
EXIT_BROKEN = 1
EXIT_FAULTY = 2

CLIENTS_MAX = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("-c", "--config", metavar="FILE", help="the configuration to examine")
    parser.add_argument(
        "--pair",
        action="store_true",
        help="examine the pair of the running director instead of this host, or also of this host"
        " with -c: advertisements, virtual router IDs, readiness, MTU, clocks and differences",
    )
    parser.add_argument(
        "--client",
        action="append",
        default=[],
        type=_address,
        metavar="ADDRESS",
        help="the address of a client: with nat, check the return path to this client"
        f" (at most {CLIENTS_MAX} times)",
    )
    parser.add_argument(
        "--prove",
        action="store_true",
        help="prove the return path of nat: send echo requests to the real servers with the source"
        " address of a client",
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    api_socket.add_argument(parser)
    reading.add_host_argument(parser, "director.name, or else the name of this host")
    reading.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Examine the host and print the findings. The host is not changed.

    Return 0 if no finding is an error, and 1 if a finding is one or the host cannot be examined.
    Return 2 if the configuration file is faulty or unreadable, or the arguments name nothing.
    """
    if not (arguments.config or arguments.pair):
        print("hadirector: expected -c FILE, --pair, or both", file=sys.stderr)
        return EXIT_FAULTY
    try:
        findings = _pair_findings(arguments) if arguments.pair else []
        if arguments.config:
            findings += _host_findings(arguments)
    except _Failure as failure:
        if failure.reason:
            print(failure.reason, file=sys.stderr)
        return failure.code
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(findings)).decode())
    else:
        print("\n".join(_lines(findings)))
    broken = any(finding.severity is Severity.ERROR for finding in findings)
    return EXIT_BROKEN if broken else EXIT_FIT


class _Failure(Exception):  # noqa: N818  # it is no error of the program
    """The examination is not possible. The command exits with this code."""

    def __init__(self, reason: str, code: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


def _pair_findings(arguments: argparse.Namespace) -> list[Finding]:
    """Return the findings about the pair of the running director. Raises _Failure."""
    try:
        answer = request(arguments.socket, "GET", "/v1/pair")
    except ApiError as error:
        raise _Failure(f"hadirector: {error}", EXIT_BROKEN) from error
    from hadirector.pair.findings import find_pair_findings
    from hadirector.pair.report import PairReport

    return [*find_pair_findings(msgspec.json.decode(answer, type=PairReport))]


def _host_findings(arguments: argparse.Namespace) -> list[Finding]:
    """Return the findings about this host and its network. Raises _Failure."""
    if len(arguments.client) > CLIENTS_MAX:
        reason = f"hadirector: at most {CLIENTS_MAX} clients can be named"
        raise _Failure(reason, EXIT_FAULTY)
    from hadirector.config.loader import load_with_places

    try:
        configuration, place = load_with_places(
            arguments.config, reading.reading_options(arguments)
        )
    except ConfigError as error:
        raise _Failure(str(error), EXIT_FAULTY) from error
    servers = tuple(examined_servers(configuration, place))
    try:
        facts = asyncio.run(_examine(configuration, servers, arguments))
    except asyncio.CancelledError as error:
        raise _Failure("", 128 + signal.SIGTERM) from error
    except OSError as error:
        reason = f"hadirector: this host cannot be examined: {error}"
        raise _Failure(reason, EXIT_BROKEN) from error
    return [*diagnose(configuration, facts, servers, place)]


async def _examine(
    configuration: Configuration, servers: Sequence[ExaminedServer], arguments: argparse.Namespace
) -> Facts:
    """Examine the host. SIGTERM cancels the examination, which then removes everything it added."""
    from hadirector.doctor.examination import examine

    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    clients = tuple(arguments.client)
    return await examine(configuration, servers, clients, prove=arguments.prove)


def _lines(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings:
        place = f"{finding.place}: " if finding.place else ""
        yield f"{finding.severity:8} {place}{finding.what}"
        yield f"{'':8} -> {finding.remedy}"
        yield from (f"{'':8}    {line}" for line in finding.lines)
        yield f"{'':8}    {finding.see}"
    counts = dict.fromkeys(Severity, 0)
    for finding in findings:
        counts[finding.severity] += 1
    yield ", ".join(f"{count} {severity}{'s' * (count != 1)}" for severity, count in counts.items())


def _address(text: str) -> str:
    if "%" in text:
        raise argparse.ArgumentTypeError(f"{text}: expected an address without an interface")
    return str(ip_address(text))
