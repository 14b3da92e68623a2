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


def test_a_refusal_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> bytes:
        raise ApiError("no virtual server wbe (there are: web)")

    monkeypatch.setattr("hadirector.cli.override.request", refuse)
    assert main(["drain", "wbe/192.0.2.45"]) == 1
    assert capsys.readouterr().err == "hadirector: no virtual server wbe (there are: web)\n"
