"""The command line: one module per command.

Exit codes: 0 good, 1 the answer is no, 2 usage or configuration.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from typing import Protocol

from hadirector import __version__
from hadirector.cli import (
    check_config,
    demo,
    disable,
    doctor,
    drain,
    enable,
    events,
    handover,
    plan,
    probe,
    realserver,
    reload,
    restart,
    run,
    status,
    undrain,
    weight,
    why,
)


class Command(Protocol):
    """What the module of a command offers; the first line of its docstring is the help text."""

    __doc__: str | None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; returns the exit code."""


COMMANDS: dict[str, Command] = {
    "run": run,
    "check-config": check_config,
    "plan": plan,
    "status": status,
    "why": why,
    "events": events,
    "drain": drain,
    "undrain": undrain,
    "disable": disable,
    "enable": enable,
    "weight": weight,
    "handover": handover,
    "reload": reload,
    "restart": restart,
    "probe": probe,
    "realserver": realserver,
    "doctor": doctor,
    "demo": demo,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="hadirector", description="High-availability, health-checking director for Linux IPVS."
    )
    parser.add_argument("--version", action="version", version=f"hadirector {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        summary = (module.__doc__ or "").splitlines()[0]
        module.add_arguments(subparsers.add_parser(name, help=summary, description=summary))
    parsed = parser.parse_args(arguments)
    try:
        status = COMMANDS[parsed.command].run(parsed)
        print(end="", flush=True)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # Whoever read our output has seen enough, as in `status | head`. What is left in the
        # buffer goes nowhere, so that Python does not complain at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    return status


if __name__ == "__main__":
    sys.exit(main())
