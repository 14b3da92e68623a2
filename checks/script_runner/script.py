"""A script to run, and how it ended. The reader of a configuration validates the values."""

from __future__ import annotations

import msgspec

SHELL = "/bin/sh"


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """A program on this host with its arguments. ``timeout`` is in seconds.

    The program runs without a shell. A text for a shell is an argument of ``/bin/sh``
    (`shell_arguments`). The path is absolute, or a bare name that is on no directory of PATH. An
    empty ``group`` stands for the primary group of the user. With ``leaves_daemons``, the processes
    that the script has started go on after its end.
    """

    path: str
    arguments: tuple[str, ...] = ()
    user: str = "nobody"
    group: str = ""
    timeout: float = 1.0
    leaves_daemons: bool = False

    @property
    def command(self) -> str:
        """The program and its arguments, for messages."""
        return " ".join((self.path, *self.arguments))


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


def shell_arguments(text: str) -> tuple[str, ...]:
    """Return the arguments with which ``/bin/sh`` runs a text; further ones are ``$1``, ``$2``.

    The last argument is ``$0`` (sh(1), option -c).
    """
    return ("-c", text, "sh")
