"""Readers of the value formats that occur only in checks (`option_types.ValueFormat`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from checks.definition.check import REQUESTED_WEIGHT_MAX
from checks.definition.option_types import JsonScalar, ValueFormat
from hadirector.config.keys.credentials import CREDENTIAL_FILE
from hadirector.config.keys.readers import (
    REGULAR_EXPRESSION,
    Reader,
    expectation_error,
    hidden_expectation_error,
)
from hadirector.model.vip_probes import DEFAULT_MARKS, MarkRange

PAYLOAD_BYTES_MAX = 4096
HEADERS_MAX = 32
JSON_VALUES_MAX = 32
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")  # RFC 9110, section 5.6.2
_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,1022}[\x21-\x7e])?")
_RESERVED_HEADERS = {"host", "connection", "content-length", "transfer-encoding"}
_JSON_PATH = re.compile(r"[^.\x00-\x1f]{1,64}(\.[^.\x00-\x1f]{1,64}){0,15}")
_REQUESTED_WEIGHT = re.compile(r"[1-9][0-9]{0,2}%|1000%", re.ASCII)
_HEXADECIMAL = re.compile(r"hex:((?:[0-9a-fA-F]{2})*)")
_MARK_RANGE = re.compile(
    r"(0x[0-9a-fA-F]{1,8}|[1-9][0-9]{0,9})-(0x[0-9a-fA-F]{1,8}|[1-9][0-9]{0,9})"
)
_STATUS_RANGE = re.compile(r"([1-5][0-9]{2})-([1-5][0-9]{2})")


def _read_requested_weight(value: object) -> int:
    """Read a percentage of a weight, which may be more than the whole weight."""
    if isinstance(value, str) and _REQUESTED_WEIGHT.fullmatch(value):
        return int(value.removesuffix("%"))
    raise expectation_error(f"a percentage from 1% to {REQUESTED_WEIGHT_MAX}%")


REQUESTED_WEIGHT: Final = Reader(_read_requested_weight, f"`1%` to `{REQUESTED_WEIGHT_MAX}%`")


def read_payload(value: object) -> bytes:
    """Read text, which is sent as UTF-8, or ``hex:`` with the hexadecimal digits of bytes."""
    if isinstance(value, str):
        hexadecimal = _HEXADECIMAL.fullmatch(value)
        found = bytes.fromhex(hexadecimal[1]) if hexadecimal else _encode(value)
        incomplete = value.startswith("hex:") and not hexadecimal
        if found is not None and len(found) <= PAYLOAD_BYTES_MAX and not incomplete:
            return found
    raise expectation_error(
        f"text of at most {PAYLOAD_BYTES_MAX} bytes, in quotes, or hex: and pairs of hexadecimal"
        " digits"
    )


def read_status_range(value: object) -> tuple[int, int]:
    """Read a status code, or a range of codes such as 200-299."""
    if type(value) is int and 100 <= value <= 599:
        return value, value
    found = _STATUS_RANGE.fullmatch(value) if isinstance(value, str) else None
    if found is None or found[1] > found[2]:
        raise expectation_error("a status from 100 to 599, or a range such as 200-299")
    return int(found[1]), int(found[2])


def read_headers(value: object) -> tuple[tuple[str, str], ...]:
    """Read the names and values of header fields of a request."""
    if not isinstance(value, dict) or len(value) > HEADERS_MAX:
        raise expectation_error(f"a mapping of at most {HEADERS_MAX} header names to text")
    for name, content in value.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _RESERVED_HEADERS:
            raise expectation_error(
                "names of header fields, other than Host (use the key host), Connection,"
                " Content-Length and Transfer-Encoding"
            )
        if not isinstance(content, str) or not _HEADER_VALUE.fullmatch(content):
            raise expectation_error(
                "visible ASCII text as the value of each header field, in quotes"
            )
    return tuple(value.items())


def read_json_values(value: object) -> tuple[tuple[str, JsonScalar], ...]:
    """Read the expected values of a JSON document, each with its path."""
    if not isinstance(value, dict) or not 1 <= len(value) <= JSON_VALUES_MAX:
        raise expectation_error(
            f"a mapping of 1 to {JSON_VALUES_MAX} paths such as services.0.state to values"
        )
    for path, content in value.items():
        if not _JSON_PATH.fullmatch(path):
            raise expectation_error("paths into JSON such as services.0.state, of at most 16 steps")
        if not isinstance(content, str | int | float | bool):
            raise expectation_error(f"text, a number, true or false as the value of {path}")
    return tuple(value.items())


def read_hidden_text(value: object) -> str:
    """Read a secret text: an error message does not show it."""
    if not isinstance(value, str) or not re.fullmatch(r"[^\x00-\x1f\x7f]{1,256}", value):
        raise hidden_expectation_error("1 to 256 characters, in quotes")
    return value


def _read_mark_range(value: object) -> MarkRange:
    found = _MARK_RANGE.fullmatch(value) if isinstance(value, str) else None
    if found is not None:
        marks = MarkRange(int(found[1], 0), int(found[2], 0))
        if 1 <= marks.first <= marks.last <= 0xFFFFFFFF:
            return marks
    raise expectation_error(f"two firewall marks from 1 to 0xffffffff, such as {DEFAULT_MARKS}")


MARK_RANGE = Reader(_read_mark_range, "`FIRST-LAST`, from 1 to 0xffffffff")
"""FIRST-LAST, decimal or hexadecimal."""


MAPPING_OF_TEXT: Final = {"type": "object", "additionalProperties": {"type": "string"}}
MAPPING_OF_SCALARS: Final = {
    "type": "object",
    "additionalProperties": {"type": ["string", "number", "boolean"]},
}
STATUS_FORMS: Final = {
    "anyOf": [
        {"type": "integer", "minimum": 100, "maximum": 599},
        {"type": "string", "pattern": f"^{_STATUS_RANGE.pattern}$"},
    ]
}
OPTION_READERS: Final[Mapping[ValueFormat, Reader[Any]]] = {
    ValueFormat.REGULAR_EXPRESSION: REGULAR_EXPRESSION,
    ValueFormat.PAYLOAD: Reader(read_payload, "text, or `hex:` and digits"),
    ValueFormat.STATUS_RANGE: Reader(read_status_range, "status, or a range", STATUS_FORMS),
    ValueFormat.HEADERS: Reader(read_headers, "mapping of names to text", MAPPING_OF_TEXT),
    ValueFormat.JSON_VALUES: Reader(
        read_json_values, "mapping of paths to values", MAPPING_OF_SCALARS
    ),
    ValueFormat.HIDDEN_TEXT: Reader(read_hidden_text, "text"),
    ValueFormat.CREDENTIAL_FILE: CREDENTIAL_FILE,
}
"""The reader of each format of the options of a probe."""


def _encode(value: str) -> bytes | None:
    try:
        return value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON-like escapes can write
        return None
