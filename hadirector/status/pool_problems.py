"""Finds the problems of a virtual server and its real servers. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from checks.definition.result import Verdict
from hadirector.status.report import RealServerStatus, VirtualServerStatus
from hadirector.status.verdict import Level, Problem

NAMED_MAX: Final = 3
"""Real servers that a reason names."""
ENDS_SOON_SECONDS: Final = 600.0
"""An override that expires within this time is a note."""


def pool_problems(server: VirtualServerStatus, *, observing: bool) -> Iterator[Problem]:
    """Yield the problems of a virtual server, the worst first.

    While the director is ``observing``, another program changes the table, so missing entries
    are no problem of this director.
    """
    if not server.present:
        yield Problem(
            level=Level.CRITICAL,
            code="service_missing",
            object=server.name,
            reason="the virtual server is missing from the table, so no client is served",
            remedy="look for failing operations in `hadirector status`",
        )
    yield from _check_problems(server)
    braked = len(server.held) - len(server.unseen)
    if braked:
        yield Problem(
            level=Level.DEGRADED,
            code="servers_held",
            object=server.name,
            reason=f"min_healthy holds {_number(braked)} in the pool although the check fails",
            remedy="repair the failing real servers, or lower min_healthy",
        )
    if server.outgoing:
        yield Problem(
            level=Level.DEGRADED,
            code="servers_outgoing",
            object=server.name,
            reason=f"{_names(server.outgoing)} left the configuration and still serve",
            remedy="wait until the new real servers pass; if they keep failing, load the former"
            " file again",
        )
    if not observing:
        yield from _table_problems(server)
    for member in server.real_servers:
        left = member.override_expires_in
        if left is not None and left <= ENDS_SOON_SECONDS:
            yield _ends_soon(server, member, left)


def _check_problems(server: VirtualServerStatus) -> Iterator[Problem]:
    """Yield at most one problem of the pool as a whole, and one of its sorry server."""
    members = _present(server)
    failing = [member for member in members if member.verdict is Verdict.FAILING]
    unknown = [member for member in members if member.verdict is Verdict.UNKNOWN]
    if server.real_servers and not any(each.wanted_weight for each in server.real_servers):
        yield _nothing_serves(server, failing, unknown)
    elif failing and len(failing) == len(members):
        yield _failing(server, failing, Level.CRITICAL, "no_server_passes")
    elif server.has_quorum is False:
        yield Problem(
            level=Level.CRITICAL,
            code="quorum_lost",
            object=server.name,
            reason=server.quorum,
            remedy=_why(server, failing),
            age=_youngest(failing),
        )
    elif failing:
        yield _failing(server, failing, Level.DEGRADED, "servers_failing")
    elif unknown:
        yield _unknown(server, unknown)
    sorry = server.sorry_server
    if sorry is not None and sorry.verdict is Verdict.FAILING:
        yield Problem(
            level=Level.DEGRADED,
            code="sorry_server_failing",
            object=server.name,
            reason=f"the sorry server {sorry.address} fails: {sorry.reason}",
            remedy="repair the sorry server: it cannot serve if the pool loses its quorum",
            age=sorry.verdict_age,
        )


def _present(server: VirtualServerStatus) -> list[RealServerStatus]:
    """Return the real servers that are not absent from their source."""
    return [member for member in server.real_servers if not member.absent]


def _nothing_serves(
    server: VirtualServerStatus,
    failing: Sequence[RealServerStatus],
    unknown: Sequence[RealServerStatus],
) -> Problem:
    if not failing and unknown:
        return _unknown(server, unknown)
    present = _present(server)
    sorry = server.sorry_server
    instead = "the sorry server serves" if sorry is not None and sorry.wanted_weight else ""
    effect = instead or "no client is served"
    if failing:
        return Problem(
            level=Level.CRITICAL,
            code="no_server_serves",
            object=server.name,
            reason=f"{effect}: {_fail(len(failing), len(present))} {_example(failing)}",
            remedy=_why(server, failing),
            age=_youngest(failing),
        )
    first = (present or server.real_servers)[0]
    return Problem(
        level=Level.CRITICAL,
        code="no_server_serves",
        object=server.name,
        reason=f"{effect}: no real server has a weight (for example {first.address}:"
        f" {first.weight_reason or 'configured'})",
        remedy="end an override with `hadirector undrain` or `enable`, or configure a weight",
    )


def _failing(
    server: VirtualServerStatus, failing: Sequence[RealServerStatus], level: Level, code: str
) -> Problem:
    members = _present(server)
    serving = sum(bool(member.wanted_weight) for member in members)
    return Problem(
        level=level,
        code=code,
        object=server.name,
        reason=f"{serving} of {len(members)} real servers serve;"
        f" {_fail(len(failing), len(members))}"
        f" {_example(failing)}",
        remedy=_why(server, failing),
        age=_youngest(failing),
    )


def _fail(failing: int, total: int) -> str:
    if failing == total:
        return "all real servers fail"
    return "1 real server fails" if failing == 1 else f"{failing} real servers fail"


def _example(failing: Sequence[RealServerStatus]) -> str:
    """Name the first failing real server with the outcome of its latest probe."""
    first = failing[0]
    example = "for example " if len(failing) > 1 else ""
    return f"({example}{first.address}: {first.reason})"


def _unknown(server: VirtualServerStatus, unknown: Sequence[RealServerStatus]) -> Problem:
    return Problem(
        level=Level.DEGRADED,
        code="servers_unknown",
        object=server.name,
        reason=f"{len(unknown)} of {len(_present(server))} real servers have no verdict yet",
        remedy="wait for the first probes; if this state lasts, look at the checks process",
    )


def _table_problems(server: VirtualServerStatus) -> Iterator[Problem]:
    members = server.real_servers
    differing = [member for member in members if member.actual_weight != member.wanted_weight]
    if server.present and differing:
        yield Problem(
            level=Level.DEGRADED,
            code="weights_differ",
            object=server.name,
            reason="the table does not have the wanted weight of"
            f" {_names([member.address for member in differing])}",
            remedy="no action is needed during a change; if the difference lasts, look for"
            " failing operations",
        )


def _ends_soon(server: VirtualServerStatus, member: RealServerStatus, left: float) -> Problem:
    return Problem(
        level=Level.OK,
        code="override_ends_soon",
        object=f"{server.name}/{member.address}",
        reason=f"the override ({member.override}) ends in {max(0, round(left))} s",
        remedy="set the override again with a longer --for, if the override is still needed",
    )


def _why(server: VirtualServerStatus, failing: Sequence[RealServerStatus]) -> str:
    if not failing:
        return f"`hadirector why {server.name}` shows the weight of each real server"
    return f"repair them; `hadirector why {server.name}/{failing[0].address}` explains the first"


def _youngest(failing: Sequence[RealServerStatus]) -> float | None:
    """Return for how long the latest failure lasts: since then the pool is in this state."""
    return min(
        (member.verdict_age for member in failing if member.verdict_age is not None), default=None
    )


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
    return f"{', '.join(names[:NAMED_MAX])}{more}"


def _number(count: int) -> str:
    return f"{count} real server{'' if count == 1 else 's'}"
