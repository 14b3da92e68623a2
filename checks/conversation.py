"""Conversations over TCP as generators: they yield the socket and the event they wait for.

What performs them is `checks.engine`, without a task or a timer for each, and `follow`, in a task.
They raise ProbeFailedError, OSError and what judging a reply raises; their sockets are closed when
they end, or are closed themselves.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Generator
from select import EPOLLERR, EPOLLIN, EPOLLOUT

from checks.attempt import Outcome, Prober, Progress
from checks.connection import REPLY_LENGTH_MAX
from checks.definition import CheckDefinition

Steps = Generator[tuple[socket.socket, int], int | None, None]
"""A part of a conversation."""

Conversation = Generator[tuple[socket.socket, int], int | None, Outcome]

Converse = Callable[[CheckDefinition, Progress], Conversation]


def connect(made: socket.socket, definition: CheckDefinition) -> Steps:
    """Connect a socket to the target."""
    fault = made.connect_ex((definition.destination, definition.port))
    if fault == errno.EINPROGRESS:
        events = yield made, EPOLLOUT
        well = events is not None and not events & EPOLLERR
        fault = 0 if well else made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if fault:
        raise OSError(fault, os.strerror(fault))


def send(made: socket.socket, data: bytes) -> Steps:
    """Send all of it."""
    while True:
        try:
            data = data[made.send(data) :]
            if not data:
                return
        except BlockingIOError:
            pass
        yield made, EPOLLOUT


def receive(
    made: socket.socket, length_max: int = REPLY_LENGTH_MAX
) -> Generator[tuple[socket.socket, int], int | None, bytes]:
    """Read what has come, at least one byte; empty at the end of the stream."""
    while True:
        yield made, EPOLLIN
        try:
            return made.recv(length_max)
        except BlockingIOError:  # recv(2): what made it readable may be gone
            continue


def follow(converse: Converse) -> Prober:
    """Make what performs a conversation in a task."""

    async def probe(definition: CheckDefinition, progress: Progress) -> Outcome:
        steps = converse(definition, progress)
        try:
            while True:
                await _ready(*next(steps))
        except StopIteration as ended:
            outcome: Outcome = ended.value
            return outcome
        finally:
            steps.close()

    return probe


async def _ready(made: socket.socket, event: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    if event == EPOLLOUT:
        add, remove = loop.add_writer, loop.remove_writer
    else:
        add, remove = loop.add_reader, loop.remove_reader
    add(made, ready.set)
    try:
        await ready.wait()
    finally:
        remove(made)
