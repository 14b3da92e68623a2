"""Decides what to tell of a reload before it happens: what it would start, stop and change, and
what follows from that in the kernel.

Pure. The operations are those of the first pass after it, by what is known now: verdicts may change
until then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
from hadirector.host.masquerade.rules import fullnat_services
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
from hadirector.pools.adoption import adopted_verdicts
from hadirector.pools.decision import judge
from hadirector.pools.entries import wanted_entries
from hadirector.pools.facts import Facts
from hadirector.reload.plan import named, plan
from vrrp.model.report import State

NAMED_MAX: Final = 10_000
"""Lines of a kind; the rest is only counted."""


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """A running director at one moment.

    ``wanted`` is the table that it keeps, ``actual`` what the dataplane holds. ``faults`` are what
    this host lacks for the new configuration, ``sysctls`` what that would set.
    """

    configuration: Configuration
    facts: Facts
    quorums: Mapping[str, bool]
    serving_since: Mapping[str, Mapping[DestinationKey, float]]
    wanted: Table
    actual: Table
    owned: frozenset[ServiceKey]
    states: Mapping[str, State]
    faults: tuple[str, ...]
    sysctls: tuple[str, ...]


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What a reload would do. With anything ``refused`` it would do nothing.

    ``checks`` and ``operations`` are limited, and ``left_out`` counts what is not named of them.
    ``awaited`` are real servers that join when their check has passed for the first time.
    """

    refused: tuple[str, ...]
    started: tuple[str, ...]
    stopped: tuple[str, ...]
    changed: tuple[str, ...]
    checks: tuple[str, ...]
    operations: tuple[str, ...]
    kernel: tuple[str, ...]
    awaited: tuple[str, ...]
    left_out: int

    @property
    def empty(self) -> bool:
        """Whether nothing at all would change."""
        parts = (self.started, self.stopped, self.changed, self.checks, self.operations)
        return not any((*parts, self.kernel, self.refused))


def preview(situation: Situation, new: Configuration) -> Preview:
    """Say what a reload with this configuration would change."""
    old = situation.configuration
    planned = plan(old, new)
    # As the director does it: a check that was changed keeps its target in use until it has failed.
    known = {**adopted_verdicts(new, situation.wanted), **situation.facts.verdicts}
    operations = _operations(situation, new, replace(situation.facts, verdicts=known))
    checks = sorted(_checks(old, new))
    awaited = tuple(_awaited(new, known))
    return Preview(
        refused=(*planned.refused, *situation.faults),
        started=planned.started,
        stopped=planned.stopped,
        changed=tuple(_detailed(planned.changed, old, new)),
        checks=tuple(checks[:NAMED_MAX]),
        operations=tuple(_said(each, situation.actual) for each in operations[:NAMED_MAX]),
        kernel=(*situation.sysctls, *_kernel(situation, new)),
        awaited=awaited[:NAMED_MAX],
        left_out=sum(max(0, len(each) - NAMED_MAX) for each in (checks, operations, awaited)),
    )


def _operations(situation: Situation, new: Configuration, facts: Facts) -> list[Operation]:
    wanted: Table = {
        **probe_services(new),
        **{
            key: entry
            for server in new.virtual_servers
            for key, entry in wanted_entries(
                server,
                judge(
                    server,
                    facts,
                    situation.quorums.get(server.name),
                    situation.serving_since.get(server.name, {}),
                ),
            ).items()
        },
    }
    return diff(situation.actual, wanted, situation.owned)


def _said(operation: Operation, actual: Table) -> str:
    said = describe(operation)
    if isinstance(operation, EditService | EditDestination):
        said += f", was {describe_actual(operation, actual)}"
    return said


def _detailed(names: tuple[str, ...], old: Configuration, new: Configuration) -> Iterator[str]:
    """Add to the name of what changes which of its settings do; values may be secret."""
    before, after = named(old), named(new)
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


def _checks(old: Configuration, new: Configuration) -> Iterator[str]:
    """Name checks by type and target; one whose options alone differ is changed."""
    before, after = checks_by_identity(old), checks_by_identity(new)
    gone = {_target(each) for each in before.keys() - after.keys()}
    come = {_target(each) for each in after.keys() - before.keys()}
    yield from (f"add {each}" for each in come - gone)
    yield from (f"remove {each}" for each in gone - come)
    yield from (f"change {each}" for each in come & gone)
    for identity in before.keys() & after.keys():
        if before[identity] != after[identity]:
            yield f"change {_target(identity)}"


def _target(identity: str) -> str:
    """Drop what stands for the options: ``tcp 192.0.2.45:80 5f3c...``."""
    return identity.rpartition(" ")[0]


def _awaited(new: Configuration, known: Mapping[str, Verdict]) -> Iterator[str]:
    for server in new.virtual_servers:
        for each in () if server.initially_up else server.real_servers:
            check = each.check
            if check is not None and known.get(check.identity, Verdict.UNKNOWN) is Verdict.UNKNOWN:
                yield f"{server.name}/{each.name}"


def _kernel(situation: Situation, new: Configuration) -> Iterator[str]:
    """Say what is kept besides the table: timeouts, rules of fullnat, the sync daemon."""
    old = situation.configuration
    for field in ConnectionTimeouts.__struct_fields__:
        was, value = (getattr(each.connection_timeouts, field) for each in (old, new))
        if was != value and value:
            yield f"set connection timeout {field} to {value} s, was {_seconds(was)}"
        elif was != value:
            yield f"keep connection timeout {field} no longer at {was} s"
    before, after = fullnat_services(old), fullnat_services(new)
    yield from (f"masquerade {each}" for each in sorted(after - before))
    yield from (f"masquerade {each} no longer" for each in sorted(before - after))
    yield from _threads(_wanted_threads(old, situation), _wanted_threads(new, situation))


def _seconds(value: int) -> str:
    return f"{value} s" if value else "as the kernel had it"


def _wanted_threads(configuration: Configuration, situation: Situation) -> Threads:
    if configuration.dataplane != "ipvs":
        return {}
    return wanted_threads(configuration.sync_daemon, situation.states)


def _threads(before: Threads, after: Threads) -> Iterator[str]:
    for role in SyncRole:
        was, settings = before.get(role), after.get(role)
        if was is not None and settings is not None and matches(was, settings):
            continue
        if was is not None:
            yield f"stop sync daemon {describe_thread(role, was)}"
        if settings is not None:
            yield f"start sync daemon {describe_thread(role, settings)}"
