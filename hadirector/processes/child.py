"""The start of every child process: ignores signals, opens the channel and sends heartbeats."""

from __future__ import annotations

import asyncio
import selectors
import signal
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Final

from hadirector.processes.channel import Channel
from hadirector.processes.messages import Heartbeat
from hadirector.runtime import signals

HEARTBEAT_SECONDS: Final = 1.0


async def send_heartbeats(channel: Channel[Any]) -> None:
    """Send a heartbeat each second, until cancelled. It is for children without other messages."""
    while True:
        channel.send(Heartbeat(), droppable=True)
        await asyncio.sleep(HEARTBEAT_SECONDS)


def run_child(
    descriptor: int,
    incoming: Any,
    serve: Callable[[Channel[Any]], Awaitable[None]],
    selector: selectors.BaseSelector,
) -> None:
    """Run ``serve`` with the channel that has this descriptor.

    The child ignores signals, because a service manager or Ctrl-C signals all processes at once.
    The director stops its children over their channels, in the right order.
    """
    for number in signals.HANDLED:
        signal.signal(number, signal.SIG_IGN)
    signals.unblock()
    end = socket.socket(fileno=descriptor)
    loop = asyncio.SelectorEventLoop(selector)
    try:
        loop.run_until_complete(_serve(end, incoming, serve))
    finally:
        loop.close()


async def _serve(
    end: socket.socket, incoming: Any, serve: Callable[[Channel[Any]], Awaitable[None]]
) -> None:
    channel: Channel[Any] = Channel(end, incoming)
    channel.send(Heartbeat())  # requests a configuration
    try:
        await serve(channel)
    finally:
        channel.close()
