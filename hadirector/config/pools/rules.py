"""Rules for the policies of a pool: quorum, slow start, flap damping, sorry server."""

from __future__ import annotations

from collections.abc import Iterator

from hadirector.config.checks.rules import check_findings
from hadirector.config.document.finding import Finding, Path, wrong
from hadirector.config.pools.policies import FlapDampingSection
from hadirector.config.pools.schema import destination
from hadirector.config.services.schema import VirtualServerSection
from hadirector.model.ipvs import HASH_SCHEDULERS, Scheduler


def pool_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    """Yield policies that contradict each other, or that can never have an effect."""
    yield from _quorum_findings(path, server)
    yield from _min_healthy_findings(path, server)
    yield from _slow_start_findings(path, server)
    yield from _reserve_findings(path, server)
    yield from _flap_damping_findings((*path, "flap_damping"), server.flap_damping)
    yield from _sorry_server_findings((*path, "sorry_server"), server)


def _quorum_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    """Yield a quorum that the pool can never lose or never regain.

    The default quorum of 1 is not checked: it is right for a pool of any size.
    """
    if server.hysteresis >= server.quorum:
        expected = (
            f"less than the quorum, {server.quorum}; otherwise the pool never loses its quorum"
        )
        yield Finding((*path, "hysteresis"), wrong(str(server.hysteresis), expected))
        return
    if server.discovers:
        return  # the number of real servers is not known
    total = sum(member.weight for _, member in server.members if not member.reserve)
    needed = server.quorum + server.hysteresis
    if "quorum" in server.model_fields_set and needed > total and None not in server.real_servers:
        expected = f"at most {total}, the total weight of the real servers, with the hysteresis"
        yield Finding((*path, "quorum"), wrong(str(needed), expected))


def _min_healthy_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    """Yield a minimum that the pool can never reach: every failing server would stay forever."""
    minimum, count = server.min_healthy.count, len(server.real_servers)
    if server.discovers:
        return
    if minimum > count:
        expected = f"at most the number of real servers, {count}"
        yield Finding((*path, "min_healthy"), wrong(str(minimum), expected))


def _slow_start_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    """Yield slow starts that have no effect or do harm with this scheduler or weight."""
    places: list[Path] = [] if server.slow_start is None else [path]
    for step, real_server in server.members:
        place = (*path, *step)
        if real_server.slow_start is not None:
            places.append(place)
        if real_server.weight == 1 and (real_server.slow_start or server.slow_start):
            key = "weight" if "weight" in real_server.model_fields_set else "address"
            message = "slow_start needs a weight above 1, because weights are whole numbers"
            yield Finding((*place, key), f"{message}; use 10 or 100, for example")
    for place in places:
        if server.scheduler in HASH_SCHEDULERS:
            message = (
                f"with scheduler {server.scheduler}, each step of a weight would send clients to"
                " other real servers; leave this out"
            )
            yield Finding((*place, "slow_start"), message)
        elif server.scheduler in _SCHEDULERS_WITHOUT_SHARES:
            message = (
                f"scheduler {server.scheduler} does not distribute connections by weight (expected"
                " a scheduler such as wrr or wlc)"
            )
            yield Finding((*place, "slow_start"), message)


def _reserve_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    for step, real_server in server.members:
        if real_server.reserve and server.scheduler not in HASH_SCHEDULERS:
            message = (
                "only the schedulers sh and mh have a table with reserved parts (got scheduler"
                f" {server.scheduler})"
            )
            yield Finding((*path, *step, "reserve"), message)
        elif real_server.reserve and not real_server.weight:
            message = "a real server in reserve needs a weight above 0, which is its part"
            yield Finding((*path, *step, "weight"), message)


# For rr, lc and dh, all weights above 0 are equal (ip_vs_rr.c, ip_vs_lc.c, ip_vs_dh.c). fo uses
# only the server with the highest weight (ip_vs_fo.c).
_SCHEDULERS_WITHOUT_SHARES = (Scheduler.RR, Scheduler.LC, Scheduler.DH, Scheduler.FO)


def _flap_damping_findings(path: Path, damping: FlapDampingSection | None) -> Iterator[Finding]:
    if damping is not None and damping.hold > damping.hold_max:
        expected = f"at most hold_max, {damping.hold_max:g} s"
        place = path if "hold" not in damping.model_fields_set else (*path, "hold")
        yield Finding(place, wrong(f"a hold of {damping.hold:g} s", expected))


def _sorry_server_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    sorry = server.sorry_server
    if sorry is None:
        return
    key = destination(sorry.address, server.port)
    if any(
        destination(real_server.address, server.port) == key for _, real_server in server.members
    ):
        message = f"the sorry server cannot be one of the real servers ({key})"
        yield Finding((*path, "address"), message)
    if sorry.check is not None:
        yield from check_findings((*path, "check"), sorry.check)
