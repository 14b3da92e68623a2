"""Runs one conversation in an asyncio task, for composite probes and for ``hadirector probe``."""

from __future__ import annotations

import asyncio
import socket

from checks.definition.check import CheckDefinition
from checks.io.attempt import Outcome, Prober, Progress
from checks.io.connection import connect, open_socket
from checks.io.operations import Connect, Converse, Operation, Receive, Send


def run_in_task(converse: Converse) -> Prober:
    """Return a prober that runs the conversation in the current task."""

    async def probe(definition: CheckDefinition, progress: Progress) -> Outcome:
        conversation = converse(definition, progress)
        stream = _Stream(definition)
        try:
            operation = next(conversation)
            while True:
                try:
                    answer = await stream.perform(operation)
                except OSError as error:
                    operation = conversation.throw(error)
                else:
                    operation = conversation.send(answer)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome
        finally:
            conversation.close()
            stream.close()

    return probe


class _Stream:
    """The connection of a conversation."""

    def __init__(self, definition: CheckDefinition) -> None:
        self._definition = definition
        self._socket: socket.socket | None = None

    async def perform(self, operation: Operation) -> bytes:
        loop = asyncio.get_running_loop()
        match operation:
            case Connect():
                self.close()
                self._socket = open_socket(self._definition, socket.SOCK_STREAM)
                await connect(self._socket, self._definition)
            case Send(data):
                assert self._socket is not None
                await loop.sock_sendall(self._socket, data)
            case Receive(length_max):
                assert self._socket is not None
                return await loop.sock_recv(self._socket, length_max)
        return b""

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
