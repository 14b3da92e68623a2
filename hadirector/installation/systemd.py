"""Runs the commands of systemd, and of the user database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from hadirector.runtime.commands import CommandError, run_command

SECONDS_MAX: Final = 60.0
"""A stop of the director, with a handover, takes up to 30 s."""

Run = Callable[[Sequence[str]], None]
"""Runs a command. Raises InstallationError."""


class InstallationError(Exception):
    """The service cannot be installed or removed. Each argument is one reason."""


def run(command: Sequence[str]) -> None:
    """Run a command. Raises InstallationError if it fails."""
    try:
        run_command(command, SECONDS_MAX)
    except CommandError as error:
        raise InstallationError(str(error)) from error


def is_running(root: Path) -> bool:
    """Return whether systemd has booted this host (sd_booted(3))."""
    return (root / "run/systemd/system").is_dir()
