"""Judges a status and a body by what a check expects of them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from checks.definition.options import HttpProbe
from checks.io.pattern import search

_ABSENT = object()


def status_fault(status: int, probe: HttpProbe) -> str | None:
    """Say what is wrong with a status; None when it is expected."""
    for low, high in probe.expect_status:
        if low <= status <= high:
            return None
    ranges = (str(low) if low == high else f"{low}-{high}" for low, high in probe.expect_status)
    return f"status {status}, expected {' or '.join(ranges)}"


def body_fault(body: bytes, probe: HttpProbe) -> str | None:
    """Say what is wrong with a body, the first 64 KiB of it; None when it is as expected.

    Raises SearchTooLongError.
    """
    if probe.expect_body is not None and not is_found(probe.expect_body, body):
        return mismatch(probe.expect_body, body, "body")
    if probe.expect_sha256 is not None:
        digest = hashlib.sha256(body).hexdigest()
        if digest != probe.expect_sha256:
            return f"body of {len(body)} bytes has the SHA-256 {digest}"
    return _json_fault(body, probe) if probe.expect_json else None


def is_found(pattern: str, text: bytes) -> bool:
    """Search UTF-8 text, in which a byte that does not belong matches only as U+FFFD.

    Raises SearchTooLongError.
    """
    return search(pattern, text.decode("utf-8", errors="replace"))


def mismatch(pattern: str, text: bytes, what: str) -> str:
    """Say that a text has not what is expected in it."""
    return f"{what} of {len(text)} bytes does not match /{pattern}/"


def _json_fault(body: bytes, probe: HttpProbe) -> str | None:
    try:
        document = json.loads(body)
    # ValueError: not JSON, not UTF-8, or a number of more digits than Python reads.
    except (ValueError, RecursionError) as error:
        return f"body of {len(body)} bytes is not JSON: {error}"
    for path, expected in probe.expect_json:
        found = _find(document, path)
        if found is _ABSENT:
            return f"JSON has no {path}"
        # In Python true equals 1, in JSON it does not.
        if found != expected or isinstance(found, bool) != isinstance(expected, bool):
            return f"JSON {path} is {json.dumps(found)}, expected {json.dumps(expected)}"
    return None


def _find(document: Any, path: str) -> Any:
    """Follow a path such as ``services.0.state`` into a JSON document."""
    for step in path.split("."):
        if isinstance(document, dict):
            document = document.get(step, _ABSENT)
        elif isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        else:
            return _ABSENT
    return document
