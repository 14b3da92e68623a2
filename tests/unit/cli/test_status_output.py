"""The text of ``hadirector status``."""

from __future__ import annotations

import io
import re

import msgspec
import pytest
from msgspec.structs import replace

from checks.definition.result import Verdict
from hadirector.cli import main
from hadirector.cli.status_text import needs_attention, render_status
from hadirector.cli.terminal import paint, paint_for, plain
from hadirector.dataplane.dataplane import Traffic
from hadirector.host.status import HostStatus, SyncDaemonStatus
from hadirector.host.sysctl.rules import SysctlStatus
from hadirector.overrides.model import Action
from hadirector.status.report import ProcessStatus, RealServerStatus, Status, VirtualServerStatus
from hadirector.status.verdict import DirectorVerdict, Level
from vrrp.model.report import AdvertisingRouter, InstanceStatus, State

PASSING, FAILING = Verdict.PASSING, Verdict.FAILING
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
        replace(real_server("[fd00::16]:80", Verdict.FAILING, None), verdict_age=3 * 86400.0),
    )
    return Status(
        name="lb1",
        version="0.1.0",
        pid=100,
        dataplane="ipvs",
        processes=(ProcessStatus("vrrp", 101, 0, "0.0.9"), ProcessStatus("checks", None, 3)),
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
                state_age=150.0,
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


def lines(status: Status, *, every: bool = True) -> list[str]:
    return list(render_status(status, plain, every_real_server=every))


def test_a_status_is_rendered_with_aligned_columns() -> None:
    assert lines(a_status()) == [
        "lb1  hadirector 0.1.0, ipvs",
        "processes: director 100, vrrp 101 (still version 0.0.9), checks not running (3 restarts)",
        "",
        "VRRP instance  state                  since      priority  VRID  interface  addresses   "
        "active",
        "web[bold]      ACTIVE (handing over)  2 min ago  200       51    eth0       192.0.2.22  "
        "this director",
        "web[bold] dropped advertisements: checksum 1, ttl 2",
        "eth0 received advertisements that belong to no instance: virtual_router_id 7",
        "",
        "virtual server   weight  in table  connections  new/s  bytes/s      bytes        check"
        "    since    reason",
        "six  tcp [fd00::22]:80 wrr dr  1 of 2 passing  6 + 8 connections, 24 new/s,"
        " 19k + 246k bytes/s, 10M + 140G bytes",
        "  [fd00::16]:80  2       -         3 + 4        12     9999 + 123k  5000k + 70G  failing"
        "  3 d ago  refused: connecting: Connection refused",
        "  [fd00::15]:80  2       2         3 + 4        12     9999 + 123k  5000k + 70G  passing"
        "           expected status",
        "gone  tcp 192.0.2.22:80 rr nat  missing from the table",
        "foreign service, not changed: tcp [fd00::99]:80",
        "failing: add service tcp [fd00::22]:80 (wrr): no [fd00] scheduler",
    ]


def test_outgoing_real_servers_are_named_below_their_virtual_server() -> None:
    status = a_status()
    first, second = status.virtual_servers
    changed = replace(status, virtual_servers=(replace(first, outgoing=("[fd00::9]:80",)), second))
    text = "  not configured, but serving until enough new real servers pass: [fd00::9]:80"
    assert [line for line in lines(changed) if "fd00::9]" in line and "foreign" not in line] == [
        text
    ]


def test_a_terminal_gets_colors_that_do_not_move_columns() -> None:
    colored = list(render_status(a_status(), paint, every_real_server=True))
    assert colored[0] == "\033[1mlb1\033[0m  hadirector 0.1.0, ipvs"
    assert "  \033[32mpassing\033[0m           expected status" in colored[-4]
    assert [re.sub("\033\\[[0-9;]*m", "", line) for line in colored] == lines(a_status())


@pytest.mark.parametrize(
    ("terminal", "environment", "colors"),
    [
        (True, {"TERM": "xterm"}, True),
        (True, {}, True),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
        (False, {"TERM": "xterm"}, False),
    ],
)
def test_only_a_terminal_that_wants_colors_gets_them(
    terminal: bool, environment: dict[str, str], colors: bool
) -> None:
    stream = io.StringIO()
    stream.isatty = lambda: terminal  # type: ignore[method-assign]
    assert paint_for(stream, environment) is (paint if colors else plain)


def large_status() -> Status:
    """One pool of 150 real servers, 30 of them failing, and one pool of a single real server."""
    large = tuple(
        real_server(f"192.0.2.{n}:80", *((FAILING, None) if n < 30 else (PASSING, 2)))
        for n in range(150)
    )
    drained = replace(large[149], override=Action.DRAIN)
    (first, single) = a_status().virtual_servers
    sorry = real_server("192.0.2.99:80", PASSING, None)
    return replace(
        a_status(),
        virtual_servers=(
            replace(
                first,
                real_servers=(*large[:149], drained),
                held=tuple(server.address for server in large[:30]),
            ),
            replace(single, real_servers=(large[149],), sorry_server=sorry, present=True),
        ),
    )


def test_a_summary_lists_the_real_servers_that_need_attention() -> None:
    """At most 20 of each virtual server, and how many more there are."""
    words = [" ".join(line.split()) for line in lines(large_status(), every=False)]
    first = words.index("2 virtual servers, 151 real servers: 121 passing, 30 failing")
    assert words[first + 1] == (
        "(listed: the real servers that need attention; --all lists every real server)"
    )
    assert words[first + 3].startswith("six tcp [fd00::22]:80 wrr dr 120 of 150 passing 6 + 8")
    assert words[first + 4].startswith("failing, but held in the pool: 192.0.2.0:80, 192.0.2.1:80")
    assert words[first + 4].endswith("192.0.2.19:80 and 10 more")
    assert [line.split()[0] for line in words[first + 5 : first + 25]] == [
        f"192.0.2.{n}:80" for n in range(20)
    ]
    assert words[first + 25 : first + 27] == [
        "and 11 more",
        "gone tcp 192.0.2.22:80 rr nat 1 of 1 passing",
    ]


def test_a_summary_without_real_servers_to_list_has_no_headings() -> None:
    (_, single) = a_status().virtual_servers
    servers = tuple(real_server(f"192.0.2.{number}:80", PASSING, 2) for number in range(21))
    quiet = replace(single, real_servers=servers, sorry_server=None, present=True)
    words = [
        " ".join(line.split())
        for line in lines(replace(a_status(), virtual_servers=(quiet,)), every=False)
    ]
    first = words.index("1 virtual servers, 21 real servers: 21 passing")
    assert words[first + 1 : first + 3] == [
        "(none needs attention; --all lists every real server)",
        "gone tcp 192.0.2.22:80 rr nat 21 of 21 passing",
    ]


@pytest.mark.parametrize(
    ("server", "listed"),
    [
        (real_server("a", PASSING, 2), False),
        (real_server("a", FAILING, 2), True),
        (real_server("a", Verdict.UNKNOWN, None), True),
        (replace(real_server("a", PASSING, 2), actual_weight=1), True),
        (replace(real_server("a", PASSING, 2), override=Action.WEIGHT), True),
        (replace(real_server("a", PASSING, 2), wanted_weight=0, actual_weight=0), True),
        (
            replace(
                real_server("a", PASSING, 2), configured_weight=0, wanted_weight=0, actual_weight=0
            ),
            False,
        ),
    ],
)
def test_what_needs_attention(server: RealServerStatus, listed: bool) -> None:
    assert needs_attention(server) is listed


def test_a_sorry_server_needs_attention_while_it_serves_or_fails() -> None:
    """It is listed after the real servers, with the word sorry server in its reason."""
    status = large_status()
    serving = real_server("192.0.2.99:80", PASSING, 2)
    failing = real_server("192.0.2.99:80", FAILING, None)
    for sorry, listed in ((serving, True), (failing, True), (None, False)):
        servers = tuple(replace(each, sorry_server=sorry) for each in status.virtual_servers[1:])
        text = "\n".join(lines(replace(status, virtual_servers=servers), every=False))
        assert ("sorry server" in text) is listed


@pytest.mark.parametrize(("arguments", "every"), [([], False), (["--all"], True)])
def test_more_than_100_real_servers_are_summarized_unless_all_are_wanted(
    arguments: list[str],
    every: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = msgspec.json.encode(large_status())
    monkeypatch.setattr("hadirector.cli.status.request", lambda *_: answer)
    assert main(["status", *arguments]) == 1
    assert capsys.readouterr().out.splitlines()[1:] == lines(large_status(), every=every)


def test_a_small_director_lists_every_real_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hadirector.cli.status.request", lambda *_: msgspec.json.encode(a_status()))
    assert main(["status"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "CRITICAL  gone: the virtual server is missing from the table, so no client is served"
        " (and 4 more problems)",
        *lines(a_status()),
    ]


def good_status() -> Status:
    """One instance and one pool, without a fault."""
    first = a_status().virtual_servers[0]
    return replace(
        a_status(),
        processes=(),
        instances=(replace(a_status().instances[0], instance="web", handing_over=False),),
        virtual_servers=(replace(first, real_servers=first.real_servers[:1]),),
        failing={},
    )


def answer_with(status: Status, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hadirector.cli.status.request", lambda *_: msgspec.json.encode(status))


def test_the_first_line_of_a_good_director_is_ok(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer_with(good_status(), monkeypatch)
    assert main(["status"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first == "OK  lb1: ACTIVE for web, 1 real server of 1 virtual server pass"


@pytest.mark.parametrize(("status", "code"), [(good_status(), 0), (a_status(), 1)])
def test_quiet_prints_nothing_and_the_exit_code_answers(
    status: Status,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer_with(status, monkeypatch)
    assert main(["status", "--quiet"]) == code
    assert capsys.readouterr() == ("", "")


def test_problems_are_listed_with_their_remedies(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = good_status().virtual_servers[0]
    bad = replace(real_server("192.0.2.46:80", FAILING, None), verdict_age=200.0)
    overridden = {"override": Action.DRAIN, "override_expires_in": 120.0}
    third = replace(real_server("192.0.2.47:80", PASSING, 2), **overridden)
    members = (real_server("192.0.2.45:80", PASSING, 2), bad, third)
    pool = replace(first, name="web", real_servers=members)
    answer_with(replace(good_status(), virtual_servers=(pool,)), monkeypatch)
    assert main(["status", "--problems"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"DEGRADED  web: 2 of 3 real servers serve; 1 real server fails (192.0.2.46:80: {REASON})",
        f"DEGRADED  web: 2 of 3 real servers serve; 1 real server fails (192.0.2.46:80: {REASON})"
        "  [servers_failing, for 3 min]",
        "          -> repair them; `hadirector why web/192.0.2.46:80` explains the first",
        "             docs/operations.md#problem-servers_failing",
        "note      web/192.0.2.47:80: the override (drain) ends in 120 s  [override_ends_soon]",
        "          -> set the override again with a longer --for, if the override is still needed",
        "             docs/operations.md#problem-override_ends_soon",
    ]


def test_the_verdict_of_the_director_is_the_one_that_counts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A newer director may find a problem that this command does not know."""
    verdict = DirectorVerdict(Level.DEGRADED, "pair: lb2 is not ready")
    answer_with(replace(good_status(), verdict=verdict), monkeypatch)
    assert main(["status"]) == 1
    assert capsys.readouterr().out.startswith("DEGRADED  pair: lb2 is not ready\n")


def test_sysctls_are_shown_with_their_reasons() -> None:
    """A sysctl with another value than expected is marked; foreign threads are named."""
    host = HostStatus(
        sysctls=(
            SysctlStatus("net.ipv4.ip_forward", "1", "1", "0", "nat"),
            SysctlStatus("net.ipv4.vs.conn_reuse_mode", "1", "0", None, "tcp"),
            SysctlStatus("net.ipv4.vs.sloppy_tcp", "1", None, None, "mh"),
        ),
        sync_daemon=SyncDaemonStatus(("master on eth1",), ("backup on eth0",)),
        warnings=("net.ipv4.vs.sloppy_tcp is missing",),
    )
    words = [" ".join(line.split()) for line in lines(replace(a_status(), host=host))]
    first = words.index("sysctl value before reason")
    assert words[first + 1 : first + 7] == [
        "net.ipv4.ip_forward 1 0 nat",
        "net.ipv4.vs.conn_reuse_mode 0 (expected 1) tcp",
        "net.ipv4.vs.sloppy_tcp missing (expected 1) mh",
        "sync daemon: master on eth1",
        "foreign sync daemon, not changed: backup on eth0",
        "warning: net.ipv4.vs.sloppy_tcp is missing",
    ]


def test_a_director_that_observes_shows_the_routers_and_the_differences() -> None:
    routers = (
        AdvertisingRouter("192.0.2.1", 150, 2, 1.0, ("192.0.2.100",), 0.25, this_host=True),
        AdvertisingRouter("192.0.2.2", 100, 2, 1.0, ("192.0.2.100",), 2.0, dropped="peer_ttl"),
    )
    status = a_status()
    observed = replace(
        status,
        observing=True,
        instances=(replace(status.instances[0], instance="web", advertising_routers=routers),),
        failing={"change the weight of 192.0.2.45:80 to 0": "not applied"},
    )
    text = "\n".join(render_status(observed, plain, every_real_server=True))
    assert "observes: another program is in charge, and nothing is changed\n" in text
    assert (
        "web: 192.0.2.1 (this host) advertised priority 150, version 2, every 1 s, 192.0.2.100,"
        " 0.2 s ago\n"
    ) in text
    assert "2.0 s ago; hadirector would drop this: peer_ttl\n" in text
    assert "difference: hadirector would change the weight of 192.0.2.45:80 to 0" in text
    assert "failing:" not in text


def test_an_unusual_number_of_intervals_is_shown() -> None:
    """The usual number is 3 (RFC 9568 6.1), which needs no line."""
    status = a_status()
    [instance] = status.instances
    patient = replace(instance, down_timer_adverts=5, active_down_interval=5.609375)
    line = "web[bold] takes over after 5 advertisement intervals: 5.61 s with the skew time"
    assert line in lines(replace(status, instances=(patient,)))
    assert not [each for each in lines(status) if "takes over after" in each]
