"""The messages of the script server: a request to run a program, and its result."""

from __future__ import annotations

import msgspec

MESSAGE_BYTES_MAX = 128 * 1024

KILLING_SECONDS_MAX = 1.0
"""How long a guardian tries to kill all descendants. A process that waits for a disk may remain."""


class Identity(msgspec.Struct, frozen=True):
    """The user and the groups of a script."""

    user: int
    group: int
    groups: tuple[int, ...]


class Request(msgspec.Struct, frozen=True):
    """A request to run ``executable``. The first argument is the name of the program (argv[0]).

    Without an ``identity``, the user stays the same. ``timeout`` is in seconds. With
    ``leaves_daemons``, processes that the script has started may continue after its end.
    """

    executable: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    identity: Identity | None
    timeout: float
    leaves_daemons: bool


class Finished(msgspec.Struct, frozen=True):
    """The end of a script: ``status`` is its exit status, or the negative number of a signal.

    ``status`` is None if the script was killed at its deadline. ``error`` is the reason why
    the script could not be started, or empty.
    """

    status: int | None = None
    error: str = ""
