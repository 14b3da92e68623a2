"""Runs the commands of systemd, and of the user database."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

SECONDS_MAX: Final = 60.0
"""A stop of the director, with a handover, takes up to 30 s."""

Run = Callable[[Sequence[str]], None]
"""Runs a command. Raises InstallationError."""


class InstallationError(Exception):
    """The service cannot be installed or removed. Each argument is one reason."""


def run(command: Sequence[str]) -> None:
    """Run a command. Raises InstallationError if it fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS_MAX, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InstallationError(f"{' '.join(command)}: {error}") from error
    if done.returncode:
        raise InstallationError(f"{' '.join(command)}: {done.stderr.strip()}")


def is_running(root: Path) -> bool:
    """Return whether systemd has booted this host (sd_booted(3))."""
    return (root / "run/systemd/system").is_dir()
