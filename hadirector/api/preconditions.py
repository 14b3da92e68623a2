"""Reads the preconditions of a request: If-Match and If-None-Match (RFC 9110 section 13.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from hadirector.director.override_requests import NO_PRECONDITION, Precondition

_TAGS: Final = re.compile(r'"([\x21\x23-\x7e]*)"')


def read_precondition(headers: Mapping[str, str]) -> Precondition:
    """Return what a request demands of the current object.

    A value without a usable tag matches no object.
    """
    match, none_match = headers.get("If-Match"), headers.get("If-None-Match")
    if match is not None:
        if match.strip() == "*":
            return Precondition(exists=True)
        return Precondition(any_of=read_tags(match))
    if none_match is not None and none_match.strip() == "*":
        return Precondition(exists=False)
    return NO_PRECONDITION


def read_tags(value: str) -> frozenset[str]:
    """Return the entity tags in a header."""
    return frozenset(_TAGS.findall(value))
