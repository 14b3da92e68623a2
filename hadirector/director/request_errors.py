"""The errors of requests of operators. Their messages are reasons that an operator can act on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

NAMED_MAX: Final = 10
"""The maximum number of names in an error message."""


class RequestError(Exception):
    """A request that cannot be met. The message is the reason."""


class UnknownObjectError(RequestError):
    """A request for an object that does not exist. ``known`` are the names that exist."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind = kind
        self.name = name
        self.known = tuple(known)
        super().__init__(f"no {kind} {name} ({list_names(self.known)})")


class StaleError(RequestError):
    """A request whose precondition is not met, because the object has changed."""


def list_names(names: Iterable[str]) -> str:
    """List the first of these names."""
    found = list(names)
    more = f" and {len(found) - NAMED_MAX} more" if len(found) > NAMED_MAX else ""
    return f"there are: {', '.join(found[:NAMED_MAX]) or 'none'}{more}"


class StandbyNotReadyError(RequestError):
    """No peer is ready to take the addresses over. ``obstacles`` are the reasons."""

    def __init__(self, obstacles: Sequence[str]) -> None:
        super().__init__(f"the standby is not ready: {obstacles[0]}")
        self.obstacles = tuple(obstacles)
