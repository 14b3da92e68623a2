"""Rules for the combination of the keys of one check."""

from __future__ import annotations

from collections.abc import Iterator

from checks.definition.check import Timing
from checks.definition.contradictions import contradictions
from checks.definition.queries import requests_exit_weight, transports
from hadirector.config.checks.schema import NONE, CheckSection
from hadirector.config.document.finding import Finding, Path

_TIMING = {
    *("interval", "timeout", "rise", "fall"),
    *("fast_interval", "slow_interval", "jitter", "weight_step", "weight_max"),
}
_KEYS_OF_OUTER_CHECK = {"via", *_TIMING, "idle_connection"}
_TARGET = frozenset({"address", "interface", "mark", "port", "source"})
"""The keys of a member that decide the way of its probe."""


def check_findings(path: Path, check: CheckSection) -> Iterator[Finding]:
    """Yield keys that a check of this type does not use, and values that contradict each other."""
    for key in sorted(check.model_fields_set & _unused_keys(check)):
        yield Finding((*path, key), f"a check of this type has no {key}")
    if check.type == NONE:
        return
    yield from _timing_findings(path, check.timing)
    if check.idle_connection and "tcp" not in transports(check.probe):
        message = f"a check of type {check.type} has no TCP port for an idle connection"
        yield Finding((*path, "idle_connection"), message)
    if requests_exit_weight(check.probe):
        for key in sorted(check.model_fields_set & {"weight_step", "weight_max"}):
            message = (
                "limits a percentage of the weight, but exit_weight requests the weight itself"
            )
            yield Finding((*path, key), message)
    for index, member in enumerate(check.members):
        yield from _member_findings((*path, "checks", index), member)
    if check.via is not None:
        yield from _via_findings(path, check)
    for key, message in contradictions(check.probe):
        yield Finding((*path, key), message)


def source_findings(path: Path, check: CheckSection, target: str) -> Iterator[Finding]:
    """Yield a finding if the source and the probed address have different address families."""
    # `services.via_vip` has the rules for a source of checks with via.
    if check.via is not None or check.type == "none":
        return
    for index, member in enumerate(check.members or (check,)):
        source = member.source or check.source
        probed = member.address or check.address or target
        uses_source = "source" not in member.probe.traits.unused_keys
        if source is not None and uses_source and (":" in source) != (":" in probed):
            message = (
                f"the source {source} and the probed address {probed} have different address"
                " families"
            )
            own = ("checks", index) if member is not check and member.source else ()
            yield Finding((*path, *own, "source"), message)
            return


def _timing_findings(path: Path, timing: Timing) -> Iterator[Finding]:
    fast, slow, interval = timing.fast_interval, timing.slow_interval, timing.interval
    if fast is not None and fast > interval:
        message = f"wrong value (got {fast:g}s, expected at most the interval, {interval:g}s)"
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


def _unused_keys(check: CheckSection) -> set[str]:
    """Return the keys that a check of this type does not use."""
    if check.type == NONE:
        return CheckSection.model_fields.keys() - {"type"}
    return set(check.probe.traits.unused_keys)


def _member_findings(path: Path, member: CheckSection) -> Iterator[Finding]:
    """Yield the keys that a check within another check cannot have."""
    yield from check_findings(path, member)
    for key in sorted(member.model_fields_set & _KEYS_OF_OUTER_CHECK):
        yield Finding((*path, key), f"{key} belongs to the outer check; leave {key} out here")
    if member.members:
        message = f"a check of type {member.type} cannot be within another check"
        yield Finding((*path, "type"), message)


def _via_findings(path: Path, check: CheckSection) -> Iterator[Finding]:
    """Yield the keys that a probe through IPVS cannot have."""
    for key in sorted(check.model_fields_set & _SET_BY_VIA.keys()):
        yield Finding((*path, key), f"with via: vip {_SET_BY_VIA[key]}; leave this out")
    for index, member in enumerate(check.members):
        place = (*path, "checks", index)
        for key in sorted(member.model_fields_set & _TARGET):
            message = "with via: vip every probe goes to the virtual server; leave this out"
            yield Finding((*place, key), message)
        if member.type != NONE and not transports(member.probe) and not member.members:
            message = f"a probe of type {member.type} cannot go through IPVS (via: vip)"
            yield Finding((*place, "type"), message)


_SET_BY_VIA = {
    "address": "every probe goes to the address of the virtual server",
    "interface": "IPVS selects the interface of the probe",
    "mark": "every real server gets a firewall mark from probe_marks of director",
}
