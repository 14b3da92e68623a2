"""Builds the sources, and the limits on their changes."""

from __future__ import annotations

from hadirector.config.keys.build import build_struct
from hadirector.config.sources.schema import AdmissionSection, SourceSection
from hadirector.model.discovery import AdmissionPolicy, Source

HASH_SETTLE_SECONDS = 10.0
HASH_ABSENT_HOLD_SECONDS = 24 * 3600.0


def source(section: SourceSection) -> Source:
    """Return a source."""
    location = section.path or section.url or section.domain
    assert location is not None  # a rule demands one of them
    nameserver = section.nameserver
    return build_struct(
        Source,
        section,
        location=location,
        nameserver=None if nameserver is None else (nameserver.address, nameserver.port or 53),
    )


def admission_policy(section: AdmissionSection | None, *, hashes: bool) -> AdmissionPolicy:
    """Return the limits for a pool. ``hashes`` marks a pool whose scheduler has a hash table.

    Each change of the members of a hash table moves flows, so such a pool changes rarely.
    """
    section = section or AdmissionSection()
    default = AdmissionPolicy()
    if hashes:
        default = AdmissionPolicy(settle=HASH_SETTLE_SECONDS, absent_hold=HASH_ABSENT_HOLD_SECONDS)
    settle, hold = section.settle, section.absent_hold
    return build_struct(
        AdmissionPolicy,
        section,
        settle=default.settle if settle is None else settle,
        absent_hold=default.absent_hold if hold is None else hold,
    )
