"""Conversations over TCP as generators: they yield what is to be done, and get what came of it.

They touch no socket. What performs them is `checks.io.engine`, without a task or a timer for each,
and `checks.io.task_runner`, in a task. A fault of the connection is raised in them as OSError; they
raise that, ProbeFailedError and what judging a reply raises. The connection is closed when they
end.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import NamedTuple

from checks.definition.check import CheckDefinition
from checks.io.attempt import Outcome, Progress
from checks.io.connection import REPLY_LENGTH_MAX


class Connect(NamedTuple):
    """Connect to the target, as its definition says; a connection that there was is closed."""


class Send(NamedTuple):
    """Send all of it."""

    data: bytes


class Receive(NamedTuple):
    """Receive what has come, at least one byte; nothing at the end of the stream."""

    length_max: int = REPLY_LENGTH_MAX


CONNECT = Connect()
RECEIVE = Receive()

Operation = Connect | Send | Receive

Conversation = Generator[Operation, bytes, Outcome]
"""What it gets is what was received, and nothing for the other operations."""

Converse = Callable[[CheckDefinition, Progress], Conversation]
