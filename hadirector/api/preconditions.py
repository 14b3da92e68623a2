"""Reads the preconditions of a request: If-Match and If-None-Match (RFC 9110 section 13.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from hadirector.api.problems import Code, Fault, ProblemError
from hadirector.director.override_requests import NO_PRECONDITION, Precondition

_TAGS: Final = re.compile(r'(?:W/)?"([\x21\x23-\x7e]*)"')
_LIST: Final = re.compile(rf"\s*{_TAGS.pattern}(?:\s*,\s*{_TAGS.pattern})*\s*")


def read_precondition(headers: Mapping[str, str]) -> Precondition:
    """Return what a request demands of the present object. Raises ProblemError."""
    match, none_match = headers.get("If-Match"), headers.get("If-None-Match")
    if match is not None:
        if match.strip() == "*":
            return Precondition(exists=True)
        return Precondition(any_of=read_tags("If-Match", match))
    if none_match is not None:
        if none_match.strip() == "*":
            return Precondition(exists=False)
        raise _refusal("If-None-Match", "* for a change")
    return NO_PRECONDITION


def read_tags(header: str, value: str) -> frozenset[str]:
    """Return the entity tags in a header. Raises ProblemError."""
    if not _LIST.fullmatch(value):
        raise _refusal(header, 'entity tags such as "7c41e0"')
    return frozenset(_TAGS.findall(value))


def _refusal(header: str, expected: str) -> ProblemError:
    detail = f"{header} has no usable value"
    return ProblemError(
        Code.MALFORMED, f"{detail} (expected {expected})", [Fault(detail, expected=expected)]
    )
