"""Reads one HTTP/1 reply from bytes as they come, within bounds."""

from __future__ import annotations

import httptools

from checks.definition.result import Reason
from checks.io.attempt import ProbeFailedError
from checks.io.connection import REPLY_LENGTH_MAX

HEADERS_LENGTH_MAX = 64 * 1024
"""Bytes of status line and headers that are read; more is a fault of the server's."""

READ_LENGTH_MAX = HEADERS_LENGTH_MAX + 8 * REPLY_LENGTH_MAX
"""Bytes of a whole reply that are read: a body in chunks of one byte takes six times its length."""

_INFORMATIONAL = range(100, 200)
_LENGTHS = frozenset({len(b"content-length"), len(b"transfer-encoding"), len(b"location")})


class Reply:
    """One reply. The parser beneath is llhttp, which Node.js uses; it is strict about the form."""

    def __init__(self, *, has_body: bool) -> None:
        self.status: int | None = None
        self.location: str | None = None
        self.body = bytearray()
        self.ended = False
        self._has_body = has_body
        self._length_known = False
        self._fed = 0
        self._headers_length = 0
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Take what has come. Raises ProbeFailedError when it is not HTTP."""
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as error:
            raise _no_reply("it changes the protocol") from error
        except httptools.HttpParserError as error:
            if not self.ended:  # what follows a whole reply is of no interest
                raise _no_reply(str(error)) from error
        headers_length = self._fed if self.status is None else self._headers_length
        if headers_length > HEADERS_LENGTH_MAX:
            raise _no_reply(f"headers of more than {HEADERS_LENGTH_MAX} bytes")
        if self._fed > READ_LENGTH_MAX and not self.ended:
            raise _no_reply(f"more than {READ_LENGTH_MAX} bytes, and little of a body in them")

    def finish(self, stage: str) -> None:
        """Take the end of the connection, which ends a body of unknown length."""
        if self.status is None:
            detail = f"{stage}: connection closed without a complete reply"
            raise ProbeFailedError(Reason.PROTOCOL, detail)
        if self._length_known and not self.ended:
            detail = f"{stage}: connection closed before its end"
            raise ProbeFailedError(Reason.PROTOCOL, detail)
        self.ended = True

    def to_send(self) -> bytes:
        """Nothing: after its request a client has no more to say."""
        return b""

    # -- called by the parser -------------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep what is needed of a header."""
        length = len(name)
        self._headers_length += length + len(value)
        if length not in _LENGTHS:
            return  # nearly all of them
        match name.lower():
            case b"content-length" | b"transfer-encoding":
                self._length_known = True
            case b"location":
                self.location = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Know the status, unless the reply proper is still to come."""
        status = self._parser.get_status_code()
        if status in _INFORMATIONAL:
            self._length_known = False
        else:
            self.status = status
            self.ended = not self._has_body

    def on_body(self, part: bytes) -> None:
        """Keep as much of the body as is read."""
        self.body += part[: REPLY_LENGTH_MAX - len(self.body)]
        self.ended = self.ended or len(self.body) == REPLY_LENGTH_MAX

    def on_message_complete(self) -> None:
        """The reply proper has ended, or an informational one before it."""
        self.ended = self.status is not None


def _no_reply(why: str) -> ProbeFailedError:
    return ProbeFailedError(Reason.PROTOCOL, f"not an HTTP reply: {why}")
