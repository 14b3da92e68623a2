"""Compares the status and body of a reply with the expectations of a check."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from checks.definition.options import HttpProbe
from checks.io.pattern import Offsets, search

_ABSENT = object()


def find_status_fault(status: int, probe: HttpProbe) -> str | None:
    """Describe an unexpected status; None if the status is expected."""
    for low, high in probe.expect_status:
        if low <= status <= high:
            return None
    ranges = (str(low) if low == high else f"{low}-{high}" for low, high in probe.expect_status)
    return f"status {status}, expected {' or '.join(ranges)}"


def find_body_fault(body: bytes, probe: HttpProbe, target: str) -> str | None:
    """Describe an unexpected body, by its first 64 KiB; None if the body is as expected.

    ``target`` is the identity of the check. Raises the exceptions of `search`.
    """
    if probe.expect_body is not None and not _is_in_body(probe.expect_body, body, probe, target):
        return describe_mismatch(probe.expect_body, body, "body") + _describe_offsets(probe)
    if probe.expect_not is not None and _is_in_body(probe.expect_not, body, probe, target):
        unexpected = f"body of {len(body)} bytes matches /{probe.expect_not}/, which must not occur"
        return unexpected + _describe_offsets(probe)
    if probe.expect_sha256 is not None:
        digest = hashlib.sha256(body).hexdigest()
        if digest != probe.expect_sha256:
            return f"body of {len(body)} bytes has the SHA-256 {digest}"
    if probe.expect_md5 is not None:
        digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
        if digest != probe.expect_md5:
            return f"body of {len(body)} bytes has the MD5 {digest}"
    return _find_json_fault(body, probe) if probe.expect_json else None


def _is_in_body(pattern: str, body: bytes, probe: HttpProbe, target: str) -> bool:
    """Return whether the pattern matches at an offset that the probe permits.

    The offsets are bytes. The text before an offset becomes as many characters as begin in it,
    because an incomplete character at its end becomes one U+FFFD.
    """
    low, high = probe.expect_offset_min, probe.expect_offset_max
    if low is None and high is None:
        return matches(pattern, body, target)
    first = 0 if low is None else len(_decode(body[:low]))
    last = None if high is None else len(_decode(body[: high + 1])) - 1
    return search(pattern, _decode(body), target, Offsets(first, last))


def _describe_offsets(probe: HttpProbe) -> str:
    low, high = probe.expect_offset_min, probe.expect_offset_max
    bounds = [f"from byte {low}"] * (low is not None) + [f"to byte {high}"] * (high is not None)
    return "".join(f" {bound}" for bound in bounds)


def matches(pattern: str, text: bytes, target: str) -> bool:
    """Return whether the pattern matches in a text in UTF-8. An invalid byte becomes U+FFFD.

    ``target`` is the identity of the check. Raises the exceptions of `search`.
    """
    return search(pattern, _decode(text), target)


def _decode(text: bytes) -> str:
    return text.decode("utf-8", errors="replace")


def describe_mismatch(pattern: str, text: bytes, name: str) -> str:
    """Return the message for a text that does not match the expected pattern."""
    return f"{name} of {len(text)} bytes does not match /{pattern}/"


def _find_json_fault(body: bytes, probe: HttpProbe) -> str | None:
    try:
        document = json.loads(body)
    # ValueError: not JSON, not UTF-8, or a number with more digits than Python accepts.
    except (ValueError, RecursionError) as error:
        return f"body of {len(body)} bytes is not JSON: {error}"
    for path, expected in probe.expect_json:
        found = _find(document, path)
        if found is _ABSENT:
            return f"JSON has no value at {path}"
        # true equals 1 in Python, but not in JSON.
        if found != expected or isinstance(found, bool) != isinstance(expected, bool):
            return f"JSON {path} is {json.dumps(found)}, expected {json.dumps(expected)}"
    return None


def _find(document: Any, path: str) -> Any:
    """Return the value at a path such as ``services.0.state`` in a JSON document."""
    for step in path.split("."):
        if isinstance(document, dict):
            document = document.get(step, _ABSENT)
        elif isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        else:
            return _ABSENT
    return document
