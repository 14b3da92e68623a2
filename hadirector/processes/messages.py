"""The typed messages between the director and its child processes.

Each message is a msgspec struct with its name as the tag. The director sends configurations and
orders, and the children send reports. Both send ``Heartbeat``.
"""

from __future__ import annotations

import msgspec

from checks.definition.check import CheckDefinition, Limits
from checks.definition.result import Reason, Result, Verdict
from checks.scheduling.lateness import ProbeLateness
from hadirector.model.pair import Pair
from hadirector.model.web import WebSettings
from vrrp.model.configuration import InstanceConfiguration, Secret, TrackedKey
from vrrp.model.report import InstanceStatus, Notice, Transition
from vrrp.model.static_items import NO_STATIC_ITEMS, StaticItems


class Heartbeat(msgspec.Struct, frozen=True, tag="heartbeat"):
    """A message without content. It shows that the sender is running.

    The director sends it every 5 s. A child sends it when it starts, and then every second
    unless it sends another message.
    """


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """An order to exit.

    The vrrp process first hands over its addresses; with ``keep`` it leaves them.
    """

    keep: bool = False


class ConfigureVrrp(msgspec.Struct, frozen=True, tag="configure_vrrp"):
    """An order to run exactly these instances.

    The instances in ``resume`` were ACTIVE in a vrrp process that has just crashed, and
    continue as ACTIVE. The instances in ``yielding`` were handed over by an operator, and keep
    the lowest priority. ``tracked`` has the known values of tracked objects (`TrackedValues`).
    With ``realtime``, the process takes precedence over ordinary processes
    (`hadirector.processes.realtime`).
    """

    instances: tuple[InstanceConfiguration, ...]
    resume: frozenset[str] = frozenset()
    yielding: frozenset[str] = frozenset()
    realtime: bool = False
    tracked: dict[TrackedKey, int] = {}
    static: StaticItems = NO_STATIC_ITEMS
    begun: bool = True


class TrackedValues(msgspec.Struct, frozen=True, tag="tracked_values"):
    """New values of tracked objects: 1 for up, 0 for down, and the number in a file."""

    values: dict[TrackedKey, int]


class RequestHandover(msgspec.Struct, frozen=True, tag="request_handover"):
    """An order to hand an instance over to a peer, or with ``undo`` to use its priority again."""

    instance: str
    undo: bool = False


class ReportStatus(msgspec.Struct, frozen=True, tag="report_status"):
    """An order to report the status of an instance now, and not only within a second."""

    instance: str


class ConfigureChecks(msgspec.Struct, frozen=True, tag="configure_checks"):
    """An order to run exactly these checks, with the known states of their targets.

    With ``suspicions``, the worker reports each first failure of a passing target.
    """

    checks: tuple[CheckDefinition, ...]
    verdicts: dict[str, Verdict] = {}
    weights: dict[str, int] = {}
    limits: Limits = Limits()
    suspicions: bool = False


class HintTargets(msgspec.Struct, frozen=True, tag="hint_targets"):
    """An order to probe the targets of these checks at once, because they may have failed."""

    checks: tuple[str, ...]


class TargetSuspected(msgspec.Struct, frozen=True, tag="target_suspected"):
    """A report: a probe of a passing target has failed, and its verdict may change soon."""

    check: str


class VerdictChanged(msgspec.Struct, frozen=True, tag="verdict_changed"):
    """A report: a result changed the verdict of a check, or the weight that its target requests."""

    check: str
    verdict: Verdict
    result: Result


class CheckStatistics(msgspec.Struct, frozen=True, tag="check_statistics"):
    """A report: the latest results by check, and counters since the start of the worker.

    ``probes`` counts probes, and ``late`` counts probes that this host delayed, with their
    delays in ``lateness``. ``hints`` counts hints that caused a probe. ``idle_connections`` is
    the number of open idle connections. ``discarded`` counts, by reason, the results that a
    delay of this host may have caused. ``unattended`` is the number of seconds for which the
    worker did not attend to its probes, and ``running`` the number of seconds since its start.
    """

    probes: int
    delayed_probes: int
    latest: dict[str, Result]
    lateness: ProbeLateness = ProbeLateness()
    hints: int = 0
    idle_connections: int = 0
    discarded: dict[Reason, int] = {}
    unattended: float = 0.0
    running: float = 0.0


class PairFiles(msgspec.Struct, frozen=True):
    """The current content of the files of the pair link. A missing file is None.

    ``peers`` has the certificates of the peers by their names.
    """

    certificate: bytes | None = None
    key: Secret | None = None
    peers: dict[str, bytes | None] = {}


class ConfigureWeb(msgspec.Struct, frozen=True, tag="configure_web"):
    """Serve with these settings, and with the current content of the files that they name.

    ``names`` are the host names that a request may have. A missing file is None. Without
    ``settings``, the process serves no API, and without ``pair`` it has no link to peers.
    """

    settings: WebSettings | None
    names: tuple[str, ...]
    certificate: bytes | None = None
    key: Secret | None = None
    client_ca: bytes | None = None
    tokens: bytes | None = None
    pair: Pair | None = None
    pair_files: PairFiles = PairFiles()


class RequestConfiguration(msgspec.Struct, frozen=True, tag="request_configuration"):
    """An order to request the text of the configuration of a peer, and to report the answer."""

    peer: str


class DeliverMessage(msgspec.Struct, frozen=True, tag="deliver_message"):
    """An order to send a message to a webhook by POST, within ``timeout`` seconds.

    The process reports the outcome with the same ``number``.
    """

    number: int
    url: Secret
    headers: dict[str, str]
    body: bytes
    timeout: float


class MessageDelivered(msgspec.Struct, frozen=True, tag="message_delivered"):
    """A report: how the delivery of a message ended. An empty ``failure`` means success."""

    number: int
    failure: str = ""


ToVrrp = ConfigureVrrp | TrackedValues | RequestHandover | ReportStatus | Stop | Heartbeat
FromVrrp = Transition | Notice | InstanceStatus | Heartbeat
ToChecks = ConfigureChecks | HintTargets | Stop | Heartbeat
FromChecks = VerdictChanged | TargetSuspected | CheckStatistics | Notice | Heartbeat
ToWeb = ConfigureWeb | RequestConfiguration | Stop | Heartbeat
FromWeb = Notice | Heartbeat
ToWebhooks = DeliverMessage | Stop | Heartbeat
FromWebhooks = MessageDelivered | Heartbeat
