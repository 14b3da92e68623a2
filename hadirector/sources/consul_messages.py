"""The answers of Consul about the health of a service (``/v1/health/service/NAME``). Pure.

https://developer.hashicorp.com/consul/api-docs/health and .../features/blocking.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from hadirector.model.discovery import Member
from hadirector.sources.documents import (
    TIER_MAX,
    WEIGHT_MAX,
    DocumentError,
    collect_members,
)


class _Node(msgspec.Struct, frozen=True, rename="pascal"):
    address: str = ""


class _Service(msgspec.Struct, frozen=True, rename="pascal"):
    id: str = msgspec.field(default="", name="ID")
    address: str = ""
    port: int = 0
    meta: Mapping[str, str] | None = None


class _Check(msgspec.Struct, frozen=True, rename="pascal"):
    id: str = msgspec.field(default="", name="CheckID")
    status: str = ""

    @property
    def is_maintenance(self) -> bool:
        """Whether an operator has set this check, by ``consul maint``."""
        return self.id == "_node_maintenance" or self.id.startswith("_service_maintenance:")


class _Entry(msgspec.Struct, frozen=True, rename="pascal"):
    node: _Node
    service: _Service
    checks: list[_Check]


_IN: Final = ("passing", "warning")


def read_health(text: bytes) -> tuple[Member, ...]:
    """Return the members of a service. Raises DocumentError.

    An instance is a member if all its checks are passing or warning. In maintenance it is a leaving
    member. Otherwise it is absent, because a failed check of Consul is no announced departure: in
    a partition of Consul, all instances fail one after the other.
    """
    try:
        entries = msgspec.json.decode(text, type=list[_Entry])
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise DocumentError(f"not an answer of Consul: {error}") from error
    return collect_members(
        [
            (f"[{number}]", _member(f"[{number}]", each))
            for number, each in enumerate(entries)
            if all(check.status in _IN or check.is_maintenance for check in each.checks)
        ]
    )


def _member(place: str, entry: _Entry) -> Member:
    service, labels = entry.service, entry.service.meta or {}
    return Member(
        service.address or entry.node.address,
        service.port,
        service.id,
        _label(place, labels, "weight", WEIGHT_MAX),
        _label(place, labels, "tier", TIER_MAX),
        any(check.status not in _IN for check in entry.checks),
    )


def _label(place: str, labels: Mapping[str, str], name: str, most: int) -> int | None:
    """Return the number in a label, at most ``most``; None without the label."""
    text = labels.get(name)
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        return min(int(text[:10]), most)
    raise DocumentError(f"{place}.Service.Meta: {name} {text[:60]!r}, expected 0 to {most}")


def next_index(previous: int, header: str) -> int:
    """Return the index for the next request: 0 if ``header`` is no number or below ``previous``."""
    if not (header.isascii() and header.isdigit() and len(header) <= 20):
        return 0
    index = int(header)
    return index if index >= previous else 0
