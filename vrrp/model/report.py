"""What a running VRRP speaker tells whoever started it. Values only."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, Protocol

import msgspec

from vrrp.model.lateness import LatenessHistogram

Scalar = str | int | float | bool | None


class State(StrEnum):
    """States of a virtual router (RFC 9568 section 6.3)."""

    INITIALIZE = "INITIALIZE"
    BACKUP = "BACKUP"
    ACTIVE = "ACTIVE"


class Transition(msgspec.Struct, frozen=True, tag="transition"):
    """An instance changed state."""

    instance: str
    previous: State
    state: State
    reason: str


class Notice(msgspec.Struct, frozen=True, tag="notice"):
    """Something worth a log line; ``event`` is a stable snake_case name."""

    level: Literal["debug", "info", "warning", "error"]
    event: str
    fields: dict[str, Scalar] = {}


class InstanceStatus(msgspec.Struct, frozen=True, tag="status"):
    """A snapshot of one instance for people and metrics.

    ``counters`` maps a name ("advertisements_sent", "dropped_checksum", ...) to a count since
    start, ``undelivered`` does so for what its interface received for no instance of this family.
    ``handing_over`` is true while an ACTIVE instance waits for its successor; ``yielding`` while it
    lets any peer stay active after a handover. ``active_router`` is the source address of the last
    accepted advertisement, ``active_down_interval`` is in seconds. ``priority_arithmetic`` says how
    the priority comes about (`vrrp.router.priority`), ``fault`` what keeps the instance from
    taking part, ``alarms`` what is wrong with others (`vrrp.router.alarms`).
    """

    instance: str
    state: State
    priority: int
    virtual_router_id: int
    interface: str
    virtual_addresses: tuple[str, ...]
    handing_over: bool
    yielding: bool
    active_router: str | None
    active_down_interval: float
    counters: dict[str, int]
    priority_arithmetic: str = ""
    fault: str | None = None
    sync_group: str | None = None
    alarms: tuple[str, ...] = ()
    undelivered: dict[str, int] = {}
    advertisement_lateness: LatenessHistogram = LatenessHistogram()


Report = Transition | Notice | InstanceStatus


class Incident(Protocol):
    """Counts what went wrong under ``kind``, and tells of it now and then as ``event``."""

    def __call__(self, event: str, kind: str, **fields: object) -> None:
        """Take one incident."""
