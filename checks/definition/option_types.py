"""What values an option of a probe may take. It is said here, and enforced by who reads them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, NamedTuple


class Text(NamedTuple):
    """Text that matches ``pattern`` as a whole; ``what`` describes it to an operator."""

    pattern: str
    what: str


class Whole(NamedTuple):
    """A whole number from ``low`` to ``high``."""

    low: int
    high: int


class Span(NamedTuple):
    """A duration from ``low`` to ``high``, both written with a unit; seconds when read."""

    low: str
    high: str


class Form(StrEnum):
    """What has a reading of its own."""

    REGULAR_EXPRESSION = "regular expression"
    PAYLOAD = "payload"
    STATUS_RANGE = "status range"
    HEADERS = "headers"
    JSON_VALUES = "JSON values"
    HIDDEN_TEXT = "text that is not shown"
    CHECKS = "checks"


Kind = Text | Whole | Span | Form

RequestPath = Annotated[
    str, Text(r"/[\x21-\x22\x24-\x7e]{0,2047}", "a path that begins with / and has no #")
]
# Labels of DNS's length: Python's ssl raises for an SNI that has others.
HostName = Annotated[
    str,
    Text(
        r"(?=.{1,253}\Z)([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}",
        "a host name or IPv4 address, without port",
    ),
]
DomainName = Annotated[
    str,
    Text(r"(?=.{1,253}\Z)([A-Za-z0-9_*-]{1,63}\.)*[A-Za-z0-9_*-]{1,63}\.?|\.", "a domain name"),
]
FilePath = Annotated[str, Text(r"/[\x20-\x7e]{1,1023}", "the absolute path of a file")]
UserName = Annotated[str, Text(r"[a-z_][a-z0-9_-]{0,31}", "the name of a user of this host")]
# PostgreSQL cuts names at NAMEDATALEN - 1.
RoleName = Annotated[str, Text(r"[\x21-\x7e]{1,63}", "a name of 1 to 63 visible characters")]
# MariaDB's limit; MySQL's is 32.
AccountName = Annotated[str, Text(r"[\x21-\x7e]{1,80}", "a name of 1 to 80 visible characters")]
ServiceName = Annotated[
    str, Text(r"[\x21-\x7e]{0,127}", "the name of a service, such as package.Service")
]
Argument = Annotated[
    str, Text(r"[^\x00-\x1f\x7f]{0,1023}", "an argument without control characters")
]
Sha256 = Annotated[str, Text(r"[0-9a-f]{64}", "64 hexadecimal digits, as sha256sum prints them")]
RegularExpression = Annotated[str, Form.REGULAR_EXPRESSION]
Payload = Annotated[bytes, Form.PAYLOAD]
StatusRange = Annotated[tuple[int, int], Form.STATUS_RANGE]
Headers = Annotated[tuple[tuple[str, str], ...], Form.HEADERS]
JsonScalar = str | int | float | bool
JsonValues = Annotated[tuple[tuple[str, JsonScalar], ...], Form.JSON_VALUES]
HiddenText = Annotated[str, Form.HIDDEN_TEXT]
