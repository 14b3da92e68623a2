"""Make this program a service of systemd, or remove the service."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from hadirector.cli.completion import SCRIPTS
from hadirector.installation.contents import files
from hadirector.installation.program import find_faults
from hadirector.installation.service import Service
from hadirector.installation.systemd import InstallationError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Make a program that was installed from a wheel a service of systemd, or remove the"
        " service. The Debian package needs neither."
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    install = actions.add_parser(
        "install",
        help="write the unit, the user, its directory, the kernel module and the completions",
    )
    install.add_argument(
        "--print", action="store_true", help="print the files instead, and change nothing"
    )
    actions.add_parser("remove", help="stop the service, and remove exactly what install wrote")


def run(arguments: argparse.Namespace) -> int:
    """Install or remove the service. Returns 1 if this host refuses."""
    try:
        if arguments.action == "install":
            return _install(only_print=arguments.print)
        _require_root()
        for line in Service().remove():
            print(line)
    except (InstallationError, OSError) as error:
        reasons = error.args if isinstance(error, InstallationError) else (error,)
        for reason in reasons:
            print(f"hadirector: {reason}", file=sys.stderr)
        return 1
    return 0


def _install(*, only_print: bool) -> int:
    program = Path(sys.prefix) / "bin/hadirector"
    contents = files(program, SCRIPTS)
    if only_print:
        print("\n".join(f"# /{path}\n{content}" for path, content in contents.items()), end="")
        return 0
    _require_root()
    prefixes = (Path(sys.prefix), Path(sys.base_prefix))
    service = Service()
    if faults := [*service.find_faults(contents), *find_faults(program, prefixes)]:
        raise InstallationError(*faults)
    for line in service.install(contents):
        print(line)
    print(
        "Nothing was started. Write /etc/hadirector/hadirector.yaml, and then run:\n"
        "  systemctl start hadirector"
    )
    return 0


def _require_root() -> None:
    if os.geteuid():
        raise InstallationError("only root can do this; --print shows what would be written")
