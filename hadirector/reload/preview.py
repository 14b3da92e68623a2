"""Decides what a reload would start, stop and change, also in the kernel. Pure.

The preview lists the first operations after the reload. They follow from the current verdicts,
which may change before the reload.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from checks.definition.result import Verdict
from hadirector.dataplane.reconcile import (
    EditDestination,
    EditService,
    Operation,
    describe,
    describe_actual,
    diff,
)
from hadirector.health.target import Targets, carry_over
from hadirector.host.masquerade.rules import Masquerades, masquerades
from hadirector.host.sync_daemon.rules import Threads, describe_thread, matches, wanted_threads
from hadirector.model.configuration import Configuration
from hadirector.model.ipvs import (
    ConnectionTimeouts,
    DestinationKey,
    Service,
    ServiceKey,
    SyncRole,
    Table,
)
from hadirector.model.queries import checks_by_identity
from hadirector.model.vip_probes import probe_services
from hadirector.pools.adoption import assume
from hadirector.pools.decision import Judgement, judge
from hadirector.pools.entries import wanted_entries
from hadirector.pools.facts import Facts
from hadirector.pools.outgoing import Outgoing, find_outgoing, without_draining
from hadirector.reload.moved_flows import moved_flows
from hadirector.reload.plan import plan, reloadable_parts
from vrrp.model.report import State

NAMED_MAX: Final = 10_000
"""The maximum number of lines of each kind. Further lines are only counted."""


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a running director at one moment, from which the preview is made.

    ``held`` are the failing real servers that are held in their pools. ``wanted`` is the table
    that the director wants, and ``actual`` is the table of the dataplane. ``faults`` are
    requirements of the new configuration that this host does not meet, and ``sysctls`` are the
    sysctls that it would set.
    """

    configuration: Configuration
    facts: Facts
    quorums: Mapping[str, bool]
    serving_since: Mapping[str, Mapping[DestinationKey, float]]
    held: Mapping[str, Collection[DestinationKey]]
    outgoing: Mapping[str, Outgoing] = {}
    wanted: Table
    actual: Table
    owned: frozenset[ServiceKey]
    states: Mapping[str, State]
    faults: tuple[str, ...]
    sysctls: tuple[str, ...]


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """The effects of a reload. If anything is ``refused``, the reload changes nothing.

    The lists ``checks``, ``operations``, ``awaited`` and ``outgoing`` are limited, and
    ``left_out`` counts the lines beyond the limit. ``awaited`` are real servers that join the
    pool when their check first passes. ``outgoing`` are removed real servers that stay until
    enough of the awaited servers have joined.
    """

    refused: tuple[str, ...]
    started: tuple[str, ...]
    stopped: tuple[str, ...]
    changed: tuple[str, ...]
    checks: tuple[str, ...]
    operations: tuple[str, ...]
    kernel: tuple[str, ...]
    awaited: tuple[str, ...]
    outgoing: tuple[str, ...]
    left_out: int
    moved_flows: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing would change."""
        parts = (self.started, self.stopped, self.changed, self.checks, self.operations)
        return not any((*parts, self.kernel, self.refused))


def preview(situation: Situation, new: Configuration) -> Preview:
    """Return what a reload with this configuration would change."""
    old = situation.configuration
    planned = plan(old, new)
    targets = carry_over(
        situation.facts.targets,
        checks_by_identity(new),
        assume(old, new, without_draining(situation.wanted, situation.outgoing), situation.held),
    )
    facts = replace(situation.facts, targets=targets)
    judgements = _judgements(situation, new, facts)
    operations = _operations(situation, new, judgements)
    outgoing = tuple(_outgoing(judgements, situation.outgoing, facts.now))
    checks = sorted(_changed_checks(old, new))
    awaited = tuple(_awaiting_first_pass(new, targets))
    return Preview(
        refused=(*planned.refused, *situation.faults),
        started=planned.started,
        stopped=planned.stopped,
        changed=tuple(_with_settings(planned.changed, old, new)),
        checks=tuple(checks[:NAMED_MAX]),
        operations=tuple(
            _describe(operation, situation.actual) for operation in operations[:NAMED_MAX]
        ),
        kernel=(*situation.sysctls, *_kernel_changes(situation, new)),
        awaited=awaited[:NAMED_MAX],
        outgoing=outgoing[:NAMED_MAX],
        left_out=sum(
            max(0, len(lines) - NAMED_MAX) for lines in (checks, operations, awaited, outgoing)
        ),
        moved_flows=tuple(
            moved_flows(situation.actual, situation.wanted, new, facts, situation.quorums)
        ),
    )


def _judgements(situation: Situation, new: Configuration, facts: Facts) -> dict[str, Judgement]:
    outgoing = find_outgoing(new, situation.wanted, facts.now, situation.outgoing)
    return {
        server.name: judge(
            server,
            facts,
            situation.quorums.get(server.name),
            situation.serving_since.get(server.name, {}),
            outgoing.get(server.name),
        )
        for server in new.virtual_servers
    }


def _operations(
    situation: Situation, new: Configuration, judgements: Mapping[str, Judgement]
) -> list[Operation]:
    wanted: Table = {
        **probe_services(new),
        **{
            key: entry
            for server in new.virtual_servers
            for key, entry in wanted_entries(server, judgements[server.name]).items()
        },
    }
    return diff(situation.actual, wanted, situation.owned)


def _outgoing(
    judgements: Mapping[str, Judgement], previous: Mapping[str, Outgoing], now: float
) -> Iterator[str]:
    """Describe the outgoing real servers, except those that drain already."""
    for name, judgement in judgements.items():
        outgoing, before = judgement.hold.outgoing, previous.get(name)
        drains_since = before.drained_at if before is not None else None
        if outgoing is None or (drains_since is not None and outgoing.drained_at == drains_since):
            continue
        serving = outgoing.serving_keys
        for key in outgoing.keys:
            when = f"when {outgoing.required} configured real servers pass, or after"
            when = f"{when} {outgoing.deadline - now:g} s" if key in serving else "at once"
            yield f"{name}/{key} ({when})"


def _describe(operation: Operation, actual: Table) -> str:
    description = describe(operation)
    if isinstance(operation, EditService | EditDestination):
        description += f", was {describe_actual(operation, actual)}"
    return description


def _with_settings(names: tuple[str, ...], old: Configuration, new: Configuration) -> Iterator[str]:
    """Add the names of the changed settings, but not the values, which may be secret."""
    before, after = reloadable_parts(old), reloadable_parts(new)
    for name in names:
        settings = ", ".join(_differing(before[name], after[name]))
        yield f"{name}: {settings}" if settings else name


def _differing(before: object, after: object) -> Iterator[str]:
    if not isinstance(before, msgspec.Struct) or isinstance(before, ConnectionTimeouts):
        return
    for field in before.__struct_fields__:
        was, is_now = getattr(before, field), getattr(after, field)
        if isinstance(was, Service):
            yield from _differing(was, is_now)
        elif was != is_now:
            yield "address" if field == "keys" else field


def _changed_checks(old: Configuration, new: Configuration) -> Iterator[str]:
    """List the checks that start, stop or change, by type and target.

    A check with the same type and target but other options has changed.
    """
    before, after = checks_by_identity(old), checks_by_identity(new)
    removed = {_without_options(identity) for identity in before.keys() - after.keys()}
    added = {_without_options(identity) for identity in after.keys() - before.keys()}
    yield from (f"add {check}" for check in added - removed)
    yield from (f"remove {check}" for check in removed - added)
    yield from (f"change {check}" for check in added & removed)
    for identity in before.keys() & after.keys():
        if before[identity] != after[identity]:
            yield f"change {_without_options(identity)}"


def _without_options(identity: str) -> str:
    """Remove the hash of the options from an identity such as ``tcp 192.0.2.45:80 5f3c...``."""
    return identity.rpartition(" ")[0]


def _awaiting_first_pass(new: Configuration, targets: Targets) -> Iterator[str]:
    for server in new.virtual_servers:
        for real_server in server.real_servers:
            check = real_server.check
            if check is None or server.is_initially_up(real_server):
                continue
            if targets[check.identity].verdict is Verdict.UNKNOWN:
                yield f"{server.name}/{real_server.name}"


def _kernel_changes(situation: Situation, new: Configuration) -> Iterator[str]:
    """Describe the changes outside the table: timeouts, masquerade rules, the sync daemon."""
    old = situation.configuration
    for field in ConnectionTimeouts.__struct_fields__:
        was = getattr(old.connection_timeouts, field)
        value = getattr(new.connection_timeouts, field)
        if was != value and value:
            yield f"set connection timeout {field} to {value} s, was {_format_seconds(was)}"
        elif was != value:
            yield f"stop keeping connection timeout {field} at {was} s"
    yield from _masquerade_changes(masquerades(old), masquerades(new))
    yield from _thread_changes(_wanted_threads(old, situation), _wanted_threads(new, situation))


def _masquerade_changes(before: Masquerades, after: Masquerades) -> Iterator[str]:
    yield from (f"masquerade {service}" for service in sorted(after.keys() - before.keys()))
    yield from (f"stop masquerading {service}" for service in sorted(before.keys() - after.keys()))
    for service in sorted(before.keys() & after.keys()):
        if before[service] != after[service]:
            yield f"change the real servers of {service} that are not masqueraded"


def _format_seconds(value: int) -> str:
    return f"{value} s" if value else "not set"


def _wanted_threads(configuration: Configuration, situation: Situation) -> Threads:
    if configuration.dataplane != "ipvs":
        return {}
    return wanted_threads(configuration.sync_daemon, situation.states)


def _thread_changes(before: Threads, after: Threads) -> Iterator[str]:
    for role in SyncRole:
        was, settings = before.get(role), after.get(role)
        if was is not None and settings is not None and matches(was, settings):
            continue
        if was is not None:
            yield f"stop sync daemon {describe_thread(role, was)}"
        if settings is not None:
            yield f"start sync daemon {describe_thread(role, settings)}"
