"""Decides what the answers of a domain name mean for the members of a source. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from hadirector.model.discovery import Member

ANSWERS_KEPT: Final = 3
TTL_SECONDS_MIN, TTL_SECONDS_MAX = 1.0, 300.0
TIER_MAX: Final = 255

Answers = tuple[tuple[Member, ...], ...]


class ServiceRecord(NamedTuple):
    """An SRV record, with the addresses of its target."""

    priority: int
    weight: int
    port: int
    addresses: tuple[str, ...]


def remember(earlier: Answers, found: tuple[Member, ...]) -> tuple[Answers, tuple[Member, ...]]:
    """Return the answers to keep, and the members of all of them; the latest answer wins.

    A server with many addresses may answer with a part of them, so a member is absent after three
    answers without it.
    """
    answers = (*earlier, found)[-ANSWERS_KEPT:]
    members = {member.key: member for answer in answers for member in answer}
    return answers, tuple(members.values())


def clamp_ttl(ttl: float) -> float:
    """Return how long an answer is used."""
    return min(max(ttl, TTL_SECONDS_MIN), TTL_SECONDS_MAX)


def rank_services(records: Iterable[ServiceRecord]) -> list[Member]:
    """Return the members of SRV records (RFC 2782).

    The lowest priority is tier 0, the next one tier 1. A weight of 0 means "rarely", and is 1.
    """
    listed = list(records)
    tiers = {
        priority: min(tier, TIER_MAX)
        for tier, priority in enumerate(sorted({record.priority for record in listed}))
    }
    return [
        Member(address, record.port, weight=max(1, record.weight), tier=tiers[record.priority])
        for record in listed
        for address in record.addresses
    ]
