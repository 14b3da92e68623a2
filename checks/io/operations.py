"""The operations of a conversation over TCP.

A conversation is a generator that performs one probe without using a socket itself. It yields an
operation, and the caller sends it the data that the operation received. `checks.io.engine` runs
many conversations without a task or a timer for each. `checks.io.task_runner` runs a single
conversation in a task. A connection error is raised in the generator as OSError. The generator may
raise OSError, ProbeFailedError and the errors of `checks.probes.expectation`. The caller closes the
connection when the generator ends.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import NamedTuple

from checks.definition.check import CheckDefinition
from checks.io.attempt import Outcome, Progress
from checks.io.connection import REPLY_LENGTH_MAX


class Connect(NamedTuple):
    """Connect to the target, after closing the connection of an earlier Connect."""


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
