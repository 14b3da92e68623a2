"""Finds the problems in the status of a director, and decides its verdict. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from hadirector.status.announcement_problems import announcement_problems
from hadirector.status.instance_problems import instance_problems
from hadirector.status.pool_problems import pool_problems
from hadirector.status.readiness_problems import pair_problems
from hadirector.status.report import Status
from hadirector.status.source_problems import publication_problems, source_problems
from hadirector.status.verdict import DirectorVerdict, Level, Problem, decide_verdict
from vrrp.model.report import State

VRRP_PROCESS: Final = "vrrp"
_DIRECTOR: Final = "director"


def judge_director(status: Status) -> DirectorVerdict:
    """Return the verdict on a director: its level, one sentence, and all problems.

    With a pair link, it is the verdict on the pair as this director sees it.
    """
    problems, serving = [*find_problems(status)], describe_serving(status)
    pair = status.pair
    if pair is None:
        return decide_verdict(problems, serving)
    verdict = decide_verdict([*pair.problems, *problems], serving)
    return replace(verdict, summary=f"pair {pair.name}: {verdict.summary}; {pair.standby}")


def find_problems(status: Status) -> Iterator[Problem]:
    """Yield every problem and note."""
    yield from _director_problems(status)
    yield from _order_problems(status)
    for instance in status.instances:
        yield from instance_problems(instance)
    for server in status.virtual_servers:
        yield from pool_problems(server, observing=status.observing)
    if status.announcements is not None:
        yield from announcement_problems(status.announcements)
    yield from source_problems(status.sources)
    yield from publication_problems(status.publication)
    yield from _process_problems(status)
    yield from _table_problems(status)
    yield from _host_problems(status)
    yield from _receiver_problems(status)
    yield from pair_problems(status.pair_readiness)
    yield from _notes(status)


def describe_serving(status: Status) -> str:
    """Summarize a director without a fault: its instances, and how many real servers pass."""
    roles = [
        f"{instance.state} for {instance.instance}"
        for instance in status.instances
        if instance.state is not State.INITIALIZE
    ]
    if len(roles) > _ROLES_MAX:
        active = sum(instance.state is State.ACTIVE for instance in status.instances)
        roles = [f"ACTIVE for {active} of {len(status.instances)} VRRP instances"]
    members = [member for server in status.virtual_servers for member in server.real_servers]
    servers = [member for member in members if not member.absent]
    pools = _number(len(status.virtual_servers), "virtual server")
    if servers:
        roles.append(f"{_number(len(servers), 'real server')} of {pools} pass")
    overrides = sum(member.override is not None for member in members)
    if overrides:
        roles.append(_number(overrides, "override"))
    return f"{status.name}: {', '.join(roles) or 'nothing is configured'}"


_ROLES_MAX: Final = 2
"""VRRP instances that the summary names."""


def _director_problems(status: Status) -> Iterator[Problem]:
    if status.blind:
        yield Problem(
            level=Level.CRITICAL,
            code="blind",
            object=_DIRECTOR,
            reason="the director is blind: no target answers, so failing real servers stay in the"
            " pools",
            remedy="repair the interface, the routes or the firewall of this host;"
            " `hadirector probe tcp ADDRESS:PORT` shows how far a probe comes",
        )
    if status.unfit:
        yield Problem(
            level=Level.CRITICAL,
            code="unfit",
            object=_DIRECTOR,
            reason=f"the director is not fit to serve: {_first(status.unfit)}",
            remedy="remove the cause in the message; until then, this director has the lowest"
            " priority",
        )


def _order_problems(status: Status) -> Iterator[Problem]:
    """Yield what an operator has ordered for a limited time."""
    if status.pause is not None:
        yield Problem(
            level=Level.DEGRADED,
            code="paused",
            object=_DIRECTOR,
            reason=f"{status.pause.description}; {status.pause.remaining:.0f} s remain",
            remedy="the pause ends by itself; `hadirector resume` ends it now",
        )
    if status.pending_configuration is not None:
        yield Problem(
            level=Level.OK,
            code="configuration_pending",
            object=_DIRECTOR,
            reason=status.pending_configuration.description,
            remedy="`hadirector confirm` keeps the configuration; `hadirector rollback` undoes it"
            " now",
        )


def _process_problems(status: Status) -> Iterator[Problem]:
    """Yield the processes that do not run. The vrrp process runs only for instances that began."""
    needs_vrrp = any(not instance.held_out for instance in status.instances)
    for process in status.processes:
        if process.pid is None and (needs_vrrp or process.name != VRRP_PROCESS):
            yield Problem(
                level=Level.CRITICAL if process.name == VRRP_PROCESS else Level.DEGRADED,
                code="process_down",
                object=f"process {process.name}",
                reason=f"the process is not running after {_number(process.restarts, 'restart')}",
                remedy="the director starts the process again within seconds; otherwise look for"
                " process_died in"
                " `hadirector events`",
            )
        elif process.pid is not None and process.version not in ("", status.version):
            yield Problem(
                level=Level.OK,
                code="process_outdated",
                object=f"process {process.name}",
                reason=f"the process still runs version {process.version}",
                remedy="`hadirector restart --vrrp` replaces the process while the peer serves",
            )


def _table_problems(status: Status) -> Iterator[Problem]:
    if not status.failing:
        return
    lines = [f"{operation}: {error}" for operation, error in status.failing.items()]
    if status.observing:
        yield Problem(
            level=Level.DEGRADED,
            code="table_differs",
            object=_DIRECTOR,
            reason=f"hadirector would {_first([*status.failing])}",
            remedy="find out why the program in charge of this host differs",
        )
        return
    yield Problem(
        level=Level.DEGRADED,
        code="table_operations_failing",
        object=_DIRECTOR,
        reason=f"an operation on the table of services fails: {_first(lines)}",
        remedy="remove the cause in the message; the director repeats the operation",
    )


def _host_problems(status: Status) -> Iterator[Problem]:
    host = status.host
    for thread in host.sync_daemon.missing:
        yield Problem(
            level=Level.DEGRADED,
            code="sync_daemon_missing",
            object=_DIRECTOR,
            reason=f"the sync daemon does not run: {thread}; a failover would cut connections",
            remedy="`hadirector doctor` examines this host; the problem host_setting_failed has the"
            " reason",
        )
    for sysctl in host.sysctls:
        if sysctl.actual != sysctl.wanted:
            actual = "missing" if sysctl.actual is None else sysctl.actual
            yield Problem(
                level=Level.DEGRADED,
                code="sysctl_differs",
                object=sysctl.name,
                reason=f"the value is {actual}, expected {sysctl.wanted} ({sysctl.reason})",
                remedy="find the program that changes the value, or load the kernel module that"
                " provides the parameter",
            )
    for warning in host.warnings:
        yield _warning("host_setting_failed", warning, Level.DEGRADED)
    for warning in status.warnings:
        risk = warning in status.risks
        level = Level.OK if risk else Level.DEGRADED
        yield _warning("configuration_risk" if risk else "warning", warning, level)


def _warning(code: str, text: str, level: Level) -> Problem:
    return Problem(
        level=level,
        code=code,
        object=_DIRECTOR,
        reason=text,
        remedy="change the place or setting that the message names",
    )


def _receiver_problems(status: Status) -> Iterator[Problem]:
    for receiver in status.alert_receivers:
        if receiver.failing:
            yield Problem(
                level=Level.DEGRADED,
                code="alert_receiver_failing",
                object=f"receiver {receiver.name}",
                reason=f"{_number(receiver.waiting, 'alert or event')} wait: {receiver.failure}",
                remedy=f"repair the receiver; `hadirector alerts test {receiver.name}` sends it"
                " a test message",
            )


def _notes(status: Status) -> Iterator[Problem]:
    for override in status.orphaned_overrides:
        yield Problem(
            level=Level.OK,
            code="override_orphaned",
            object=_DIRECTOR,
            reason=override,
            remedy="remove the override, or configure the real server again",
        )
    for peer, count in status.pending_overrides.items():
        yield Problem(
            level=Level.OK,
            code="override_pending",
            object=f"peer {peer}",
            reason=f"it does not have {_number(count, 'override')} of this director yet",
            remedy="it gets them over the pair link; repeat them there if it does not share them",
        )


def _first(texts: Sequence[str]) -> str:
    """Return the first text, and the number of the others."""
    return texts[0] + (f" (and {len(texts) - 1} more)" if len(texts) > 1 else "")


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
