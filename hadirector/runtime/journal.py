"""Sends log lines to the journal of systemd in its native form, with fields. It never blocks.

The form is that of systemd's "Native Journal Protocol": one datagram for each line.
"""

from __future__ import annotations

import re
import socket
import uuid
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

PATH: Final = "/run/systemd/journal/socket"
VALUE_BYTES_MAX: Final = 8192
"""The bytes of a value; a longer one is cut."""
DATAGRAM_BYTES_MAX: Final = 65536
"""The bytes of a datagram; fields that do not fit are left out. The message is the first field.

The kernel accepts datagrams of this size without a change of the socket (net.core.wmem_default).
"""
IDENTIFIER: Final = "hadirector"
MESSAGE_IDS: Final = uuid.UUID("6d2c9a0e-3f53-4c0e-9a63-0f1d6c2f1b57")
"""The namespace of the message ids, one for each name of an event (RFC 4122, version 5)."""

_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)


def fields(
    message: str, priority: int, event: str, values: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield the fields of a line, the most important first. ``values`` are its values by key."""
    yield "MESSAGE", message
    yield "PRIORITY", str(priority)
    yield "SYSLOG_IDENTIFIER", IDENTIFIER
    yield "MESSAGE_ID", message_id(event)
    yield "HADIRECTOR_EVENT", event
    if concerned := concerned_object(values):
        yield "HADIRECTOR_OBJECT", concerned
    for key, value in values.items():
        if key not in ("event", "object"):
            yield f"HADIRECTOR_{key.upper()}", value


@lru_cache(maxsize=1024)
def message_id(event: str) -> str:
    """Return the id of all lines with this event, which is the same in every version."""
    return uuid.uuid5(MESSAGE_IDS, event).hex


def concerned_object(values: Mapping[str, str]) -> str:
    """Return VIRTUAL_SERVER/REAL_SERVER, VIRTUAL_SERVER or INSTANCE; "" for any other line."""
    if server := values.get("virtual_server"):
        real_server = values.get("real_server")
        return f"{server}/{real_server}" if real_server else server
    return values.get("instance", "")


def encode(line: Iterator[tuple[str, str]]) -> bytes:
    """Return the datagram of a line.

    A value with a line feed is preceded by its length, as 64 bits in little-endian order.
    """
    parts: list[bytes] = []
    size = 0
    for name, value in line:
        if not _NAME.fullmatch(name):
            continue
        content = value.encode("utf-8", "replace")[:VALUE_BYTES_MAX]
        if b"\n" in content:
            part = b"%s\n%s%s\n" % (name.encode(), len(content).to_bytes(8, "little"), content)
        else:
            part = b"%s=%s\n" % (name.encode(), content)
        if size + len(part) <= DATAGRAM_BYTES_MAX:
            parts.append(part)
            size += len(part)
    return b"".join(parts)


class Journal:
    """The socket of the journal."""

    def __init__(self, path: str | None = None) -> None:
        self._path = path or PATH
        self._socket: socket.socket | None = None

    def send(self, datagram: bytes) -> bool:
        """Send a line. Return False if the journal is absent or full, or refuses the line.

        A journal that is started again has a new socket, so the line is tried a second time.
        """
        return self._try(datagram) or self._try(datagram)

    def close(self) -> None:
        """Close the socket. The next line opens another one."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _try(self, datagram: bytes) -> bool:
        try:
            if self._socket is None:
                self._socket = socket.socket(
                    socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
                )
                self._socket.connect(self._path)
            self._socket.send(datagram)
        except BlockingIOError:
            return False
        except OSError:
            self.close()
            return False
        return True
