"""Parses one HTTP/1 reply from a stream of bytes, with limits on its size."""

from __future__ import annotations

import httptools

from checks.definition.result import Reason
from checks.io.attempt import ProbeFailedError
from checks.io.connection import REPLY_LENGTH_MAX

HEADERS_LENGTH_MAX = 64 * 1024
"""The largest size of status line and headers. A larger size is a protocol error."""

READ_LENGTH_MAX = HEADERS_LENGTH_MAX + 8 * REPLY_LENGTH_MAX
"""The largest size of a whole reply. Small chunks make it several times the size of the body."""

PARTS_MAX = 4096
"""The largest number of parts of a body, such as chunks. Each part takes half a microsecond."""

_INFORMATIONAL = range(100, 200)
_LENGTHS = frozenset({len(b"content-length"), len(b"transfer-encoding"), len(b"location")})


class Reply:
    """One reply. The parser is llhttp of Node.js, which is strict about the syntax."""

    def __init__(self, *, has_body: bool) -> None:
        self.status: int | None = None
        self.location: str | None = None
        self.body = bytearray()
        self.ended = False
        self._has_body = has_body
        self._length_known = False
        self._fed = 0
        self._headers_length = 0
        self._parts = 0
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Parse received data. Raises ProbeFailedError if it is not a valid HTTP/1 reply."""
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as error:
            raise _protocol_error("the server switches to another protocol") from error
        except httptools.HttpParserError as error:
            if not self.ended:  # data after a complete reply is ignored
                raise _protocol_error(str(error)) from error
        headers_length = self._fed if self.status is None else self._headers_length
        if headers_length > HEADERS_LENGTH_MAX:
            raise _protocol_error(f"headers of more than {HEADERS_LENGTH_MAX} bytes")
        if self._parts > PARTS_MAX:
            raise _protocol_error(f"a body of more than {PARTS_MAX} parts")
        if self._fed > READ_LENGTH_MAX and not self.ended:
            raise _protocol_error(
                f"it exceeds {READ_LENGTH_MAX} bytes, because its body has many small chunks"
            )

    def finish(self, stage: str) -> None:
        """Handle the end of the connection, which also ends a body of unknown length.

        Raises ProbeFailedError if the reply is incomplete.
        """
        if self.status is None:
            detail = f"{stage}: connection closed without a complete reply"
            raise ProbeFailedError(Reason.PROTOCOL, detail)
        if self._length_known and not self.ended:
            detail = f"{stage}: connection closed before the end of the body"
            raise ProbeFailedError(Reason.PROTOCOL, detail)
        self.ended = True

    def to_send(self) -> bytes:
        """Return no data. HTTP/2 sends acknowledgements here, and HTTP/1 has none."""
        return b""

    # -- called by the parser -------------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        """Store a header that the probe needs, and ignore all others."""
        length = len(name)
        self._headers_length += length + len(value)
        if length not in _LENGTHS:
            return  # nearly all headers
        match name.lower():
            case b"content-length" | b"transfer-encoding":
                self._length_known = True
            case b"location":
                self.location = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Store the status, unless it is an informational one (1xx) before the final reply."""
        status = self._parser.get_status_code()
        if status in _INFORMATIONAL:
            self._length_known = False
        else:
            self.status = status
            self.ended = not self._has_body

    def on_body(self, part: bytes) -> None:
        """Store the body, up to the limit."""
        self._parts += 1
        self.body += part[: REPLY_LENGTH_MAX - len(self.body)]
        self.ended = self.ended or len(self.body) == REPLY_LENGTH_MAX

    def on_message_complete(self) -> None:
        """Mark the reply as complete, unless it is an informational one (1xx)."""
        self.ended = self.status is not None


def _protocol_error(reason: str) -> ProbeFailedError:
    return ProbeFailedError(Reason.PROTOCOL, f"not an HTTP reply: {reason}")
