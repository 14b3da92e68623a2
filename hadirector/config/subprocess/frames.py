"""How the process that reads a configuration hands it to the director.

A frame is four bytes of length and one msgpack value. First the configuration without its virtual
servers, then these in pieces, then the end; or one frame that says what is wrong. The pieces are
small so that the director never decodes for long: 37,000 real servers at once take 180 ms.
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

FILE_BYTES_MAX = 32 * 1024 * 1024
"""37,000 real servers with a check each are 7 MB."""

TEXT_IS_GIVEN = "-"
"""Argument that tells the reading process to take the text from its standard input."""


class Head(msgspec.Struct, frozen=True, tag="head"):
    """The configuration, its virtual servers left out."""

    configuration: Configuration


class Piece(msgspec.Struct, frozen=True, tag="piece"):
    """A virtual server with its first real servers."""

    virtual_server: VirtualServer


class More(msgspec.Struct, frozen=True, tag="more"):
    """More real servers of the virtual server before."""

    real_servers: tuple[RealServer, ...]


class End(msgspec.Struct, frozen=True, tag="end"):
    """The configuration is complete."""


class Refusal(msgspec.Struct, frozen=True, tag="refusal"):
    """The file holds no good configuration."""

    faults: tuple[Fault, ...]


Frame = Head | Piece | More | End | Refusal


def split(configuration: Configuration) -> Iterator[Frame]:
    """Cut a configuration into frames."""
    yield Head(replace(configuration, virtual_servers=()))
    for server in configuration.virtual_servers:
        first, *others = _pieces(server.real_servers) or [()]
        yield Piece(replace(server, real_servers=first))
        yield from map(More, others)
    yield End()


def encode(frame: Frame) -> bytes:
    """Write a frame, with its length before it."""
    body = msgspec.msgpack.encode(frame)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


class Assembly:
    """Puts a configuration together from its frames, a little at each of them."""

    def __init__(self, head: Head) -> None:
        self._configuration = head.configuration
        self._finished: list[VirtualServer] = []
        self._begun: VirtualServer | None = None
        self._real_servers: list[RealServer] = []

    def add(self, frame: Piece | More) -> None:
        """Take the next frame."""
        if isinstance(frame, More):
            self._real_servers.extend(frame.real_servers)
            return
        self._finish_virtual_server()
        self._begun = frame.virtual_server
        self._real_servers = list(frame.virtual_server.real_servers)

    def finish(self) -> Configuration:
        """Hand over the whole."""
        self._finish_virtual_server()
        return replace(self._configuration, virtual_servers=tuple(self._finished))

    def _finish_virtual_server(self) -> None:
        if self._begun is not None:
            complete = replace(self._begun, real_servers=tuple(self._real_servers))
            self._finished.append(complete)


def _pieces(real_servers: tuple[RealServer, ...]) -> list[tuple[RealServer, ...]]:
    starts = range(0, len(real_servers), REAL_SERVERS_PER_PIECE)
    return [real_servers[start : start + REAL_SERVERS_PER_PIECE] for start in starts]
