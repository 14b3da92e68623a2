"""The frames in which the reading process sends a configuration to the director.

A frame is four bytes of length and one msgpack value. The frames are the configuration without its
virtual servers, then the virtual servers in pieces, then the end; or a single frame with the
faults. The pieces are small, because the director decodes them in its loop: 37,000 real servers at
once would take 180 ms.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from hadirector.config.document.errors import Fault
from hadirector.model.configuration import Configuration, RealServer, VirtualServer

LENGTH_BYTES = 4
FRAME_BYTES_MAX = 16 * 1024 * 1024
REAL_SERVERS_PER_PIECE = 64


class Head(msgspec.Struct, frozen=True, tag="head"):
    """Frame: the configuration without its virtual servers."""

    configuration: Configuration


class Piece(msgspec.Struct, frozen=True, tag="piece"):
    """Frame: a virtual server with its first real servers."""

    virtual_server: VirtualServer


class More(msgspec.Struct, frozen=True, tag="more"):
    """Frame: further real servers of the last virtual server."""

    real_servers: tuple[RealServer, ...]


class End(msgspec.Struct, frozen=True, tag="end"):
    """Frame: the configuration is complete."""


class Refusal(msgspec.Struct, frozen=True, tag="refusal"):
    """Frame: the configuration is refused, with its faults."""

    faults: tuple[Fault, ...]


Frame = Head | Piece | More | End | Refusal


def split(configuration: Configuration) -> Iterator[Frame]:
    """Split a configuration into frames."""
    yield Head(replace(configuration, virtual_servers=()))
    for server in configuration.virtual_servers:
        first, *others = _pieces(server.real_servers) or [()]
        yield Piece(replace(server, real_servers=first))
        yield from map(More, others)
    yield End()


def encode(frame: Frame) -> bytes:
    """Encode a frame, with its length at the start."""
    body = msgspec.msgpack.encode(frame)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


class Assembly:
    """Assembles a configuration from its frames."""

    def __init__(self, head: Head) -> None:
        self._configuration = head.configuration
        self._finished: list[VirtualServer] = []
        self._current: VirtualServer | None = None
        self._real_servers: list[RealServer] = []

    def add(self, frame: Piece | More) -> None:
        """Add the next frame."""
        if isinstance(frame, More):
            self._real_servers.extend(frame.real_servers)
            return
        self._finish_virtual_server()
        self._current = frame.virtual_server
        self._real_servers = list(frame.virtual_server.real_servers)

    def finish(self) -> Configuration:
        """Return the complete configuration."""
        self._finish_virtual_server()
        return replace(self._configuration, virtual_servers=tuple(self._finished))

    def _finish_virtual_server(self) -> None:
        if self._current is not None:
            complete = replace(self._current, real_servers=tuple(self._real_servers))
            self._finished.append(complete)


def _pieces(real_servers: tuple[RealServer, ...]) -> list[tuple[RealServer, ...]]:
    starts = range(0, len(real_servers), REAL_SERVERS_PER_PIECE)
    return [real_servers[start : start + REAL_SERVERS_PER_PIECE] for start in starts]
