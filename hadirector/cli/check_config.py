"""Check a configuration file."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hadirector.cli import reading
from hadirector.cli.findings import format_findings
from hadirector.config.document.errors import ConfigError, UnreadableFileError
from hadirector.host.file_trust import find_exposures
from hadirector.host.preflight import missing_interfaces, refused_scripts, unheld_addresses
from hadirector.host.sysctl.rules import dotted_name, wanted_sysctls
from hadirector.model.configuration import Configuration

if TYPE_CHECKING:
    from hadirector.config.loader import LoadedHost

EXIT_VALID = 0
EXIT_FAULTY = 1
EXIT_UNREADABLE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Check a configuration file and print every fault with its line and column. For a valid"
        " file, print the kernel parameters that a director would set. The command changes nothing."
    )
    parser.add_argument("file", metavar="FILE", help="configuration file to check")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print only the faults and notes about the file, as JSON, and examine no host",
    )
    reading.add_host_argument(parser, "every host of the file")
    reading.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check the file, and print every fault as one line on standard error.

    When root runs the command, a script that a director would refuse on this host is a fault too.
    Warnings and notes about a valid file are also on standard error: addresses of virtual servers
    that nothing holds, interfaces that this host lacks, long durations without a unit, and other
    users who can change the file. Return 0 for a valid file, 1 for a file with faults, 2 for a file
    that cannot be read.
    """
    if arguments.json:
        return _print_findings(arguments)
    from hadirector.config.loader import load_hosts

    try:
        hosts, notes = load_hosts(arguments.file, reading.reading_options(arguments))
    except UnreadableFileError as error:
        print(error, file=sys.stderr)
        return EXIT_UNREADABLE
    except ConfigError as error:
        print(error, file=sys.stderr)
        return EXIT_FAULTY
    # Only this host can be examined, and the file may be for others.
    own = [host.configuration for host in hosts if host.own]
    if any(map(_refuse_scripts, own)):
        return EXIT_FAULTY
    for warning in dict.fromkeys(text for host in hosts for text in host.configuration.warnings):
        print(f"warning: {warning}", file=sys.stderr)
    for unheld in (unheld for each in own for unheld in unheld_addresses(each)):
        print(f"warning: {unheld.place}: {unheld.description}", file=sys.stderr)
    missing = [note for each in own for note in missing_interfaces(each)]
    exposures = find_exposures(arguments.file, hosts[0].configuration)
    for note in (*missing, *notes, *exposures):
        print(f"note: {note}", file=sys.stderr)
    for host in hosts:
        _print_summary(host, arguments.file)
    return EXIT_VALID


def _refuse_scripts(configuration: Configuration) -> bool:
    """Print the scripts that a director would refuse on this host. Return whether there are any."""
    refused = refused_scripts(configuration) if os.geteuid() == 0 else ()
    for fault in refused:
        print(f"{fault} (refused on this host)", file=sys.stderr)
    return bool(refused)


def _print_summary(host: LoadedHost, file: str) -> None:
    configuration = host.configuration
    title = file if host.name is None else f"{file}: host {host.name}"
    print(f"{title}: valid: {_summary(configuration)}")
    for line in (*_programs(configuration), *_sysctls(configuration)):
        print(line)


def _programs(configuration: Configuration) -> Iterator[str]:
    """List the programs that the file names without a directory, with their paths on this host."""
    for needed in configuration.needed_scripts:
        if needed.written != needed.script.path:
            yield f"  {needed.written} = {needed.script.path} ({needed.place})"


def _print_findings(arguments: argparse.Namespace) -> int:
    from hadirector.config.loader import check_document, load_reading

    options = reading.reading_options(arguments)
    try:
        found = load_reading(arguments.file, options)
        check_document(found.document, options)
    except UnreadableFileError as error:
        print(format_findings(error.faults, ()))
        return EXIT_UNREADABLE
    except ConfigError as error:
        print(format_findings(error.faults, ()))
        return EXIT_FAULTY
    print(format_findings((), found.notes))
    return EXIT_VALID


def _sysctls(configuration: Configuration) -> Iterator[str]:
    """List the kernel parameters that the file implies, except parameters of one interface.

    The interfaces of the host that runs the director are not known here.
    """
    policy = configuration.sysctls
    for sysctl in wanted_sysctls(configuration):
        left = " (not changed)" if not policy.apply or sysctl.word in policy.leave else ""
        yield f"  {dotted_name(sysctl.name)} = {sysctl.value}{left}: {sysctl.reason}"


def _summary(configuration: Configuration) -> str:
    servers = configuration.virtual_servers
    real_servers = sum(len(server.real_servers) for server in servers)
    counts = {
        "VRRP instance": len(configuration.vrrp),
        "virtual server": len(servers),
        "real server": real_servers,
    }
    return ", ".join(f"{count} {thing}{'s' * (count != 1)}" for thing, count in counts.items())
