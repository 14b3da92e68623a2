"""Judges the combination of keys in one check."""

from __future__ import annotations

from collections.abc import Iterator

from checks.definition.check import Timing
from checks.definition.contradictions import contradictions
from checks.definition.queries import transports
from hadirector.config.checks.schema import NONE, CheckSection
from hadirector.config.document.finding import Finding, Path

_ROUTE = {"source", "interface", "mark", "via"}
_TIMING = {
    *("interval", "timeout", "rise", "fall"),
    *("fast_interval", "slow_interval", "jitter", "weight_step"),
}


def check_findings(path: Path, check: CheckSection) -> Iterator[Finding]:
    """Find keys that the check's type has no use for, and values that contradict each other."""
    for key in sorted(check.model_fields_set & _useless(check)):
        yield Finding((*path, key), f"a check of this type has no {key}")
    if check.type == NONE:
        return
    yield from _timing_findings(path, check.timing)
    if check.idle_connection and "tcp" not in transports(check.probe):
        message = f"a check of type {check.type} asks no tcp port to keep a connection to"
        yield Finding((*path, "idle_connection"), message)
    for index, member in enumerate(check.members):
        yield from _member_findings((*path, "checks", index), member)
    if check.via is not None:
        yield from _via_findings(path, check)
    for key, message in contradictions(check.probe):
        yield Finding((*path, key), message)


def source_findings(path: Path, check: CheckSection, target: str) -> Iterator[Finding]:
    """Find what a check would ask, from its source, of an address of another family."""
    source = check.source
    if source is None or check.via is not None:  # that has rules of its own
        return
    for each in check.members or (check,):
        asked = each.address or check.address or target
        has_source = "source" not in each.probe.traits.unused_keys
        if has_source and (":" in source) != (":" in asked):
            message = f"{source} and {asked} are not of one address family"
            yield Finding((*path, "source"), message)
            return


def _timing_findings(path: Path, timing: Timing) -> Iterator[Finding]:
    """Find times that do not go with the interval."""
    if timing.timeout > timing.interval:
        message = (
            f"a probe must end before the next begins (got a timeout of {timing.timeout:g}s,"
            f" expected at most the interval, {timing.interval:g}s)"
        )
        yield Finding((*path, "timeout"), message)
    fast, slow, interval = timing.fast_interval, timing.slow_interval, timing.interval
    if fast is not None and not timing.timeout <= fast <= interval:
        message = (
            f"wrong value (got {fast:g}s, expected at least the timeout, {timing.timeout:g}s, and"
            f" at most the interval, {interval:g}s)"
        )
        yield Finding((*path, "fast_interval"), message)
    if slow is not None and slow < interval:
        message = f"wrong value (got {slow:g}s, expected at least the interval, {interval:g}s)"
        yield Finding((*path, "slow_interval"), message)
    shortest = min(interval, fast or interval)
    if timing.jitter > shortest / 2:
        message = (
            f"wrong value (got {timing.jitter:g}s, expected at most half of the shortest interval,"
            f" {shortest / 2:g}s)"
        )
        yield Finding((*path, "jitter"), message)


def _useless(check: CheckSection) -> set[str]:
    """Name the keys that a check of this type has no use for."""
    if check.type == NONE:
        return CheckSection.model_fields.keys() - {"type"}
    return set(check.probe.traits.unused_keys)


def _member_findings(path: Path, member: CheckSection) -> Iterator[Finding]:
    """Find what a check within another one cannot have: a time and a way of its own."""
    yield from check_findings(path, member)
    for key in sorted(member.model_fields_set & {*_ROUTE, *_TIMING, "idle_connection"}):
        yield Finding((*path, key), f"a check within a check has no {key} of its own")
    if member.members:
        message = f"a check of type {member.type} cannot be within another one"
        yield Finding((*path, "type"), message)


def _via_findings(path: Path, check: CheckSection) -> Iterator[Finding]:
    """Find what has no meaning for a probe that IPVS takes to its real server."""
    for key in sorted(check.model_fields_set & _VIA_DECIDES.keys()):
        yield Finding((*path, key), f"via: vip: {_VIA_DECIDES[key]}")
    for index, member in enumerate(check.members):
        place = (*path, "checks", index)
        for key in sorted(member.model_fields_set & {"address", "port"}):
            yield Finding((*place, key), "via: vip: all of its checks ask what is served")
        if member.type != NONE and not transports(member.probe) and not member.members:
            yield Finding((*place, "type"), f"via: vip: no probe of type {member.type} meets IPVS")


_VIA_DECIDES = {
    "address": "each real server is asked by the virtual server's address, and by no other",
    "interface": "the packets leave by where IPVS sends them",
    "mark": "every real server has a mark of its own (the key probe_marks of director)",
}
