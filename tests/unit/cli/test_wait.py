"""The conditions of ``hadirector wait``."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from hadirector.api.client import ApiError
from hadirector.cli import main, wait
from hadirector.cli.selection import address_of
from hadirector.overrides.model import Action
from hadirector.status.problems import judge_director
from hadirector.status.report import Status
from tests.unit.status.test_verdict import BAD, GOOD, OTHER, POOL, STATUS

OUT = replace(GOOD, override=Action.DRAIN, wanted_weight=None, actual_weight=None)
V6 = replace(OUT, address="[fd00::45]:80")
Answers = dict[str, object]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """The answers by route. An exception is raised. There is no pause between two looks."""
    found: Answers = {}

    def request(_endpoint: str, _method: str, route: str) -> bytes:
        answer = found[route]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Exception):
            raise answer
        return msgspec.json.encode(answer)

    monkeypatch.setattr("hadirector.cli.wait.request", request)
    monkeypatch.setattr("hadirector.cli.news.News.mark", lambda *_: None)
    monkeypatch.setattr("hadirector.cli.news.News.wait", lambda *_: None)
    return found


def with_pool(*members: object, name: str = "web") -> Status:
    return replace(STATUS, virtual_servers=(replace(POOL, name=name, real_servers=members),))


def overview(status: Status) -> object:
    return {"name": status.name, "verdict": judge_director(status)}


def instance(state: str, active: str | None = None) -> object:
    return {"state": state, "active_router": active}


OVERRIDE = "/v1/virtual-servers/web/real-servers/192.0.2.45%3A80/override"
DRAINED = {"state": "drained", "description": "drained (all connections have ended), by unix:ann"}
DRAINING = {"state": "draining", "description": "draining, by unix:ann", "connections": 96}
MET: list[tuple[str, str, object, str]] = [
    (
        "ok",
        "/v1/overview",
        overview(STATUS),
        "OK: lb1: ACTIVE for web, 2 real servers of 1 virtual server",
    ),
    ("ready", "/v1/overview", overview(with_pool(BAD)), "lb1 could serve now"),
    ("active web", "/v1/instances/web", instance("ACTIVE"), "it is ACTIVE"),
    (
        "backup a/b",
        "/v1/instances/a%2Fb",
        instance("BACKUP", "192.0.2.1"),
        "it is BACKUP, 192.0.2.1 is active",
    ),
    ("drained web/192.0.2.45:80", OVERRIDE, DRAINED, "drained (all connections have ended)"),
    ("drained host 192.0.2.45", "/v1/status", with_pool(OUT, OTHER), "out of the table: web/192"),
    ("drained host fd00::45", "/v1/status", with_pool(V6, GOOD), "out of the table: web/[fd00"),
    ("drained web", "/v1/status", with_pool(OUT, V6), "out of the table: web/192.0.2.45:80, web/["),
]
NOT_MET: list[tuple[str, str, object, str]] = [
    ("ok", "/v1/overview", overview(with_pool(BAD)), "CRITICAL: web: no client is served"),
    (
        "ready",
        "/v1/overview",
        overview(replace(STATUS, blind=True)),
        "director: the director is blind",
    ),
    ("active web", "/v1/instances/web", instance("BACKUP"), "it is BACKUP"),
    ("drained web/192.0.2.45:80", OVERRIDE, DRAINING, "by unix:ann, 96 connections left"),
    (
        "drained host 192.0.2.45",
        "/v1/status",
        with_pool(replace(OUT, actual_weight=0, active_connections=2)),
        "1 of 1 real servers are still in the table; the first is web/192.0.2.45:80 with 2",
    ),
    ("drained web", "/v1/status", with_pool(OUT, OTHER), "1 of 2 real servers are still in"),
]


@pytest.mark.parametrize("case", MET, ids=lambda case: case[0])
def test_a_condition_that_is_met_ends_with_0(
    case: tuple[str, str, object, str],
    answers: Answers,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words, route, answer, reason = case
    answers[route] = answer
    assert main(["wait", *words.split(), "--timeout", "0"]) == 0
    assert capsys.readouterr().out.startswith(f"{words}: {reason}")


@pytest.mark.parametrize("case", NOT_MET, ids=lambda case: case[0])
def test_a_condition_that_is_not_met_ends_with_1(
    case: tuple[str, str, object, str],
    answers: Answers,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words, route, answer, reason = case
    answers[route] = answer
    assert main(["wait", *words.split(), "--timeout", "0"]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"hadirector: {words}: not met within a moment: ")
    assert reason in err


def test_a_condition_is_looked_at_again(answers: Answers) -> None:
    answers[OVERRIDE] = [DRAINING, ApiError("no director answers"), DRAINED]
    assert main(["wait", "drained", "web/192.0.2.45:80"]) == 0


def test_a_refusal_ends_the_waiting(answers: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    answers["/v1/overview"] = ApiError("the role read is missing", 403)
    assert main(["wait", "ok", "--timeout", "1h", "--json"]) == 1
    answer = msgspec.json.decode(capsys.readouterr().out)
    assert (answer["condition"], answer["met"]) == ("ok", False)
    assert answer["reason"] == "the role read is missing"


def test_an_unknown_object_is_waited_for_3_seconds(
    answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A director that has just started knows its instances a second later."""
    times = iter([0.0, 0.0, 2.9, 3.1])
    looks = []

    def look(endpoint: object) -> wait.Answer:
        looks.append(endpoint)
        raise ApiError("no VRRP instance wbe", 404)

    monkeypatch.setattr("hadirector.cli.wait.time.monotonic", lambda: next(times))
    assert wait.wait_for(look, "/s", 3600.0) == wait.Answer(False, "no VRRP instance wbe")
    assert len(looks) == 3


@pytest.mark.parametrize(
    "words", [["synced"], ["drained"], ["active"], ["ready", "now"], ["drained", "web/"]]
)
def test_an_unknown_condition_is_wrong_usage(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["wait", *words]) == 2
    assert "expected drained VS/RS" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("192.0.2.45:80", "192.0.2.45"),
        ("192.0.2.45", "192.0.2.45"),
        ("[fd00::45]:80", "fd00::45"),
        ("fd00::45", "fd00::45"),
    ],
)
def test_the_address_of_a_real_server_has_no_port(name: str, address: str) -> None:
    assert address_of(name) == address
