"""Decodes the parameters and the body of a request. A message names the place of a fault. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final, TypeVar

import msgspec

from hadirector.api.problems import Code, Fault, ProblemError

T = TypeVar("T")
FLOAT_INTEGER_MAX: Final = 2.0**53
"""Below it, a float can express every integer."""
_PLACE: Final = re.compile(r"(?P<fault>.*?)(?: - at `(?P<place>[^`]*)`)?", re.DOTALL)
_PART: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_FIELD: Final = re.compile(
    r"Object (?:contains unknown|missing required) field `(?P<field>.*)`", re.DOTALL
)
_EXPECTED: Final = re.compile(r"Expected (?P<expected>.*?)(?:, got .*)?", re.DOTALL)


def decode_query(pairs: Iterable[tuple[str, str]], kind: type[T]) -> T:
    """Decode the parameters of a query as this type. Raises ProblemError."""
    found = list(pairs)
    double = [name for name, count in Counter(name for name, _ in found).items() if count > 1]
    if double:
        detail = f"the parameter {double[0]} occurs more than once"
        raise _refusal(detail, Fault(detail, parameter=double[0]))
    try:
        decoded = msgspec.convert(dict(found), kind, strict=False)
    except msgspec.ValidationError as error:
        fault = describe_fault(str(error), kind)
        name = fault.pointer[1:].split("/", 1)[0]
        raise _refusal(
            f"the query has a fault: {_name_place(name)}{fault.detail}",
            msgspec.structs.replace(fault, pointer="", parameter=name),
        ) from error
    for name, value in found:
        if value == "null" and getattr(decoded, name, value) is None:
            detail = f"the parameter {name} has no value"
            raise _refusal(detail, Fault(detail, parameter=name))
    return decoded


def decode_body(content: bytes, kind: type[T]) -> T:
    """Decode the JSON body as this type. Raises ProblemError."""
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        if "got `float`" in str(error) and (whole := _whole_numbers(content)) != content:
            return decode_body(whole, kind)
        fault = describe_fault(str(error), kind)
        detail = f"the body has a fault: {_name_place(fault.pointer)}{fault.detail}"
        raise _refusal(detail, fault) from error
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        detail = f"the body is not JSON: {error}"
        raise _refusal(detail, Fault(detail, expected="JSON (RFC 8259) in UTF-8")) from error


def _whole_numbers(content: bytes) -> bytes:
    """Write numbers such as 3.0 as 3, because both are integers (JSON Schema, section 4.2.3)."""

    def convert(value: object) -> object:
        match value:
            case dict():
                return {key: convert(each) for key, each in value.items()}
            case list():
                return [convert(each) for each in value]
            case float() if value.is_integer() and abs(value) < FLOAT_INTEGER_MAX:
                return int(value)
        return value

    return msgspec.json.encode(convert(msgspec.json.decode(content)))


def describe_fault(message: str, kind: type) -> Fault:
    """Convert a msgspec message to a fault, with its place as a JSON pointer."""
    found = _PLACE.fullmatch(message)
    assert found is not None, "the pattern matches every text"
    pointer = _pointer(found["place"] or "$")
    text = found["fault"]
    named, expected = _FIELD.fullmatch(text), _EXPECTED.fullmatch(text)
    suggestion = ""
    if named:
        name = named["field"]
        pointer += f"/{_escape(name)}"
        if "unknown" in text:
            close = get_close_matches(name, _field_names(kind), n=1)
            suggestion = close[0] if close else ""
            text = f"unknown key {name}"
            text += f", did you mean {suggestion}?" if suggestion else ""
        else:
            text = f"the key {name} is missing"
    return Fault(
        text[:1].lower() + text[1:],
        pointer=pointer,
        expected=expected["expected"].replace("`", "") if expected else "",
        suggestion=suggestion,
    )


def _refusal(detail: str, fault: Fault) -> ProblemError:
    return ProblemError(Code.MALFORMED, detail, [fault])


def _name_place(place: str) -> str:
    return f"{place}: " if place else ""


def _pointer(place: str) -> str:
    """Convert a place such as ``$.orders[0].reason`` to a JSON pointer (RFC 6901)."""
    return "".join(f"/{_escape(key or index)}" for key, index in _PART.findall(place))


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _field_names(kind: type) -> list[str]:
    try:
        fields: Mapping[str, object] = {
            field.encode_name: field for field in msgspec.structs.fields(kind)
        }
    except TypeError:
        return []
    return list(fields)
