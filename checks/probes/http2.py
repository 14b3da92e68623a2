"""One request over HTTP/2 (RFC 9113) and its reply, with limits on size.

h2 implements the protocol.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings

from checks.definition.result import Reason
from checks.io.attempt import ProbeFailedError
from checks.io.connection import REPLY_LENGTH_MAX

FRAMES_LENGTH_MAX = 4 * REPLY_LENGTH_MAX
"""The largest size of all frames of a reply. A larger size is a protocol error."""

FRAMES_MAX = 2000
"""The largest number of events of a reply, about one per frame. An event takes about 10 us."""

_PART = 4096  # the number of bytes that are parsed between two checks of the number of events

_STREAM = 1  # the first stream that a client opens

# A reply must begin with a SETTINGS frame (section 3.4). h2 would wait for the rest of the frame.
_FRAME_HEADER_LENGTH, _TYPE_AT, _SETTINGS = 9, 3, b"\4"


class Exchange:
    """A request and its reply so far, with the first REPLY_LENGTH_MAX bytes of the body.

    ``headers`` also contains the fields of the trailer section. Their names are in lower case.
    """

    def __init__(self, headers: Iterable[tuple[str, str]], body: bytes = b"") -> None:
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.ended = False
        self._first = b""
        self._fed = 0
        self._events = 0
        self._connection = H2Connection(H2Configuration(header_encoding=None))
        without_push = {SettingCodes.ENABLE_PUSH: 0}
        self._connection.local_settings = Settings(client=True, initial_values=without_push)
        self._connection.initiate_connection()
        self._connection.send_headers(_STREAM, list(headers), end_stream=not body)
        if body:
            self._connection.send_data(_STREAM, body, end_stream=True)

    def to_send(self) -> bytes:
        """Return the data to send: at first the request, later acknowledgements of frames."""
        return self._connection.data_to_send()

    def feed(self, data: bytes) -> None:
        """Parse received data. Raises ProbeFailedError if it is not a valid HTTP/2 reply."""
        self._first += data[: _FRAME_HEADER_LENGTH - len(self._first)]
        if self._first[_TYPE_AT : _TYPE_AT + 1] not in (b"", _SETTINGS):
            raise _protocol_error(f"the data begins with {self._first!r}")
        self._fed += len(data)
        if self._fed > FRAMES_LENGTH_MAX:
            raise _protocol_error(f"all its frames together exceed {FRAMES_LENGTH_MAX} bytes")
        try:
            for start in range(0, len(data), _PART):
                for event in self._connection.receive_data(data[start : start + _PART]):
                    self._events += 1
                    self._take(event)
                if self._events > FRAMES_MAX:
                    raise _protocol_error(f"more than {FRAMES_MAX} frames")
        except ProtocolError as error:
            raise _protocol_error(str(error)) from error

    @property
    def location(self) -> str | None:
        """The URL in the Location header, to which a redirect leads."""
        return self.headers.get("location")

    def finish(self, stage: str) -> None:
        """Raise ProbeFailedError, because the connection ended before the reply was complete."""
        detail = f"{stage}: connection closed without a complete reply"
        raise ProbeFailedError(Reason.PROTOCOL, detail)

    def _take(self, event: Event) -> None:
        match event:
            case _ if self.ended:
                pass
            case ResponseReceived() | TrailersReceived():
                self._take_headers(event.headers or ())
            case DataReceived():
                self._take_body(event)
            case StreamEnded():
                self.ended = True
            case StreamReset():
                detail = f"the server reset the stream: {_error_name(event.error_code)}"
                raise ProbeFailedError(Reason.RESET, detail)
            case ConnectionTerminated():  # a reply could still follow, but h2 would reject it
                detail = f"the server ended the connection: {_error_name(event.error_code)}"
                raise ProbeFailedError(Reason.RESET, detail)

    def _take_headers(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        for name, value in headers:
            self.headers[name.decode("latin-1")] = value.decode("latin-1")
        status = self.headers[":status"]
        if not re.fullmatch(r"[1-9][0-9]{2}", status):  # h2 does not validate the status
            raise _protocol_error(f"status {status}")
        self.status = int(status)

    def _take_body(self, event: DataReceived) -> None:
        self.body += (event.data or b"")[: REPLY_LENGTH_MAX - len(self.body)]
        self.ended = len(self.body) == REPLY_LENGTH_MAX
        if event.flow_controlled_length and not self.ended:
            self._connection.acknowledge_received_data(event.flow_controlled_length, _STREAM)


def _protocol_error(reason: str) -> ProbeFailedError:
    return ProbeFailedError(Reason.PROTOCOL, f"not an HTTP/2 reply: {reason}")


def _error_name(code: int | None) -> str:
    return code.name if isinstance(code, ErrorCodes) else f"error {code}"
