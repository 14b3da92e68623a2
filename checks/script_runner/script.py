"""A script to run, and how it ended. The reader of a configuration validates the values."""

from __future__ import annotations

import msgspec


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """A program on this host with its arguments, run without a shell. ``timeout`` is in seconds.

    With ``leaves_daemons``, the processes that the script has started go on after its end.
    """

    path: str
    arguments: tuple[str, ...] = ()
    user: str = "nobody"
    timeout: float = 1.0
    leaves_daemons: bool = False


class Ended(msgspec.Struct, frozen=True):
    """How a run ended, with the beginning of the output. ``started`` is False if it never began.

    ``status`` is the exit status; None if a signal ended the script, or if it never began.
    """

    status: int | None
    reason: str
    output: str = ""
    started: bool = True

    @property
    def succeeded(self) -> bool:
        """Whether the script has exited with status 0."""
        return self.status == 0
