"""Judges the combination of keys in one check."""

from __future__ import annotations

from collections.abc import Iterator

from checks.options import contradictions, is_of_a_host
from hadirector.config.check_schema import NONE, CheckSection
from hadirector.config.finding import Finding, Path


def check_findings(path: Path, check: CheckSection) -> Iterator[Finding]:
    """Find keys that the check's type has no use for, and values that contradict each other."""
    for key in sorted(check.model_fields_set & _useless(check)):
        yield Finding((*path, key), f"a check of this type has no {key}")
    if check.type == NONE:
        return
    timing = check.timing
    if timing.timeout > timing.interval:
        message = (
            f"a probe must end before the next begins (got a timeout of {timing.timeout:g}s,"
            f" expected at most the interval, {timing.interval:g}s)"
        )
        yield Finding((*path, "timeout"), message)
    if check.source is not None and check.address is not None:
        yield from _family_findings(path, check.source, check.address)
    for key, message in contradictions(check.probe):
        yield Finding((*path, key), message)


def _useless(check: CheckSection) -> set[str]:
    if check.type == NONE:
        return CheckSection.model_fields.keys() - {"type"}
    return {"port"} if is_of_a_host(check.probe) else set()


def _family_findings(path: Path, source: str, address: str) -> Iterator[Finding]:
    if (":" in source) != (":" in address):
        message = f"{source} and {address} are not of one address family"
        yield Finding((*path, "source"), message)
