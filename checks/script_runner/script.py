"""A script to run, and how it ended. The reader of a configuration validates the values."""

from __future__ import annotations

import msgspec

SHELL = "/bin/sh"


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """A program on this host with its arguments. ``timeout`` is in seconds.

    The program runs without a shell. To run a text in a shell, use `shell_arguments`. The path
    is absolute; a bare name means that the program was in no directory of PATH. An empty
    ``group`` stands for the primary group of the user. With ``leaves_daemons``, processes that
    the script has started may continue after its end.
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
    """The end of a script, with the beginning of its output. ``started`` is False if it never ran.

    ``status`` is the exit status; None if a signal ended the script, or if it never ran.
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
    """Return the arguments of ``/bin/sh`` that run a text.

    Arguments after them are ``$1``, ``$2``...

    The last returned argument is ``$0`` (sh(1), option -c).
    """
    return ("-c", text, "sh")
