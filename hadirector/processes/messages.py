"""The typed messages between the director and its child processes.

Every message is one msgspec struct; the tag on the wire is its name. The director sends
``Configure...`` and orders, the children answer with reports. ``Heartbeat`` goes both ways.
"""

from __future__ import annotations

import msgspec

from checks.definition.check import CheckDefinition, Limits
from checks.definition.result import Result, Verdict
from checks.scheduling.lateness import ProbeLateness
from vrrp.model.configuration import InstanceConfiguration, TrackedKey
from vrrp.model.report import InstanceStatus, Notice, Transition


class Heartbeat(msgspec.Struct, frozen=True, tag="heartbeat"):
    """I am alive. Sent every second in both directions."""


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Finish cleanly and exit; vrrp hands over its addresses or, with ``keep``, leaves them."""

    keep: bool = False


class ConfigureVrrp(msgspec.Struct, frozen=True, tag="configure_vrrp"):
    """Run exactly these instances.

    Those named in ``resume`` were ACTIVE in a vrrp process that died a moment ago: they go on as
    ACTIVE. Those in ``yielding`` were handed over by an operator and let any peer be active.
    ``tracked`` has the values known of what the instances track, as in `TrackedValues`.
    With ``realtime`` the process goes before all ordinary ones (`hadirector.processes.realtime`).
    """

    instances: tuple[InstanceConfiguration, ...]
    resume: frozenset[str] = frozenset()
    yielding: frozenset[str] = frozenset()
    realtime: bool = False
    tracked: dict[TrackedKey, int] = {}


class TrackedValues(msgspec.Struct, frozen=True, tag="tracked_values"):
    """New values of tracked objects: 1 for well, 0 for down, and for a file its number."""

    values: dict[TrackedKey, int]


class HandOver(msgspec.Struct, frozen=True, tag="hand_over"):
    """Give an instance to a peer (``undo``: take part in the election normally again)."""

    instance: str
    undo: bool = False


class ConfigureChecks(msgspec.Struct, frozen=True, tag="configure_checks"):
    """Run exactly these checks, starting from what is known of their targets."""

    checks: tuple[CheckDefinition, ...]
    verdicts: dict[str, Verdict] = {}
    weights: dict[str, int] = {}
    limits: Limits = Limits()


class VerdictChanged(msgspec.Struct, frozen=True, tag="verdict_changed"):
    """A check's verdict flipped, or it passes and asks for another weight; by this result."""

    check: str
    verdict: Verdict
    result: Result


class CheckStatistics(msgspec.Struct, frozen=True, tag="check_statistics"):
    """Latest results by check, batched. ``probes`` counts probes since the worker started,
    ``late`` those that this host kept waiting, and ``lateness`` tells how long. ``hints`` counts
    those that caused a probe, ``idle_connections`` the idle connections of this moment.
    """

    probes: int
    late: int
    latest: dict[str, Result]
    lateness: ProbeLateness = ProbeLateness()
    hints: int = 0
    idle_connections: int = 0


ToVrrp = ConfigureVrrp | TrackedValues | HandOver | Stop | Heartbeat
FromVrrp = Transition | Notice | InstanceStatus | Heartbeat
ToChecks = ConfigureChecks | Stop | Heartbeat
FromChecks = VerdictChanged | CheckStatistics | Notice | Heartbeat
