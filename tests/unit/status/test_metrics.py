"""The metrics, and that docs/metrics.md describes them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from checks.definition.result import Reason, Verdict
from checks.scheduling.lateness import ProbeLateness
from hadirector.announce.decision import AnnouncementRole
from hadirector.announce.engine_answers import EngineReading, Session
from hadirector.announce.status import AnnouncementStatus, GroupStatus
from hadirector.api.problems import Code
from hadirector.dataplane.dataplane import Traffic
from hadirector.host.status import HostStatus
from hadirector.overrides.model import Action
from hadirector.sources.status import PoolStatus, SourceStatus
from hadirector.status import exposition
from hadirector.status.alert_status import ReceiverStatus
from hadirector.status.metrics import families
from hadirector.status.pair_summary import PairSummary, PeerSummary
from hadirector.status.report import (
    ProcessStatus,
    RealServerStatus,
    Status,
    VirtualServerStatus,
)
from hadirector.web.own_metrics import Figures, web_families
from vrrp.model.lateness import LatenessHistogram
from vrrp.model.report import InstanceStatus, State

PAGE = Path(__file__).parents[3] / "docs/metrics.md"
ONE = RealServerStatus(
    "192.0.2.45:80",
    10,
    0,
    7,
    3,
    4,
    Verdict.PASSING,
    "200 OK",
    total=Traffic(40, 11, 12, 5000, 7000),
    override=Action.DRAIN,
    certificate_expires_at=1.8e9,
)
TWO = RealServerStatus("192.0.2.46:80", 10, 10, 10, 0, 0, Verdict.FAILING, "refused")
THREE = RealServerStatus("192.0.2.47:80", 10, None, None, 0, 0, Verdict.UNKNOWN, "")
POOL = VirtualServerStatus(
    'a "web"',
    "192.0.2.22:80",
    "tcp",
    "wrr",
    "nat",
    True,
    (ONE, TWO, THREE),
    held=("192.0.2.46:80",),
    has_quorum=False,
    passing_weight=10,
    needed_weight=20,
    sorry_server=replace(THREE, address="192.0.2.48:80", wanted_weight=1),
)
INSTANCE = InstanceStatus(
    "web",
    State.ACTIVE,
    200,
    51,
    "eth0",
    ("192.0.2.22/32",),
    True,
    False,
    None,
    3.0,
    {"advertisements_sent": 9, "transitions": 2, "dropped_ttl": 3, "address_restored": 1},
    undelivered={"dropped_virtual_router_id": 7},
    alarms=("two are active",),
    advertisement_lateness=LatenessHistogram((5, 1, 0), (0.001, 0.01), 0.0042, 0.003),
    configured_priority=250,
)
STATUS = Status(
    name="lb1",
    version="0.1.0",
    pid=100,
    dataplane="ipvs",
    processes=(ProcessStatus("vrrp", 101, 0), ProcessStatus("checks", None, 3)),
    instances=(INSTANCE,),
    virtual_servers=(POOL,),
    foreign_services=("tcp 192.0.2.99:80",),
    failing={"add": "no such scheduler"},
    repaired=6,
    probes=1000,
    probe_lateness=ProbeLateness((900, 60, 40), (0.005, 0.01), 0.5, 4.25),
    hints=2,
    idle_connections=3,
    host=HostStatus(warnings=("a sysctl cannot be set",), repaired=4),
    delayed_probes=5,
    discarded_results={Reason.TIMEOUT: 3},
    unattended_seconds=1.5,
    table_digest="ab12",
    pair=PairSummary(
        name="edge",
        standby="lb2 could take over",
        peers=(
            PeerSummary(
                name="lb2",
                reached=True,
                ready=True,
                age=0.5,
                clock_skew=-0.25,
                differences={"verdicts": 2},
                refusals={"certificate": 4},
            ),
        ),
    ),
    alert_receivers=(
        ReceiverStatus(
            name="ops",
            kind="webhook",
            failing=True,
            failure="refused",
            waiting=2,
            delivered=5,
            failed_attempts=7,
            lost=1,
        ),
    ),
    sources=(
        SourceStatus(
            name="members",
            type="file",
            location="/etc/members.json",
            members=2,
            age=12.5,
            failure="",
            failing_for=None,
            pools=(PoolStatus("http", 2, 1, refusal="too few"),),
        ),
    ),
    announcements=AnnouncementStatus(
        "hadirector0",
        "hadirector1",
        (
            GroupStatus(
                "web",
                ("203.0.113.1",),
                AnnouncementRole.RELUCTANT,
                "blind",
                9.0,
                passing={"http": 40.0},
            ),
        ),
        engine=EngineReading((Session("192.0.2.1", "Established"), Session("192.0.2.2", "Active"))),
    ),
)


WEB = Figures(connections=4, accepted=9, streams=2, refused=Counter({Code.UNAUTHENTICATED: 3}))


def samples(status: Status) -> dict[str, float]:
    """The parsed samples: each name with its labels in order, and each value."""
    return {
        f"{sample.name}{list(sample.labels.values())}": sample.value
        for family in text_string_to_metric_families(b"".join(exposition.pieces(status)).decode())
        for sample in family.samples
    }


def test_the_receivers_of_alerts_have_metrics() -> None:
    found = samples(STATUS)
    assert {
        name: value for name, value in found.items() if name.startswith("hadirector_alert")
    } == {
        "hadirector_alert_receiver_failing['ops']": 1,
        "hadirector_alert_receiver_waiting['ops']": 2,
        "hadirector_alert_messages_total['ops']": 5,
        "hadirector_alert_attempts_failed_total['ops']": 7,
        "hadirector_alert_messages_lost_total['ops']": 1,
    }


def test_a_director_has_metrics_of_its_processes_and_probes() -> None:
    found = samples(STATUS)
    assert found["hadirector_build_info['ipvs', 'lb1', '0.1.0']"] == 1
    assert found["hadirector_process_up['vrrp']"] == 1
    assert found["hadirector_process_up['checks']"] == 0
    assert found["hadirector_process_restarts_total['checks']"] == 3
    assert found["hadirector_probes_total[]"] == 1000
    assert found["hadirector_probes_delayed_total[]"] == 5
    assert found["hadirector_probe_results_discarded_total['timeout']"] == 3
    assert found["hadirector_checks_unattended_seconds_total[]"] == 1.5
    assert found["hadirector_probe_lateness_seconds_bucket['0.005']"] == 900
    assert found["hadirector_probe_lateness_seconds_bucket['0.01']"] == 960
    assert found["hadirector_probe_lateness_seconds_sum[]"] == 4.25
    assert found["hadirector_probe_lateness_seconds_bucket['+Inf']"] == 1000
    assert found["hadirector_table_repairs_total[]"] == 6
    assert found["hadirector_host_repairs_total[]"] == 4


def test_an_absent_server_has_no_metric_of_its_check() -> None:
    absent = replace(
        STATUS, virtual_servers=(replace(POOL, real_servers=(replace(TWO, absent=True),)),)
    )
    found = samples(absent)
    place = "'192.0.2.46:80', 'a \"web\"'"
    assert f"hadirector_real_server_up[{place}]" not in found
    assert found[f"hadirector_real_server_weight[{place}]"] == 10


def test_a_pool_has_metrics_of_its_quorum_and_its_real_servers() -> None:
    """The third real server is not in the table and has no verdict, so it has no samples."""
    found = samples(STATUS)
    pool, one, two, three = "'a \"web\"'", *(f"192.0.2.{n}:80" for n in (45, 46, 47))
    assert found[f"hadirector_virtual_server_has_quorum[{pool}]"] == 0
    assert found[f"hadirector_virtual_server_quorum_weight[{pool}]"] == 20
    assert found[f"hadirector_virtual_server_sorry_server_serves[{pool}]"] == 1
    assert found[f"hadirector_real_server_up['{one}', {pool}]"] == 1
    assert found[f"hadirector_real_server_up['{two}', {pool}]"] == 0
    assert f"hadirector_real_server_up['{three}', {pool}]" not in found
    assert found[f"hadirector_real_server_wanted_weight['{one}', {pool}]"] == 0
    assert found[f"hadirector_real_server_weight['{one}', {pool}]"] == 7
    assert f"hadirector_real_server_weight['{three}', {pool}]" not in found
    assert found[f"hadirector_real_server_override['drain', '{one}', {pool}]"] == 1
    assert found[f"hadirector_real_server_connections_total['{one}', {pool}]"] == 40
    assert found[f"hadirector_real_server_bytes_total['in', '{one}', {pool}]"] == 5000
    assert found[f"hadirector_real_server_bytes_total['out', '{one}', {pool}]"] == 7000


@pytest.mark.parametrize(
    ("unseen", "by_brake", "by_blindness"), [((), 1, 0), (("192.0.2.46:80",), 0, 1)]
)
def test_held_servers_are_counted_by_cause(
    unseen: tuple[str, ...], by_brake: int, by_blindness: int
) -> None:
    found = samples(
        replace(STATUS, virtual_servers=(replace(POOL, unseen=unseen),), blind=bool(unseen))
    )
    assert found["hadirector_blind[]"] == by_blindness
    held = "hadirector_virtual_server_held_real_servers"
    assert found[f"{held}['min_healthy', 'a \"web\"']"] == by_brake
    assert found[f"{held}['blindness', 'a \"web\"']"] == by_blindness


def test_an_instance_has_metrics_of_its_dropped_advertisements() -> None:
    found = samples(STATUS)
    assert found["hadirector_vrrp_state['ACTIVE', 'web']"] == 1
    assert found["hadirector_vrrp_state['BACKUP', 'web']"] == 0
    assert found["hadirector_vrrp_priority['web']"] == 200
    assert found["hadirector_vrrp_advertisements_sent_total['web']"] == 9
    assert found["hadirector_vrrp_advertisements_dropped_total['ttl', 'web']"] == 3
    dropped = "hadirector_vrrp_advertisements_undelivered_total"
    assert found[f"{dropped}['virtual_router_id', 'web']"] == 7
    assert found["hadirector_vrrp_incidents_total['address_restored', 'web']"] == 1
    lateness = "hadirector_vrrp_advertisement_lateness_seconds"
    assert found[f"{lateness}_bucket['0.01', 'web']"] == 6
    assert found[f"{lateness}_count['web']"] == 6
    assert found[f"{lateness}_sum['web']"] == 0.0042


def test_an_announced_group_has_metrics_of_its_role_and_its_sessions() -> None:
    found = samples(STATUS)
    assert found["hadirector_hash_tables_info['ab12']"] == 1
    assert found["hadirector_announcement_role['web', 'reluctant']"] == 1
    assert found["hadirector_announcement_role['web', 'announced']"] == 0
    assert found["hadirector_announcement_passing_ratio['web', 'http']"] == 0.4
    assert found["hadirector_routing_session_established['192.0.2.1']"] == 1
    assert found["hadirector_routing_session_established['192.0.2.2']"] == 0
    assert found["hadirector_routing_engine_answers[]"] == 1


def documented() -> dict[str, tuple[str, frozenset[str]]]:
    row = r"^\| `(\w+)`(?: <a [^|]*)? \| (\w+) \| (.*?) \|"
    rows = re.findall(row, PAGE.read_text(), re.MULTILINE)
    return {
        f"hadirector_{name}": (kind, frozenset(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels in rows
    }


def test_every_metric_is_documented_with_its_type_and_labels() -> None:
    """The page describes no other metrics."""
    exported = {
        family.name + "_total" * (family.type == "counter"): (
            family.type,
            frozenset(label for sample in family.samples for label in sample.labels) - {"le"},
        )
        for family in (*families(STATUS), *web_families(WEB))
    }
    assert documented() == exported


def test_the_metrics_of_a_pair() -> None:
    found = {name: value for name, value in samples(STATUS).items() if "_pair_" in name}
    assert found == {
        "hadirector_pair_peer_reached['lb2']": 1.0,
        "hadirector_pair_peer_ready['lb2']": 1.0,
        "hadirector_pair_peer_age_seconds['lb2']": 0.5,
        "hadirector_pair_peer_clock_skew_seconds['lb2']": -0.25,
        "hadirector_pair_differences['verdicts', 'lb2']": 2.0,
        "hadirector_pair_answers_refused_total['lb2', 'certificate']": 4.0,
        "hadirector_pair_split_brains[]": 0.0,
    }
