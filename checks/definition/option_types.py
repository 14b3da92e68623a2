"""Value types of probe options: the type of a field states which values are valid.

This module only declares the types. The configuration reader checks the values against them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, NamedTuple


class Text(NamedTuple):
    """Text that matches the whole regular expression ``pattern``.

    Messages show ``description`` instead.
    """

    pattern: str
    description: str


class Integer(NamedTuple):
    """An integer from ``low`` to ``high``."""

    low: int
    high: int


class Duration(NamedTuple):
    """A duration from ``low`` to ``high``, both written with a unit. The value is in seconds."""

    low: str
    high: str


class ValueFormat(StrEnum):
    """The formats of values for which a pattern or a range is not enough. Each has a parser."""

    REGULAR_EXPRESSION = "regular expression"
    PAYLOAD = "payload"
    STATUS_RANGE = "status range"
    HEADERS = "headers"
    JSON_VALUES = "JSON values"
    HIDDEN_TEXT = "text that is not shown"
    CHECKS = "checks"
    CREDENTIAL_FILE = "file, or the name of a credential"


OptionType = Text | Integer | Duration | ValueFormat

RequestPath = Annotated[
    str, Text(r"/[\x21-\x22\x24-\x7e]{0,2047}", "a path that begins with / and has no #")
]
# Python's ssl module raises an exception for an SNI with labels longer than DNS allows.
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
CredentialFile = Annotated[str, ValueFormat.CREDENTIAL_FILE]
Program = Annotated[
    str,
    Text(
        r"/[\x20-\x7e]{1,1023}|(?![.-])[A-Za-z0-9_.+@-]{1,255}",
        "the absolute path of a program, or the name of a program on PATH",
    ),
]
ShellText = Annotated[
    str,
    Text(
        r"(?=(?s:.)*\S)[^\x00-\x08\x0b-\x1f\x7f]{1,4096}",
        "a text for /bin/sh of at most 4096 characters",
    ),
]
UserName = Annotated[str, Text(r"[a-z_][a-z0-9_-]{0,31}", "the name of a user of this host")]
# PostgreSQL truncates names to NAMEDATALEN - 1 bytes.
RoleName = Annotated[str, Text(r"[\x21-\x7e]{1,63}", "a name of 1 to 63 visible characters")]
# The limit of MariaDB is 80 characters, that of MySQL is 32.
AccountName = Annotated[str, Text(r"[\x21-\x7e]{1,80}", "a name of 1 to 80 visible characters")]
ServiceName = Annotated[
    str, Text(r"[\x21-\x7e]{0,127}", "the name of a service, such as package.Service")
]
Argument = Annotated[
    str, Text(r"[^\x00-\x1f\x7f]{0,1023}", "an argument without control characters")
]
Sha256 = Annotated[str, Text(r"[0-9a-f]{64}", "64 hexadecimal digits, as sha256sum prints them")]
Md5 = Annotated[str, Text(r"[0-9a-f]{32}", "32 hexadecimal digits, as md5sum prints them")]
BodyOffset = Annotated[int, Integer(0, 65535)]
BytePattern = Annotated[
    str,
    Text(
        r"hex:(?:[0-9a-fA-FX]{2}){1,512}",
        "hex: and pairs of hexadecimal digits or X, which stands for any digit",
    ),
]
RegularExpression = Annotated[str, ValueFormat.REGULAR_EXPRESSION]
Payload = Annotated[bytes, ValueFormat.PAYLOAD]
StatusRange = Annotated[tuple[int, int], ValueFormat.STATUS_RANGE]
Headers = Annotated[tuple[tuple[str, str], ...], ValueFormat.HEADERS]
JsonScalar = str | int | float | bool
JsonValues = Annotated[tuple[tuple[str, JsonScalar], ...], ValueFormat.JSON_VALUES]
HiddenText = Annotated[str, ValueFormat.HIDDEN_TEXT]
