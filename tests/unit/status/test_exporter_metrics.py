"""The metrics with the names, labels and values of keepalived-exporter, written down by hand."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hadirector.status import exposition
from hadirector.status.metrics import families
from hadirector.status.report import ProcessStatus, Status
from tests.unit.status.test_metrics import INSTANCE, STATUS
from vrrp.model.report import State

LABELS = '{iname="web",intf="eth0",vrid="51"}'


def lines(status: Status) -> set[str]:
    text = b"".join(exposition.pieces(status, ["keepalived_exporter"])).decode()
    return {line for line in text.splitlines() if not line.startswith("#")}


def test_the_metrics_have_the_names_and_labels_of_the_exporter() -> None:
    counters = {"advertisements_sent": 9, "advertisements_received": 8, "dropped_ttl": 3}
    counters |= {"dropped_advert_interval": 4, "dropped_address_list": 5}
    counters |= {"dropped_auth_type": 6, "dropped_auth_password": 7}
    status = replace(STATUS, instances=(replace(INSTANCE, counters=counters),))
    assert lines(status) == {
        "keepalived_up 1.0",
        'keepalived_vrrp_state{iname="web",intf="eth0",ip_address="192.0.2.22",vrid="51"} 2.0',
        f"keepalived_advertisements_received_total{LABELS} 8.0",
        f"keepalived_advertisements_sent_total{LABELS} 9.0",
        f"keepalived_ip_ttl_errors_total{LABELS} 3.0",
        f"keepalived_advertisements_interval_errors_total{LABELS} 4.0",
        f"keepalived_address_list_errors_total{LABELS} 5.0",
        f"keepalived_authentication_mismatch_total{LABELS} 6.0",
        f"keepalived_authentication_failure_total{LABELS} 7.0",
    }


@pytest.mark.parametrize(
    ("address", "label"),
    [
        ("192.0.2.22/24", "192.0.2.22/24"),
        ("fd00::22/128", "fd00::22"),
        ("fd00::22/32", "fd00::22/32"),
    ],
)
def test_an_address_has_the_notation_of_keepalived(address: str, label: str) -> None:
    instance = replace(INSTANCE, virtual_addresses=(address,))
    place = f'iname="web",intf="eth0",ip_address="{label}",vrid="51"'
    assert f"keepalived_vrrp_state{{{place}}} 2.0" in lines(replace(STATUS, instances=(instance,)))


@pytest.mark.parametrize(
    ("state", "fault", "held_out", "number"),
    [
        (State.INITIALIZE, None, False, "0.0"),
        (State.INITIALIZE, "waits for the first probes", True, "0.0"),
        (State.BACKUP, None, False, "1.0"),
        (State.ACTIVE, None, False, "2.0"),
        (State.INITIALIZE, "link_down", False, "3.0"),
    ],
)
def test_a_state_has_the_number_of_keepalived(
    state: State, fault: str | None, number: str, *, held_out: bool
) -> None:
    instance = replace(INSTANCE, state=state, fault=fault, held_out=held_out, virtual_addresses=())
    expected = f'keepalived_vrrp_state{{iname="web",intf="eth0",ip_address="",vrid="51"}} {number}'
    assert expected in lines(replace(STATUS, instances=(instance,)))


def test_a_vrrp_process_that_does_not_run_is_down() -> None:
    status = replace(STATUS, processes=(ProcessStatus("vrrp", None, 1),))
    assert "keepalived_up 0.0" in lines(status)


def test_a_scrape_without_the_scope_has_no_name_of_the_exporter() -> None:
    assert [family.name for family in families(STATUS) if "keepalived" in family.name] == []
