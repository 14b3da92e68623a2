"""Judges the combination of keys in one check."""

from __future__ import annotations

from collections.abc import Iterator

from hadirector.config.finding import Finding, Path
from hadirector.config.schema import CheckSection

_HTTP_KEYS = ("path", "host", "expect_status", "expect_body")
_TLS_KEYS = ("tls_verify", "tls_ca_file")


def check_findings(path: Path, check: CheckSection) -> Iterator[Finding]:
    """Find keys that the check's type has no use for, and values that contradict each other."""
    given = check.model_fields_set
    for key in sorted(given & _useless(check.type, given)):
        yield Finding((*path, key), f"a check of type {check.type} has no {key}")
    timing = check.timing
    if timing.timeout > timing.interval:
        message = (
            f"a probe must end before the next begins (got a timeout of {timing.timeout:g}s,"
            f" expected at most the interval, {timing.interval:g}s)"
        )
        yield Finding((*path, "timeout"), message)
    if not check.expect_status:
        message = "no status can pass (got an empty list, expected codes from 100 to 599)"
        yield Finding((*path, "expect_status"), message)
    if not check.tls_verify and check.tls_ca_file is not None:
        message = "no certificate is verified with tls_verify: false, so this has no use"
        yield Finding((*path, "tls_ca_file"), message)


def _useless(kind: str, given: set[str]) -> set[str]:
    match kind:
        case "none":
            return given - {"type"}
        case "tcp":
            return {*_HTTP_KEYS, *_TLS_KEYS}
        case "http":
            return set(_TLS_KEYS)
        case _:
            return set()
