"""The live state of IPVS becomes a configuration."""

from __future__ import annotations

from hadirector.config.keepalived.ipvsadm.kernel import translate_kernel
from hadirector.config.keepalived.node import plain
from hadirector.config.keepalived.report import Report
from hadirector.model.ipvs import (
    ConnectionTimeouts,
    Destination,
    DestinationKey,
    ForwardingMethod,
    Protocol,
    Service,
    ServiceEntry,
    ServiceKey,
    SyncRole,
    SyncSettings,
    Table,
)

WEB = ServiceKey(Protocol.TCP, "192.0.2.1", 80)
TABLE: Table = {
    WEB: ServiceEntry(
        Service("wlc"),
        {
            DestinationKey("198.51.100.1", 80): Destination(
                5, ForwardingMethod.NAT, upper_threshold=100, lower_threshold=60
            )
        },
    )
}
DEFAULTS = ConnectionTimeouts(tcp=900, tcp_fin=120, udp=300)
SYNC = SyncSettings(interface="eth1", id=51, group="224.0.0.81", port=8848, ttl=1)


def test_the_table_has_thresholds_and_the_other_settings_are_the_defaults() -> None:
    report = Report()
    assert plain(translate_kernel(TABLE, DEFAULTS, {}, report, "tcp")) == {
        "virtual_servers": [
            {
                "address": "192.0.2.1:80",
                "scheduler": "wlc",
                "forwarding": "nat",
                "check": {"type": "tcp"},
                "real_servers": [
                    {
                        "address": "198.51.100.1",
                        "weight": 5,
                        "upper_threshold": 100,
                        "lower_threshold": 60,
                    }
                ],
            }
        ]
    }
    assert report.notes == []


def test_changed_timeouts_and_both_sync_threads() -> None:
    report = Report()
    threads = {SyncRole.MASTER: SYNC, SyncRole.BACKUP: SYNC}
    timeouts = ConnectionTimeouts(tcp=60, tcp_fin=120, udp=10)
    found = plain(translate_kernel({}, timeouts, threads, report, "tcp"))
    assert found["connection_timeouts"] == {"tcp": "60s", "udp": "10s"}
    assert found["sync_daemon"] == {"interface": "eth1", "role": "both", "id": 51}
    assert report.notes == []


def test_one_sync_thread_with_every_setting() -> None:
    report = Report()
    settings = SyncSettings(
        interface="eth1", id=0, maximum_length=1400, group="ff02::81", port=9999, ttl=3
    )
    found = plain(translate_kernel({}, DEFAULTS, {SyncRole.BACKUP: settings}, report, "tcp"))
    assert found["sync_daemon"] == {
        "interface": "eth1",
        "role": "both",
        "maximum_length": 1400,
        "group": "ff02::81",
        "port": 9999,
        "ttl": 3,
    }
    assert [note.message for note in report.notes] == [
        "only the sync thread backup runs: with role both, hadirector runs the other one too; with"
        " a vrrp instance, role: follow runs one of them"
    ]
