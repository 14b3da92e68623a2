"""Runs a short program of the host, with a deadline."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence


class CommandError(Exception):
    """A program could not be run, or has failed. The message has the command and the reason."""


def run_command(command: Sequence[str], seconds: float) -> str:
    """Return the standard output of a command. Raises CommandError."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandError(f"{' '.join(command)}: {error}") from error
    if done.returncode:
        raise CommandError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
