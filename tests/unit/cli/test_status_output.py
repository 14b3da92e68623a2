"""What ``hadirector status`` prints for people."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from checks.definition.result import Verdict
from hadirector.cli import status as command
from hadirector.dataplane.dataplane import Traffic
from hadirector.host.status import HostStatus, SyncDaemonStatus
from hadirector.host.sysctl.rules import SysctlStatus
from hadirector.status.report import ProcessStatus, RealServerStatus, Status, VirtualServerStatus
from vrrp.model.report import InstanceStatus, State

REASON = "refused: connecting: Connection refused"


def real_server(address: str, verdict: Verdict, actual: int | None) -> RealServerStatus:
    reason = "expected status" if verdict is Verdict.PASSING else REASON
    return RealServerStatus(
        address,
        2,
        None if actual is None else 2,
        actual,
        3,
        4,
        verdict,
        reason,
        total=Traffic(40, 0, 0, 5_000_000, 70_000_000_000),
        per_second=Traffic(12, 0, 0, 9999, 123_456),
    )


def a_status() -> Status:
    servers = (
        real_server("[fd00::15]:80", Verdict.PASSING, 2),
        real_server("[fd00::16]:80", Verdict.FAILING, None),
    )
    return Status(
        name="lb1",
        version="0.1.0",
        pid=100,
        dataplane="ipvs",
        processes=(ProcessStatus("vrrp", 101, 0), ProcessStatus("checks", None, 3)),
        instances=(
            InstanceStatus(
                "web[bold]",
                State.ACTIVE,
                200,
                51,
                "eth0",
                ("192.0.2.22/32",),
                True,
                False,
                None,
                3.0,
                {"advertisements_sent": 9, "dropped_ttl": 2, "dropped_checksum": 1},
                undelivered={"dropped_virtual_router_id": 7},
            ),
        ),
        virtual_servers=(
            VirtualServerStatus(
                "six",
                "[fd00::22]:80",
                "tcp",
                "wrr",
                "dr",
                True,
                servers,
                active_connections=6,
                inactive_connections=8,
                total=Traffic(80, 0, 0, 10_000_000, 140_000_000_000),
                per_second=Traffic(24, 0, 0, 19_998, 246_912),
            ),
            VirtualServerStatus("gone", "192.0.2.22:80", "tcp", "rr", "nat", False, ()),
        ),
        foreign_services=("tcp [fd00::99]:80",),
        failing={"add service tcp [fd00::22]:80 (wrr)": "no [fd00] scheduler"},
        repaired=0,
        probes=0,
    )


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    command._print(a_status())
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_addresses_and_names_in_brackets_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    """Rich would take [fd00::15] for the name of a style and leave it out."""
    assert printed(capsys) == [
        "lb1  hadirector 0.1.0, ipvs",
        "processes: director 100, vrrp 101, checks not running (3 restarts)",
        "",
        "VRRP instance  state                  priority  VRID  interface  addresses   active",
        "web[bold]      ACTIVE (handing over)  200       51    eth0       192.0.2.22  this"
        " director",
        "web[bold] has dropped advertisements: checksum 1, ttl 2",
        "eth0 has received for no instance: virtual_router_id 7",
        "",
        "virtual server   weight  in table  connections  new/s  bytes/s      bytes        check"
        "    because",
        "six  tcp [fd00::22]:80 wrr dr  6 + 8 connections, 24 new/s, 19k + 246k bytes/s,"
        " 10M + 140G bytes",
        "  [fd00::15]:80  2       2         3 + 4        12     9999 + 123k  5000k + 70G  passing"
        "  expected status",
        "  [fd00::16]:80  2       -         3 + 4        12     9999 + 123k  5000k + 70G  failing"
        "  refused: connecting: Connection refused",
        "gone  tcp 192.0.2.22:80 rr nat  missing in the table",
        "not ours, left alone: tcp [fd00::99]:80",
        "failing: add service tcp [fd00::22]:80 (wrr): no [fd00] scheduler",
    ]


def test_a_narrow_terminal_wraps_and_cuts_nothing_off(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every word is there at 60 columns."""
    monkeypatch.setattr(command, "PIPE_WIDTH", 60)
    text = "\n".join(printed(capsys))
    assert "…" not in text
    for word in ("[fd00::16]:80", "failing", "refused:", "connecting:", "Connection", "director"):
        assert word in text


def test_what_the_kernel_was_set_to_is_shown_with_its_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A parameter that is not as it should be says so; threads of others are named."""
    host = HostStatus(
        sysctls=(
            SysctlStatus("net.ipv4.ip_forward", "1", "1", "0", "nat"),
            SysctlStatus("net.ipv4.vs.conn_reuse_mode", "1", "0", None, "tcp"),
            SysctlStatus("net.ipv4.vs.sloppy_tcp", "1", None, None, "mh"),
        ),
        sync_daemon=SyncDaemonStatus(("master on eth1",), ("backup on eth0",)),
        warnings=("net.ipv4.vs.sloppy_tcp is not there",),
    )
    command._print(replace(a_status(), host=host))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    first = lines.index("sysctl value was because")
    assert lines[first + 1 : first + 7] == [
        "net.ipv4.ip_forward 1 0 nat",
        "net.ipv4.vs.conn_reuse_mode 0 (expected 1) tcp",
        "net.ipv4.vs.sloppy_tcp not there (expected 1) mh",
        "sync daemon: master on eth1",
        "not ours, left alone: sync daemon backup on eth0",
        "warning: net.ipv4.vs.sloppy_tcp is not there",
    ]
