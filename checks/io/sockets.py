"""What performs the operations of many conversations, and what it must know of each."""

from __future__ import annotations

import socket
from typing import Protocol

from checks.definition.check import CheckDefinition
from checks.io.operations import Operation

ROUNDS_MAX = 4
"""So often what has an answer goes on before the loop has its turn: HTTP needs three."""

Answer = bytes | OSError
"""What an operation came to: what was received, or nothing, or its fault."""


class Link(Protocol):
    """One conversation's connection. ``place`` is where a `Sockets` keeps it, -1 for nowhere."""

    definition: CheckDefinition
    made: socket.SocketType | None
    operation: Operation
    place: int

    def go_on(self, answer: Answer) -> None:
        """Take what the operation came to."""


class Sockets(Protocol):
    """Performs one operation at a time for each of any number of links."""

    def perform(self, link: Link, operation: Operation) -> Answer | None:
        """Begin an operation; None when it is `Link.go_on` that gets the answer.

        That is called from `flush`, or from the loop.

        Raises OSError and ProbeFailedError where there can be no socket.
        """

    def flush(self) -> None:
        """Do what was begun, and go on with whom has an answer at once."""

    def release(self, link: Link) -> None:
        """Close the connection, if there is one, at the latest by the next `flush`.

        Of what is under way nothing is told.
        """

    def close(self) -> None:
        """Be done; every link has been released."""
