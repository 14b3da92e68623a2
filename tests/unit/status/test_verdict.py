"""The verdict on a director, and its problems."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from checks.definition.result import Verdict
from hadirector.host.status import HostStatus, SyncDaemonStatus
from hadirector.host.sysctl.rules import SysctlStatus
from hadirector.overrides.model import Action
from hadirector.status.alert_status import ReceiverStatus
from hadirector.status.problems import judge_director
from hadirector.status.report import ProcessStatus, RealServerStatus, Status, VirtualServerStatus
from hadirector.status.verdict import Level
from tests.unit.status.order_cases import order_cases
from tests.unit.status.readiness_cases import readiness_cases
from tests.unit.status.staged_faults import STAGED_FAULTS
from vrrp.model.report import AlarmKind, InstanceStatus, State

GOOD = RealServerStatus("192.0.2.45:80", 1, 1, 1, 0, 0, Verdict.PASSING, "200 OK")
OTHER = replace(GOOD, address="192.0.2.46:80")
BAD = replace(
    GOOD,
    wanted_weight=None,
    actual_weight=None,
    verdict=Verdict.FAILING,
    reason="timeout",
    verdict_age=60.0,
)
UNKNOWN = replace(BAD, verdict=Verdict.UNKNOWN, verdict_age=None)
POOL = VirtualServerStatus(
    "web", "192.0.2.22:80", "tcp", "rr", "nat", True, (GOOD, OTHER), has_quorum=True
)
INSTANCE = InstanceStatus(
    "web", State.ACTIVE, 200, 51, "eth0", ("192.0.2.22/32",), False, False, None, 3.0, {}
)
BACKUP = replace(INSTANCE, state=State.BACKUP, active_router="192.0.2.1")
STATUS = Status(
    name="lb1",
    version="0.1.0",
    pid=100,
    dataplane="ipvs",
    processes=(ProcessStatus("vrrp", 101, 0), ProcessStatus("checks", 102, 0)),
    instances=(INSTANCE,),
    virtual_servers=(POOL,),
    foreign_services=(),
    failing={},
    repaired=0,
    probes=0,
)


def with_pool(pool: VirtualServerStatus) -> Status:
    return replace(STATUS, virtual_servers=(pool,))


def with_members(*members: RealServerStatus) -> Status:
    return with_pool(replace(POOL, real_servers=members))


def with_instance(instance: InstanceStatus) -> Status:
    return replace(STATUS, instances=(instance,))


def with_alarm(kind: AlarmKind) -> Status:
    return with_instance(replace(INSTANCE, alarms=("a text",), alarm_kinds=(kind,)))


def with_host(host: HostStatus) -> Status:
    return replace(STATUS, host=host)


DISABLED = replace(
    GOOD,
    wanted_weight=None,
    actual_weight=None,
    override=Action.DISABLE,
    weight_reason="disabled, by ann",
)
VRRP_DOWN = (ProcessStatus("vrrp", None, 1), ProcessStatus("checks", 102, 0))
CHECKS_DOWN = (ProcessStatus("vrrp", 101, 0), ProcessStatus("checks", None, 2))
VRRP_OLD = (ProcessStatus("vrrp", 101, 0, "0.0.9"),)
RECEIVER = ReceiverStatus(
    name="ops",
    kind="webhook",
    failing=True,
    failure="no answer within 10 s",
    waiting=2,
    delivered=1,
    failed_attempts=3,
    lost=0,
)
FOUND: dict[str, tuple[Status, Level, str, str]] = {
    "all fail": (with_members(BAD), Level.CRITICAL, "no_server_serves", "web"),
    "all disabled": (with_members(DISABLED), Level.CRITICAL, "no_server_serves", "web"),
    "all fail and are held": (
        with_members(replace(BAD, wanted_weight=1, actual_weight=1)),
        Level.CRITICAL,
        "no_server_passes",
        "web",
    ),
    "quorum lost": (
        with_pool(replace(POOL, has_quorum=False, quorum="quorum lost: 2 passing, 3 needed")),
        Level.CRITICAL,
        "quorum_lost",
        "web",
    ),
    "no service": (
        with_pool(replace(POOL, present=False)),
        Level.CRITICAL,
        "service_missing",
        "web",
    ),
    **readiness_cases(STATUS),
    "one fails": (with_members(GOOD, BAD), Level.DEGRADED, "servers_failing", "web"),
    "one is held": (
        with_pool(replace(POOL, held=("192.0.2.45:80",))),
        Level.DEGRADED,
        "servers_held",
        "web",
    ),
    "outgoing": (
        with_pool(replace(POOL, outgoing=("192.0.2.9:80",))),
        Level.DEGRADED,
        "servers_outgoing",
        "web",
    ),
    "first probes": (with_members(UNKNOWN, UNKNOWN), Level.DEGRADED, "servers_unknown", "web"),
    "one unknown": (with_members(GOOD, UNKNOWN), Level.DEGRADED, "servers_unknown", "web"),
    "sorry server": (
        with_pool(replace(POOL, sorry_server=BAD)),
        Level.DEGRADED,
        "sorry_server_failing",
        "web",
    ),
    "weight": (
        with_members(GOOD, replace(GOOD, actual_weight=0)),
        Level.DEGRADED,
        "weights_differ",
        "web",
    ),
    "ends soon": (
        with_members(GOOD, replace(DISABLED, override_expires_in=599.6)),
        Level.OK,
        "override_ends_soon",
        "web/192.0.2.45:80",
    ),
    "blind": (replace(STATUS, blind=True), Level.CRITICAL, "blind", "director"),
    "receiver": (
        replace(STATUS, alert_receivers=(RECEIVER,)),
        Level.DEGRADED,
        "alert_receiver_failing",
        "receiver ops",
    ),
    **order_cases(STATUS),
    "unfit": (replace(STATUS, unfit=("no table",)), Level.CRITICAL, "unfit", "director"),
    "fault": (
        with_instance(replace(INSTANCE, state=State.INITIALIZE, fault="link_down")),
        Level.CRITICAL,
        "instance_fault",
        "instance web",
    ),
    "starting": (
        with_instance(replace(INSTANCE, state=State.INITIALIZE)),
        Level.DEGRADED,
        "instance_starting",
        "instance web",
    ),
    "held out": (
        with_instance(
            replace(
                INSTANCE, state=State.INITIALIZE, fault="1 target has no verdict", held_out=True
            )
        ),
        Level.DEGRADED,
        "instance_starting",
        "instance web",
    ),
    "silence": (
        with_instance(replace(BACKUP, active_router=None)),
        Level.DEGRADED,
        "no_active_router",
        "instance web",
    ),
    "handing over": (
        with_instance(replace(INSTANCE, handing_over=True, yielding=True)),
        Level.DEGRADED,
        "handover_pending",
        "instance web",
    ),
    "handed over": (
        with_instance(replace(BACKUP, yielding=True)),
        Level.OK,
        "handed_over",
        "instance web",
    ),
    "two active": (
        with_alarm(AlarmKind.TWO_ACTIVE_ROUTERS),
        Level.CRITICAL,
        "two_active_routers",
        "instance web",
    ),
    "unheld": (
        with_alarm(AlarmKind.VIRTUAL_ADDRESS_UNHELD),
        Level.CRITICAL,
        "virtual_address_unheld",
        "instance web",
    ),
    "clock": (with_alarm(AlarmKind.CLOCK_SKEW), Level.DEGRADED, "clock_skew", "instance web"),
    "interval": (
        with_alarm(AlarmKind.LEARNED_INTERVAL_TOO_LONG),
        Level.DEGRADED,
        "learned_interval_too_long",
        "instance web",
    ),
    "observed difference": (
        with_instance(replace(INSTANCE, alarms=("a text",))),
        Level.DEGRADED,
        "peer_differs",
        "instance web",
    ),
    "no vrrp": (
        replace(STATUS, processes=VRRP_DOWN),
        Level.CRITICAL,
        "process_down",
        "process vrrp",
    ),
    "no checks": (
        replace(STATUS, processes=CHECKS_DOWN),
        Level.DEGRADED,
        "process_down",
        "process checks",
    ),
    "old vrrp": (replace(STATUS, processes=VRRP_OLD), Level.OK, "process_outdated", "process vrrp"),
    "operation": (
        replace(STATUS, failing={"add service": "no scheduler"}),
        Level.DEGRADED,
        "table_operations_failing",
        "director",
    ),
    "difference": (
        replace(STATUS, failing={"remove it": "not applied"}, observing=True),
        Level.DEGRADED,
        "table_differs",
        "director",
    ),
    "sync daemon": (
        with_host(HostStatus(sync_daemon=SyncDaemonStatus((), (), ("master on eth1",)))),
        Level.DEGRADED,
        "sync_daemon_missing",
        "director",
    ),
    "sysctl": (
        with_host(HostStatus(sysctls=(SysctlStatus("net.ipv4.ip_forward", "1", "0", "0", "nat"),))),
        Level.DEGRADED,
        "sysctl_differs",
        "net.ipv4.ip_forward",
    ),
    "setting": (
        with_host(HostStatus(warnings=("no nft",))),
        Level.DEGRADED,
        "host_setting_failed",
        "director",
    ),
    "warning": (replace(STATUS, warnings=("full",)), Level.DEGRADED, "warning", "director"),
    "risk": (
        replace(STATUS, warnings=("unfenced",), risks=("unfenced",)),
        Level.OK,
        "configuration_risk",
        "director",
    ),
    "orphan": (
        replace(STATUS, orphaned_overrides=("web/x: drained",)),
        Level.OK,
        "override_orphaned",
        "director",
    ),
    **{
        name: (replace(STATUS, **changes), level, code, place)
        for name, (changes, level, code, place) in STAGED_FAULTS.items()
    },
}


@pytest.mark.parametrize("name", FOUND)
def test_each_fault_is_one_problem_of_its_level(name: str) -> None:
    status, level, code, place = FOUND[name]
    verdict = judge_director(status)
    [problem] = verdict.problems
    assert (problem.level, problem.code, problem.object) == (level, code, place)
    assert verdict.level is level
    assert problem.reason
    assert problem.remedy


def test_a_director_without_a_fault_is_ok() -> None:
    verdict = judge_director(STATUS)
    assert (verdict.level, verdict.problems) == (Level.OK, ())
    assert verdict.summary == "lb1: ACTIVE for web, 2 real servers of 1 virtual server pass"


@pytest.mark.parametrize(
    ("changed", "summary"),
    [
        (
            lambda: replace(STATUS, instances=(BACKUP, INSTANCE, INSTANCE), virtual_servers=()),
            "lb1: ACTIVE for 2 of 3 VRRP instances",
        ),
        (
            lambda: replace(STATUS, instances=(), virtual_servers=()),
            "lb1: nothing is configured",
        ),
        (
            lambda: with_members(GOOD, DISABLED),
            "lb1: ACTIVE for web, 2 real servers of 1 virtual server pass, 1 override",
        ),
        (
            lambda: with_members(GOOD, replace(DISABLED, override_expires_in=60.0)),
            "lb1: ACTIVE for web, 2 real servers of 1 virtual server pass, 1 override (and 1 note)",
        ),
    ],
)
def test_the_summary_of_a_good_director_counts(changed: Callable[[], Status], summary: str) -> None:
    verdict = judge_director(changed())
    assert (verdict.level, verdict.summary) == (Level.OK, summary)


def test_the_vrrp_process_is_needed_only_for_instances_that_began() -> None:
    starting = replace(INSTANCE, state=State.INITIALIZE, fault="1 target", held_out=True)
    codes = [
        [problem.code for problem in judge_director(status).problems]
        for status in (
            replace(STATUS, processes=VRRP_DOWN, instances=()),
            replace(STATUS, processes=VRRP_DOWN, instances=(starting,)),
        )
    ]
    assert codes == [[], ["instance_starting"]]


def test_the_worst_problem_is_the_summary_and_the_first() -> None:
    status = replace(with_members(GOOD, BAD), blind=True, failing={"a": "b", "c": "d"})
    verdict = judge_director(status)
    assert [problem.code for problem in verdict.problems] == [
        "blind",
        "servers_failing",
        "table_operations_failing",
    ]
    assert verdict.summary == (
        "director: the director is blind: no target answers, so failing real servers stay in"
        " the pools"
        " (and 2 more problems)"
    )


def test_a_failing_pool_names_an_example_and_the_age_of_its_state() -> None:
    late = replace(BAD, address="192.0.2.47:80", verdict_age=5.0)
    [problem] = judge_director(with_members(GOOD, BAD, late)).problems
    assert problem.reason == (
        "1 of 3 real servers serve; 2 real servers fail (for example 192.0.2.45:80: timeout)"
    )
    assert problem.age == 5.0
    assert problem.remedy == "repair them; `hadirector why web/192.0.2.45:80` explains the first"


def test_a_sorry_server_that_serves_is_named() -> None:
    pool = replace(POOL, real_servers=(BAD,), sorry_server=OTHER)
    [problem] = judge_director(with_pool(pool)).problems
    assert problem.reason == (
        "the sorry server serves: all real servers fail (192.0.2.45:80: timeout)"
    )


def test_servers_that_only_blindness_holds_are_no_problem_of_the_brake() -> None:
    held = ("192.0.2.45:80",)
    assert judge_director(with_pool(replace(POOL, held=held, unseen=held))).problems == ()


def test_an_override_that_ends_in_more_than_ten_minutes_is_no_note() -> None:
    later = replace(DISABLED, override_expires_in=601.0)
    assert judge_director(with_members(GOOD, later)).problems == ()
