"""The reports that a running speaker sends to the program that started it. Values only."""

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


class AlarmKind(StrEnum):
    """The kinds of alarms. Their names are the names of the events in the log."""

    TWO_ACTIVE_ROUTERS = "two_active_routers"
    LEARNED_INTERVAL_TOO_LONG = "learned_interval_too_long"
    CLOCK_SKEW = "clock_skew"
    VIRTUAL_ADDRESS_UNHELD = "virtual_address_unheld"


class Transition(msgspec.Struct, frozen=True, tag="transition"):
    """An instance changed state. ``sent_at`` is in monotonic seconds, 0 if it is not known.

    An instance that became ACTIVE reports the ``peer`` that it heard last, and the ``silence``: the
    seconds from the last advertisement of the peer until its own first advertisement. Both are
    missing if it has heard no peer.
    """

    instance: str
    previous: State
    state: State
    reason: str
    sent_at: float = 0.0
    peer: str | None = None
    silence: float | None = None


class Notice(msgspec.Struct, frozen=True, tag="notice"):
    """A report that becomes one log line. ``event`` is a stable name in snake_case."""

    level: Literal["debug", "info", "warning", "error"]
    event: str
    fields: dict[str, Scalar] = {}


class AdvertisingRouter(msgspec.Struct, frozen=True):
    """A router whose advertisements are received while hadirector observes another VRRP program.

    ``advert_interval`` and ``age`` (of its latest advertisement) are in seconds. ``dropped`` is
    the reason why an instance of this configuration would drop the advertisement. ``this_host``
    is whether this host itself sent it.
    """

    address: str
    priority: int
    version: int
    advert_interval: float
    virtual_addresses: tuple[str, ...]
    age: float
    dropped: str | None = None
    this_host: bool = False


class SenderCounts(msgspec.Struct, frozen=True):
    """The packets from one source address.

    ``received`` counts the accepted advertisements since the start. ``silence`` is the time in
    seconds since the latest one, None if none was accepted. ``dropped`` counts the packets that
    were dropped since then, by reason.
    """

    address: str
    received: int = 0
    silence: float | None = None
    dropped: dict[str, int] = {}


class PriorityTerm(msgspec.Struct, frozen=True):
    """A number that the priority is the sum of, and its reason: configured, or a tracked object."""

    amount: int
    reason: str


class InstanceStatus(msgspec.Struct, frozen=True, tag="status"):
    """The state of one instance at one moment, for people and for metrics.

    - ``handing_over``: the instance is ACTIVE and waits for its successor.
    - ``yielding``: after a handover, the instance has the lowest priority, so that any peer may
      be ACTIVE.
    - ``active_router``: the source address of the last accepted advertisement of a peer.
      ``active_priority`` is its priority.
    - ``active_down_interval``: in seconds: ``down_timer_adverts`` advertisement intervals and the
      skew time.
    - ``counters``: counts since the start, by name ("advertisements_sent", "dropped_checksum").
      ``undelivered`` counts the packets on the interface that belong to no instance.
    - ``priority_arithmetic``: the calculation of the priority as a text, such as
      "100 - 20 (pool web) = 80" (`vrrp.router.priority`). ``priority_terms`` are its numbers.
    - ``preempt``: whether a higher priority is enough to become ACTIVE.
    - ``fault``: the reason why the instance takes no part in elections. ``held_out``: the director
      has not begun its elections yet.
    - ``alarms``: the faults of peer routers (`vrrp.router.alarms`). ``alarm_kinds`` are the kinds
      of the first alarms; an alarm without a kind is a difference that an observer has found.
    - ``state_age``: the time since the last change of state, in seconds. It is None if the state
      began before the program that receives the reports was started. ``configured_priority``: the
      priority in the configuration. The receiver of the reports sets these two fields.
    - ``sent_at``: in monotonic seconds, 0 if it is not known.
    - ``own_address``: the source address of its advertisements, None while it has none.
    - ``senders``: the packets of other routers by their source address, the latest sender at
      the end (`vrrp.instance.senders`). They were counted for ``counted_seconds``.
    - ``advertising_routers``: the senders of received advertisements, only while hadirector
      observes another VRRP program.
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
    down_timer_adverts: int = 3
    undelivered: dict[str, int] = {}
    advertisement_lateness: LatenessHistogram = LatenessHistogram()
    state_age: float | None = None
    configured_priority: int | None = None
    sent_at: float = 0.0
    advertising_routers: tuple[AdvertisingRouter, ...] = ()
    alarm_kinds: tuple[AlarmKind, ...] = ()
    active_priority: int | None = None
    priority_terms: tuple[PriorityTerm, ...] = ()
    preempt: bool = True
    held_out: bool = False
    own_address: str | None = None
    senders: tuple[SenderCounts, ...] = ()
    counted_seconds: float = 0.0


Report = Transition | Notice | InstanceStatus


class ReportProblem(Protocol):
    """A function that counts a problem by ``counter`` and reports ``event`` at a limited rate."""

    def __call__(self, event: str, counter: str, **fields: object) -> None:
        """Count the problem. ``fields`` describe the case in the report."""
