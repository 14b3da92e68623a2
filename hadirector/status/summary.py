"""The summary of a director: what the other directors of a fleet must have too. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Final

import msgspec

from checks.definition.result import Verdict
from hadirector.overrides.model import Action, Override, RealServerName
from hadirector.status.report import Status, VirtualServerStatus
from hadirector.status.verdict import Level

NAMES_MAX: Final = 1000
"""Overrides, failing real servers and sections that a summary names. Their counts have all."""
DIGEST_BYTES: Final = 6


class DirectorSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A director in a form that a fleet can compare.

    ``level`` and ``reason`` are its verdict. ``configuration`` is the hash of the configuration
    without values that differ on purpose, and ``sections`` has the hashes of its parts.
    ``hash_tables`` is the digest of the tables of ``sh`` and ``mh``, empty without these. ``roles``
    has the state of each VRRP instance and of each announced group. ``members`` has a digest of
    the members of each pool with a source. ``overrides`` and ``failing`` name real servers, at
    most 1000 each; the counts have all of them. ``sources`` has the failures of sources, and
    ``documents`` the revisions of the accepted documents of overrides.
    """

    name: str
    version: str
    level: Level
    reason: str
    configuration: str = ""
    sections: dict[str, str] = {}
    hash_tables: str = ""
    roles: dict[str, str] = {}
    members: dict[str, str] = {}
    overrides: dict[str, str] = {}
    override_count: int = 0
    failing: tuple[str, ...] = ()
    failing_count: int = 0
    sources: dict[str, str] = {}
    documents: dict[str, str] = {}


class StoredSummary(msgspec.Struct, frozen=True):
    """A summary in a store. ``at`` is in seconds since the epoch.

    It counts as current for ``lifetime`` seconds.
    """

    at: float
    lifetime: float
    summary: DirectorSummary


def summarize(
    status: Status,
    configuration: str,
    sections: Mapping[str, str],
    overrides: Mapping[RealServerName, Override],
) -> DirectorSummary:
    """Return the summary of a status with its verdict.

    ``configuration`` is the hash of the whole configuration.
    """
    assert status.verdict is not None, "a director sends its verdict with every status"
    failing = tuple(_failing(status))
    discovered = {pool.virtual_server for source in status.sources for pool in source.pools}
    actions = sorted((str(name), _format_action(override)) for name, override in overrides.items())
    return DirectorSummary(
        name=status.name,
        version=status.version,
        level=status.verdict.level,
        reason=status.verdict.summary,
        configuration=configuration,
        sections=dict(sections) if len(sections) <= NAMES_MAX else {},
        hash_tables=status.table_digest,
        roles=dict(_roles(status)),
        members={
            server.name: _digest_members(server)
            for server in status.virtual_servers
            if server.name in discovered
        },
        overrides=dict(actions[:NAMES_MAX]),
        override_count=len(actions),
        failing=failing[:NAMES_MAX],
        failing_count=len(failing),
        documents={
            source.name: f"revision {source.document.revision}"
            for source in status.sources
            if source.document is not None
        },
        sources={source.name: source.failure for source in status.sources if source.failure},
    )


def _roles(status: Status) -> Iterator[tuple[str, str]]:
    for instance in status.instances:
        yield f"instance {instance.instance}", instance.state.value
    for group in status.announcements.groups if status.announcements else ():
        yield f"group {group.name}", group.role.value


def _failing(status: Status) -> Iterator[str]:
    for server in status.virtual_servers:
        for member in server.real_servers:
            if member.verdict is Verdict.FAILING:
                yield f"{server.name}/{member.address}"


def _format_action(override: Override) -> str:
    if override.action is Action.WEIGHT:
        return f"weight {override.weight}"
    return override.action.value


def _digest_members(server: VirtualServerStatus) -> str:
    """Return a digest of the members, in any order. Absent members may leave at different times."""
    present = sorted(
        (each.address, each.configured_weight) for each in server.real_servers if not each.absent
    )
    return blake2b(msgspec.json.encode(present), digest_size=DIGEST_BYTES).hexdigest()
