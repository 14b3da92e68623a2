"""The requests that the override commands send."""

from __future__ import annotations

import msgspec
import pytest

from hadirector.api.client import ApiError
from hadirector.cli import main

NAME = "web/192.0.2.45:80"
PLACE = "/v1/virtual-servers/web/real-servers/192.0.2.45%3A80/override"
SET = {"reason": "", "expires_in": None}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Requests that reached the director, which accepts all of them."""
    requests: list[tuple[object, ...]] = []

    def request(path: str, method: str, route: str, body: object = None) -> bytes:
        requests.append((path, method, route, body))
        return msgspec.json.encode({"name": NAME, "description": "as ordered"})

    monkeypatch.setattr("hadirector.cli.override.request", request)
    return requests


@pytest.mark.parametrize(
    ("words", "sends", "body"),
    [
        ("disable NAME", "PUT", {**SET, "action": "disable"}),
        (
            "disable NAME --reason disk --for 2h",
            "PUT",
            {**SET, "action": "disable", "reason": "disk", "expires_in": 7200.0},
        ),
        (
            "drain NAME",
            "PUT",
            {**SET, "action": "drain", "deadline_in": None, "keep_clients": None},
        ),
        (
            "drain NAME --deadline 90s --no-keep-clients",
            "PUT",
            {**SET, "action": "drain", "deadline_in": 90.0, "keep_clients": False},
        ),
        ("weight NAME 7", "PUT", {**SET, "action": "weight", "weight": 7}),
        ("weight NAME configured", "DELETE?action=weight", None),
        ("undrain NAME", "DELETE?action=drain", None),
        ("enable NAME", "DELETE?action=disable", None),
    ],
)
def test_each_command_sends_its_request(
    words: str,
    sends: str,
    body: dict[str, object] | None,
    sent: list[tuple[object, ...]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = [*words.replace("NAME", NAME).split(), "--socket", "/tmp/api.sock"]
    assert main(arguments) == 0
    method, mark, query = sends.partition("?")
    assert sent == [("/tmp/api.sock", method, f"{PLACE}{mark}{query}", body)]
    assert capsys.readouterr().out == (
        "web/192.0.2.45:80: as ordered\n"
        "this applies to this director only; repeat the command on its peers\n"
    )


@pytest.mark.parametrize(
    ("words", "route", "body"),
    [
        (
            "disable host 192.0.2.45 --reason disk",
            "/v1/overrides",
            {
                "virtual_server": "*",
                "real_server": "192.0.2.45",
                "action": "disable",
                "reason": "disk",
                "expires_in": None,
            },
        ),
        (
            "weight web 7",
            "/v1/overrides",
            {**SET, "virtual_server": "web", "real_server": "*", "action": "weight", "weight": 7},
        ),
        (
            "enable web",
            "/v1/overrides/remove",
            {"virtual_server": "web", "real_server": "*", "action": "disable"},
        ),
        (
            "undrain host fd00::45",
            "/v1/overrides/remove",
            {"virtual_server": "*", "real_server": "fd00::45", "action": "drain"},
        ),
    ],
)
def test_a_host_or_a_virtual_server_is_one_request(
    words: str, route: str, body: dict[str, object], sent: list[tuple[object, ...]]
) -> None:
    assert main(words.split()) == 0
    assert sent == [("/run/hadirector/api.sock", "POST", route, body)]


def test_each_override_of_several_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    overrides = [{"name": f"{pool}/192.0.2.45:80", "description": "x"} for pool in ("a", "b")]
    answer = msgspec.json.encode({"overrides": overrides})
    monkeypatch.setattr("hadirector.cli.override.request", lambda *_: answer)
    assert main(["drain", "host", "192.0.2.45"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "a/192.0.2.45:80: x",
        "b/192.0.2.45:80: x",
    ]
    assert main(["drain", "host", "192.0.2.45", "--json"]) == 0
    assert msgspec.json.decode(capsys.readouterr().out) == {"overrides": overrides}


@pytest.mark.parametrize(
    ("peers", "line"),
    [
        ({}, "this applies to this director only; repeat the command on its peers"),
        ({"lb2": "known"}, "known to lb2"),
        ({"lb2": "pending"}, "lb2 not reached: it will get it"),
        ({"lb2": "not_shared"}, "lb2 does not share overrides; repeat the command there"),
        ({"lb2": "later"}, "lb2: later"),
    ],
)
@pytest.mark.parametrize("words", ["drain web/192.0.2.45", "undrain web/192.0.2.45"])
def test_a_command_says_whether_the_peer_knows_and_can_require_it(
    words: str,
    peers: dict[str, str],
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = 0 if line == "known to lb2" else 1
    kind = {"name": NAME} if words.startswith("drain") else {"removed": [NAME]}
    answer = msgspec.json.encode({**kind, "description": "as ordered", "peers": peers})
    monkeypatch.setattr("hadirector.cli.override.request", lambda *_: answer)
    assert main(words.split()) == 0
    assert capsys.readouterr().out.splitlines()[1] == line
    assert main([*words.split(), "--require-peer"]) == code
    problem = "hadirector: the change is in force here, but not on all peers\n"
    assert capsys.readouterr().err == (problem if code else "")


def test_one_override_that_a_peer_does_not_know_is_enough(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    overrides = [
        {"name": f"{pool}/192.0.2.45:80", "description": "x", "peers": {"lb2": state}}
        for pool, state in (("a", "known"), ("b", "pending"), ("c", "known"))
    ]
    answer = msgspec.json.encode({"overrides": overrides})
    monkeypatch.setattr("hadirector.cli.override.request", lambda *_: answer)
    assert main(["drain", "host", "192.0.2.45", "--require-peer"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "lb2 not reached: it will get it"


@pytest.mark.parametrize("words", ["web/", "/x", "host", "host a b", "web/a web/b"])
def test_a_name_that_selects_nothing_is_wrong_usage(
    words: str, sent: list[tuple[object, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    expected = 0 if words == "host" else 2  # a virtual server may have this name
    assert main(["drain", *words.split()]) == expected
    assert ("expected VS/RS" in capsys.readouterr().err) is bool(expected)


def test_a_refusal_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> bytes:
        raise ApiError("no virtual server wbe (there are: web)")

    monkeypatch.setattr("hadirector.cli.override.request", refuse)
    assert main(["drain", "wbe/192.0.2.45"]) == 1
    assert capsys.readouterr().err == "hadirector: no virtual server wbe (there are: web)\n"
