"""Render the explanations of ``hadirector why`` as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hadirector.cli import events
from hadirector.cli.status_text import ATTENTION_MAX, needs_attention
from hadirector.cli.terminal import Paint, exact_duration
from hadirector.cli.verdict_text import render_problems
from hadirector.status.explanation import (
    AddressHolder,
    InstanceExplanation,
    RealServerExplanation,
    VirtualServerExplanation,
)
from hadirector.status.readiness import PairReadiness, Readiness
from hadirector.status.report import RealServerStatus
from hadirector.status.takeover import Takeover
from hadirector.status.verdict import DirectorVerdict, Level
from vrrp.model.report import InstanceStatus, State


def render_instance(why: InstanceExplanation) -> list[str]:
    """Render the state and priority of an instance with their reasons, and its latest events."""
    status = why.status
    age = "" if status.state_age is None else f" for {exact_duration(status.state_age)}"
    lines = [f"{status.instance}: {status.state}{age}, priority {status.priority}"]
    lines += _priority(status)
    lines += _pause_line(why.paused)
    lines += [f"  this director is not fit to serve: {reason}" for reason in why.unfit]
    lines += _readiness(why.pair_readiness)
    if status.fault is not None:
        lines.append(f"  the instance takes no part in elections: {status.fault}")
    if status.handing_over:
        lines.append("  it is handing over, and keeps the addresses until a peer has taken over")
    if status.yielding:
        lines.append("  an operator handed the instance over: any peer may be ACTIVE")
    lines += _active_router(status)
    lines += [f"  alarm: {alarm}" for alarm in status.alarms]
    if why.takeover is not None:
        lines += _takeover(why.takeover)
    return [*lines, *(f"  {events.line(event, ('instance',))}" for event in why.events)]


def _readiness(readiness: PairReadiness | None) -> Iterator[str]:
    if readiness is None:
        return
    for lack in readiness.lacks:
        word = "differs from its peer" if lack.severity == "alarm" else "is not ready"
        yield f"  this director {word}: {lack.reason} ({lack.code}, {exact_duration(lack.seconds)})"
    if not readiness.may_preempt:
        yield "  it has just started, and does not preempt before it is ready or 60 s have passed"


def _pause_line(pause: str) -> Iterator[str]:
    if pause:
        yield f"  the director is paused: {pause}"


def _priority(status: InstanceStatus) -> Iterator[str]:
    """Render the numbers of the priority, a line each, and their sum if it is limited."""
    total = sum(term.amount for term in status.priority_terms)
    for number, term in enumerate(status.priority_terms):
        yield f"  {term.amount:{'+' if number else ''}5}  {term.reason}"
    if status.priority_terms and total != status.priority:
        yield f"  {status.priority:5}  the priority, because {total} is out of its range"
    if not status.priority_terms and " " in status.priority_arithmetic:
        yield f"  priority {status.priority_arithmetic}"


def _active_router(status: InstanceStatus) -> Iterator[str]:
    if status.active_router is None:
        return
    priority = "" if status.active_priority is None else f", priority {status.active_priority}"
    yield f"  the active router is {status.active_router}{priority}"
    if status.state is State.BACKUP and status.active_priority is not None:
        needs = f"this director needs a priority above {status.active_priority}"
        without = "preempt is off: this director waits until the active router gives way"
        yield f"  to become ACTIVE, {needs}" if status.preempt else f"  {without}"


def _takeover(takeover: Takeover) -> Iterator[str]:
    yield f"  if the active director died now: {takeover.reason}"
    for pool in takeover.pools:
        yield f"    {pool.virtual_server}: {pool.serving} of {pool.total} real servers would serve"
    if takeover.connections:
        yield f"    {takeover.connections}"


def render_virtual_server(why: VirtualServerExplanation, paint: Paint) -> Iterator[str]:
    """Render the servers that clients reach, the quorum, ``min_healthy``, and the latest events."""
    status = why.status
    members = [member for member in status.real_servers if not member.absent]
    serving = sum(bool(member.wanted_weight) for member in members)
    yield (
        f"{status.name}: {status.protocol} {status.address} {status.scheduler} {status.forwarding},"
        f" {serving} of {len(members)} real servers serve,"
        f" {status.active_connections} + {status.inactive_connections} connections"
    )
    yield from _pause_line(why.paused)
    yield from map(_holder, why.holders)
    if not why.holders:
        yield "  no VRRP instance has its address"
    state = {True: "the pool has its quorum", False: "quorum lost", None: "not known yet"}
    hysteresis = f", hysteresis {why.hysteresis}" if why.hysteresis else ""
    yield (
        f"  quorum: weight {status.passing_weight} passes, {status.needed_weight} needed"
        f"{hysteresis}: {state[status.has_quorum]}"
    )
    if why.healthy_minimum:
        yield (
            f"  min_healthy: at least {why.healthy_minimum} real servers stay in use,"
            f" {len(status.held) - len(status.unseen)} are held"
        )
    for line in render_problems(DirectorVerdict(Level.OK, "", why.problems), paint):
        yield f"  {line}"
    ordered = sorted(members, key=lambda member: not needs_attention(member))
    for member in ordered[:ATTENTION_MAX]:
        yield f"  {_weight(member.wanted_weight):>5}  {member.address}: {_member(member)}"
    if len(ordered) > ATTENTION_MAX:
        yield f"         and {len(ordered) - ATTENTION_MAX} more"
    if status.sorry_server is not None:
        sorry = status.sorry_server
        yield f"  {_weight(sorry.wanted_weight):>5}  sorry server {sorry.address}: {_member(sorry)}"
    yield from (f"  {events.line(event, ('virtual_server',))}" for event in why.events)


def _holder(holder: AddressHolder) -> str:
    if holder.active:
        return f"  this director is ACTIVE for its address (instance {holder.instance})"
    active = holder.active_router or "no known router"
    return f"  {active} is active for its address (instance {holder.instance}), not this director"


def _member(member: RealServerStatus) -> str:
    age = "" if member.verdict_age is None else f" for {exact_duration(member.verdict_age)}"
    steps = f"; {member.weight_reason}" if member.weight_reason else ""
    return f"{member.verdict}{age}, {member.reason}{steps}"


def render_readiness(readiness: Readiness) -> Iterator[str]:
    """Render whether the director could serve now, and each condition with its problems."""
    yield "ready: this director could serve now" if readiness.ready else "not ready"
    for condition in readiness.conditions:
        yield f"  {'yes' if condition.met else 'NO ':3}  {condition.name}"
        for problem in condition.problems:
            yield f"         {problem.object}: {problem.reason}"
            yield f"         -> {problem.remedy}"
    yield from _readiness(readiness.pair)


def render_explanation(why: RealServerExplanation) -> list[str]:
    """Render the weight of a real server, the steps that lead to it, and its latest events."""
    status = why.status
    connections = f"{status.active_connections} + {status.inactive_connections} connections"
    lines = [f"{why.name}: weight {_weight(status.wanted_weight)} ({connections})"]
    if status.actual_weight != status.wanted_weight:
        lines.append(f"  the table still has weight {_weight(status.actual_weight)}")
    lines += [f"  {_weight(step.weight):>5}  {step.reason}" for step in why.steps]
    lines += _pause_line(why.paused)
    age = "" if status.verdict_age is None else f" for {exact_duration(status.verdict_age)}"
    lines.append(f"  the check is {status.verdict}{age}: {status.reason}")
    if why.expires_in is not None:
        lines.append(f"  the override expires in {exact_duration(why.expires_in)}")
    if why.deadline_in is not None:
        lines.append(f"  the drain ends in at most {exact_duration(why.deadline_in)}")
    if why.flaps_for is not None:
        lines.append(f"  flap damping lasts for another {exact_duration(why.flaps_for)}")
    if why.keep_clients is not None:
        stay = "stay on the real server" if why.keep_clients else "leave the real server"
        lines.append(f"  persistent clients {stay}")
    lines += [_PEER_LINES[state].format(peer=peer) for peer, state in why.peers.items()]
    return [*lines, *(f"  {events.line(event, _KNOWN)}" for event in why.events)]


_PEER_LINES: Final = {
    "known": "  the override is known to {peer}",
    "pending": "  {peer} does not have the override yet",
    "not_shared": "  {peer} does not share overrides",
}


_KNOWN: Final = ("virtual_server", "real_server")
"""Fields that are the same in all events of one real server."""


def _weight(weight: int | None) -> str:
    return "out" if weight is None else str(weight)
