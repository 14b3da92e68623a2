"""The operations of a conversation over TCP.

A conversation is a generator. It yields an operation and receives the data that the operation
returns. It uses no socket itself. `checks.io.engine` performs many conversations without a task or
a timer for each. `checks.io.task_runner` performs a single conversation in a task. An error of the
connection is raised in the generator as OSError. The generator raises OSError, ProbeFailedError,
and the errors of `checks.probes.expectation`. The connection is closed when the generator ends.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import NamedTuple

from checks.definition.check import CheckDefinition
from checks.io.attempt import Outcome, Progress
from checks.io.connection import REPLY_LENGTH_MAX


class Connect(NamedTuple):
    """Close the connection, if there is one, and connect to the target."""


class Send(NamedTuple):
    """Send all data."""

    data: bytes


class Receive(NamedTuple):
    """Receive at least one byte. The result is empty at the end of the stream."""

    length_max: int = REPLY_LENGTH_MAX


CONNECT = Connect()
RECEIVE = Receive()

Operation = Connect | Send | Receive

Conversation = Generator[Operation, bytes, Outcome]
"""The generator receives the data of each Receive, and empty bytes after other operations."""

Converse = Callable[[CheckDefinition, Progress], Conversation]
