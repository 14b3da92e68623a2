"""Performs a conversation in a task: where there is only one, or several are combined."""

from __future__ import annotations

import asyncio
import socket

from checks.definition.check import CheckDefinition
from checks.io.attempt import Outcome, Prober, Progress
from checks.io.connection import connect, open_socket
from checks.io.operations import Connect, Converse, Operation, Receive, Send


def follow(converse: Converse) -> Prober:
    """Make what performs a conversation in a task."""

    async def probe(definition: CheckDefinition, progress: Progress) -> Outcome:
        steps = converse(definition, progress)
        wire = _Wire(definition)
        try:
            operation = next(steps)
            while True:
                try:
                    answer = await wire.perform(operation)
                except OSError as fault:
                    operation = steps.throw(fault)
                else:
                    operation = steps.send(answer)
        except StopIteration as ended:
            outcome: Outcome = ended.value
            return outcome
        finally:
            steps.close()
            wire.close()

    return probe


class _Wire:
    """The connection of a conversation."""

    def __init__(self, definition: CheckDefinition) -> None:
        self._definition = definition
        self._made: socket.socket | None = None

    async def perform(self, operation: Operation) -> bytes:
        loop = asyncio.get_running_loop()
        match operation:
            case Connect():
                self.close()
                self._made = open_socket(self._definition, socket.SOCK_STREAM)
                await connect(self._made, self._definition)
            case Send(data):
                assert self._made is not None
                await loop.sock_sendall(self._made, data)
            case Receive(length_max):
                assert self._made is not None
                return await loop.sock_recv(self._made, length_max)
        return b""

    def close(self) -> None:
        if self._made is not None:
            self._made.close()
