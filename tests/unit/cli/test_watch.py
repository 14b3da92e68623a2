"""The view of ``hadirector watch``."""

from __future__ import annotations

from collections import deque

import msgspec
import pytest
from msgspec.structs import replace

from hadirector.cli import main
from hadirector.cli.watch_view import ASCII, UNICODE, Line, View, sparkline, view_lines
from hadirector.events.event_log import Event, Page
from hadirector.overrides.model import Action
from hadirector.status.problems import judge_director
from hadirector.status.report import Status
from tests.unit.status.test_verdict import BACKUP, BAD, GOOD, INSTANCE, POOL, STATUS, UNKNOWN

DRAINED = replace(
    GOOD,
    address="192.0.2.47:80",
    wanted_weight=0,
    actual_weight=0,
    active_connections=96,
    override=Action.DRAIN,
    weight_reason="draining, by unix:ann: new kernel",
)
FAILING = replace(BAD, address="192.0.2.46:80")
EVENTS = (
    Event(1, 0.0, "override_set", {"virtual_server": "web", "description": "x" * 80}),
    Event(2, 1.0, "drain_ended", {"virtual_server": "web"}),
)


def a_view(status: Status = STATUS, age: float = 0.4) -> View:
    return View(status, judge_director(status), age, EVENTS, {"web": deque([0, 1, 4, 8])})


def with_members() -> Status:
    pool = replace(POOL, real_servers=(GOOD, DRAINED, FAILING))
    return replace(
        STATUS,
        instances=(replace(INSTANCE, state_age=720.0), replace(BACKUP, instance="mail")),
        virtual_servers=(pool,),
    )


def test_a_view_has_the_verdict_the_instances_the_pools_and_the_events() -> None:
    lines = view_lines(a_view(with_members()), 80, 40)
    assert [line.text.rstrip() for line in lines] == [
        "DEGRADED  web: 1 of 3 real servers serve; 1 real server fails (192.0.2.46:80:",
        "timeout)",
        "lb1  hadirector 0.1.0, ipvs  (live)",
        "",
        "VRRP instance           state         for      priority  active",
        "web                     ACTIVE        12 min        200  this director",
        "mail                    BACKUP                      200  192.0.2.1",
        "",
        "virtual server          serving  connections  new/s  last minute",
        "web                     1/3                0      0  ▁▂▅█",
        "  ⏸ 192.0.2.47:80       0                 96  draining, by unix:ann: new kernel",
        "  ✖ 192.0.2.46:80       out                0  fails for 1 min: timeout",
        "",
        f"00:00:00Z  override_set  virtual_server=web description={'x' * 23}…",
        "00:00:01Z  drain_ended  virtual_server=web",
    ]
    assert (lines[0].style, lines[5].style, lines[11].style) == ("bold yellow", "bold green", "red")


@pytest.mark.parametrize("width", [20, 40, 80, 200])
@pytest.mark.parametrize("height", [1, 5, 24])
def test_a_view_never_exceeds_the_terminal(width: int, height: int) -> None:
    lines = view_lines(a_view(with_members()), width, height)
    assert len(lines) <= height
    assert max(len(line.text) for line in lines) <= width


def test_pools_that_have_no_room_are_counted_and_the_worst_come_first() -> None:
    pools = tuple(replace(POOL, name=f"pool{n}") for n in range(30))
    down = replace(POOL, name="down", real_servers=(FAILING,))
    status = replace(STATUS, instances=(), virtual_servers=(*pools, down))
    texts = [line.text.rstrip() for line in view_lines(a_view(status), 80, 20)]
    assert texts[5].startswith("down                    0/1")
    assert "and 21 more lines" in texts
    assert len(texts) == 20


def test_a_pool_lists_ten_of_its_members() -> None:
    members = tuple(replace(UNKNOWN, address=f"192.0.2.{n}:80") for n in range(12))
    status = replace(STATUS, virtual_servers=(replace(POOL, real_servers=members),))
    texts = [line.text for line in view_lines(a_view(status), 80, 60)]
    assert sum(text.startswith("  ? 192") for text in texts) == 10
    assert "    and 2 more" in texts


def test_figures_that_are_old_are_gray_and_the_verdict_is_not_known() -> None:
    """No figure that is old looks current."""
    aged = view_lines(a_view(age=3.5), 80, 24)
    assert aged[0] == Line(
        "OK  lb1: ACTIVE for web, 2 real servers of 1 virtual server pass", "bold green"
    )
    assert "(as of 3 s ago)" in aged[1].text
    assert {line.style for line in aged[2:]} == {"dim"}
    old = view_lines(a_view(age=12.5), 80, 24)
    assert old[0].text == "NOT KNOWN  no answer for 12 s; before: OK"
    assert "green" not in "".join(line.style for line in old)


def test_texts_from_outside_cannot_control_the_terminal() -> None:
    hostile = replace(FAILING, reason="\x1b[2J\x9b\u202e")
    status = replace(STATUS, virtual_servers=(replace(POOL, real_servers=(GOOD, hostile)),))
    lines = view_lines(a_view(status), 200, 24)
    assert all(line.text.isprintable() for line in lines)
    assert any("\\u001b[2J\\u009b\\u202e" in line.text for line in lines)


def test_a_sparkline_shows_the_highest_number_as_the_highest_bar() -> None:
    assert sparkline([0, 1, 8], UNICODE) == "▁▂█"
    assert sparkline([0, 1, 8], ASCII) == "_.#"
    assert sparkline([0, 0], UNICODE) == sparkline([], UNICODE) == ""


@pytest.mark.parametrize(("status", "code"), [(STATUS, 0), (with_members(), 1)])
@pytest.mark.parametrize("words", [[], ["--once"], ["--json"]])
def test_without_a_terminal_the_view_is_printed_once(
    words: list[str],
    status: Status,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answers = {"/v1/status": status, "/v1/events?after=0": Page((), 0, 0)}

    def request(_endpoint: str, _method: str, route: str, **_: object) -> bytes:
        return msgspec.json.encode(answers[route])

    monkeypatch.setattr("hadirector.cli.watch.request", request)
    assert main(["watch", *words]) == code
    out = capsys.readouterr().out
    assert "\x1b" not in out
    if words == ["--json"]:
        assert msgspec.json.decode(out)["level"] == ("OK" if code == 0 else "DEGRADED")
    else:
        assert out.startswith("OK  lb1" if code == 0 else "DEGRADED  web")
