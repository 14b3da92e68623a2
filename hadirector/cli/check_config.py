"""Judge a configuration file, without touching anything."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator

from hadirector.config import load
from hadirector.config.document.errors import ConfigError, UnreadableFileError
from hadirector.host.preflight import refused_scripts
from hadirector.host.sysctl.rules import dotted_name, wanted_sysctls
from hadirector.model.configuration import Configuration

EXIT_GOOD = 0
EXIT_FAULTY = 1
EXIT_UNREADABLE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", metavar="FILE", help="the configuration file to judge")


def run(arguments: argparse.Namespace) -> int:
    """Judge the file; every fault goes to standard error, one line each.

    Of a good one it tells which kernel parameters a director will set, and why. For root, whose
    directors run here, a script that they would refuse is a fault too.

    Returns 0 for a good file, 1 for one with faults, 2 when there is no text to judge.
    """
    try:
        configuration = load(arguments.file)
    except UnreadableFileError as error:
        print(error, file=sys.stderr)
        return EXIT_UNREADABLE
    except ConfigError as error:
        print(error, file=sys.stderr)
        return EXIT_FAULTY
    refused = refused_scripts(configuration) if os.geteuid() == 0 else ()
    for fault in refused:
        print(f"{fault} (refused on this host)", file=sys.stderr)
    if refused:
        return EXIT_FAULTY
    print(f"{arguments.file}: good: {_summary(configuration)}")
    for line in _sysctls(configuration):
        print(line)
    return EXIT_GOOD


def _sysctls(configuration: Configuration) -> Iterator[str]:
    """List the sysctls that the configuration needs, without those of single interfaces."""
    policy = configuration.sysctls
    for each in wanted_sysctls(configuration):
        left = " (left alone)" if not policy.apply or each.word in policy.leave else ""
        yield f"  {dotted_name(each.name)} = {each.value}{left}: {each.reason}"


def _summary(configuration: Configuration) -> str:
    servers = configuration.virtual_servers
    real_servers = sum(len(server.real_servers) for server in servers)
    counts = {
        "VRRP instance": len(configuration.vrrp),
        "virtual server": len(servers),
        "real server": real_servers,
    }
    return ", ".join(f"{count} {thing}{'s' * (count != 1)}" for thing, count in counts.items())
