"""What running a script means. Validated by whoever reads it from a file."""

from __future__ import annotations

import msgspec


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """A program of this host and its arguments; no shell is asked. ``timeout`` is in seconds."""

    path: str
    arguments: tuple[str, ...] = ()
    user: str = "nobody"
    timeout: float = 1.0


class Ended(msgspec.Struct, frozen=True):
    """How one run ended, and the beginning of what it printed; ``started`` is whether it began."""

    succeeded: bool
    reason: str
    output: str = ""
    started: bool = True
