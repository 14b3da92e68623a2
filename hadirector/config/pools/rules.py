"""Judges what a virtual server says of its pool: quorum, slow start, sorry server."""

from __future__ import annotations

from collections.abc import Iterator

from hadirector.config.checks.rules import check_findings
from hadirector.config.document.finding import Finding, Path, wrong
from hadirector.config.keys.section import valid_items
from hadirector.config.pools.schema import FlapDampingSection
from hadirector.config.schema import VirtualServerSection
from hadirector.model.ipvs import HASH_SCHEDULERS, Scheduler


def pool_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    """Find what can never come true, or contradicts itself."""
    yield from _quorum_findings(path, server)
    yield from _minimum_findings(path, server)
    yield from _slow_start_findings(path, server)
    yield from _damping_findings((*path, "flap_damping"), server.flap_damping)
    if server.sorry_server is not None:
        key = server.sorry_server.key(server)
        if any(each.key(server) == key for _, each in valid_items(server.real_servers)):
            message = f"the sorry server cannot be one of the real servers ({key})"
            yield Finding((*path, "sorry_server", "address"), message)
        if server.sorry_server.check is not None:
            yield from check_findings((*path, "sorry_server", "check"), server.sorry_server.check)


def _minimum_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    """A number of servers that can never be reached would hold every failing one for ever."""
    count, there = server.min_healthy.count, len(server.real_servers)
    if count > there:
        expected = f"at most the number of real servers, {there}"
        yield Finding((*path, "min_healthy"), wrong(str(count), expected))


def _slow_start_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    """A weight can grow only where the scheduler goes by weights, and there is room for a step."""
    asking: list[Path] = [] if server.slow_start is None else [path]
    for index, each in valid_items(server.real_servers):
        place: Path = (*path, "real_servers", index)
        if each.slow_start is not None:
            asking.append(place)
        if each.weight == 1 and (each.slow_start or server.slow_start):
            at = "weight" if "weight" in each.model_fields_set else "address"
            message = "a weight of 1 has nothing to grow from; under slow_start give 10 or 100"
            yield Finding((*place, at), message)
    for place in asking:
        if server.scheduler in HASH_SCHEDULERS:
            message = f"{server.scheduler} would send clients elsewhere with every step of a weight"
            yield Finding((*place, "slow_start"), message)
        elif server.scheduler in _UNGRADED:
            message = f"{server.scheduler} does not share by weights (wrr and wlc do)"
            yield Finding((*place, "slow_start"), message)


def _damping_findings(path: Path, damping: FlapDampingSection | None) -> Iterator[Finding]:
    if damping is not None and damping.hold > damping.hold_max:
        expected = f"at most hold_max, {damping.hold_max:g} s"
        place = path if "hold" not in damping.model_fields_set else (*path, "hold")
        yield Finding(place, wrong(f"a hold of {damping.hold:g} s", expected))


# To these a weight above 0 is like any other (ip_vs_rr.c, ip_vs_lc.c, ip_vs_dh.c); fo takes the
# highest one and no other (ip_vs_fo.c).
_UNGRADED = (Scheduler.RR, Scheduler.LC, Scheduler.DH, Scheduler.FO)


def _quorum_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    """A quorum can be lost and reached again; one nobody wrote down is 1 of whatever there is."""
    if server.hysteresis >= server.quorum:
        expected = f"less than the quorum, {server.quorum}: nothing passing is never enough"
        yield Finding((*path, "hysteresis"), wrong(str(server.hysteresis), expected))
        return
    total = sum(each.weight for _, each in valid_items(server.real_servers))
    needed = server.quorum + server.hysteresis
    if "quorum" in server.model_fields_set and needed > total and None not in server.real_servers:
        expected = f"with the hysteresis at most {total}, the weight of all real servers together"
        yield Finding((*path, "quorum"), wrong(str(needed), expected))
