"""Each wrong request gets a problem with its code, whoever refuses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadirector.api.actor import Actor, Role
from hadirector.api.server import UnixActors
from tests.unit.api.served import Served, serve

PLACE = "/v1/virtual-servers/web/real-servers/10.0.0.1/override"
HEAD = "PUT /v1/handover HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


async def refuse(served: Served, raw: str, status: int, code: str) -> None:
    answer = await served.send(raw.encode("latin-1"))
    assert (answer.status, answer.code) == (status, code)
    assert answer.content["status"] == status
    assert answer.content["type"] == f"/problems/{code}"


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        ("nonsense\r\n\r\n", 400, "malformed"),
        ("GET /livez HTTP/1.1\r\nHost: x\r\nbroken\r\n\r\n", 400, "malformed"),
        (f"GET /{'x' * 9000} HTTP/1.1\r\nHost: x\r\n\r\n", 400, "malformed"),
        (f"GET /livez HTTP/1.1\r\nHost: x\r\nA: {'x' * 9000}\r\n\r\n", 400, "malformed"),
        (
            "GET /livez HTTP/1.1\r\n" + "".join(f"A{n}: b\r\n" for n in range(200)) + "\r\n",
            400,
            "malformed",
        ),
        (f"{HEAD}Expect: wonders\r\n\r\n", 417, "expectation-failed"),
        (f"{HEAD}Content-Length: 9999999\r\n\r\n", 413, "too-large"),
        (f"{HEAD}Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{{}}", 415, "unsupported"),
        (f"{HEAD}Content-Length: 4\r\n\r\nnull", 400, "malformed"),
        (f'{HEAD}Content-Length: 14\r\n\r\n{{"reason": 12}}', 400, "malformed"),
        (f"{HEAD}Hadirector-Claimed: {'x' * 65}\r\n\r\n", 400, "malformed"),
    ],
    ids=str,
)
async def test_a_wrong_request_is_refused(tmp_path: Path, raw: str, status: int, code: str) -> None:
    async with serve(tmp_path) as served:
        await refuse(served, raw, status, code)
        assert (await served.ask("GET", "/livez")).status == 200


async def test_a_body_without_a_length_is_limited_too(tmp_path: Path) -> None:
    chunk = "ffff\r\n" + "x" * 0xFFFF + "\r\n"
    async with serve(tmp_path) as served:
        raw = f"{HEAD}Transfer-Encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n"
        await refuse(served, raw, 413, "too-large")


@pytest.mark.parametrize(
    ("request_", "role", "permitted"),
    [
        (("GET", "/v1/status"), Role.READ, True),
        (("GET", "/v1/status"), None, False),
        (("GET", "/livez"), None, True),
        (("PUT", PLACE), Role.READ, False),
        (("PUT", PLACE), Role.OPERATE, True),
        (("POST", "/v1/reload"), Role.OPERATE, False),
        (("POST", "/v1/restart"), Role.OPERATE, False),
    ],
)
async def test_a_role_is_needed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request_: tuple[str, str],
    role: Role | None,
    permitted: bool,
) -> None:
    method, path = request_

    async def prove(_self: UnixActors, _request: object, request_id: str) -> Actor:
        return Actor("unix:ann", role, "pid 7", request_id)

    monkeypatch.setattr(UnixActors, "prove", prove)
    async with serve(tmp_path) as served:
        body = {"action": "disable"} if method == "PUT" else None
        answer = await served.ask(method, path, body)
        if permitted:
            assert answer.status == 200
        else:
            assert (answer.status, answer.code) == (403, "forbidden")


async def test_an_actor_changes_only_its_objects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def prove(_self: UnixActors, _request: object, request_id: str) -> Actor:
        return Actor("token:ci", Role.OPERATE, "192.0.2.7", request_id, only=("mail/*",))

    monkeypatch.setattr(UnixActors, "prove", prove)
    everywhere = {"real_server": "10.0.0.2", "action": "disable"}
    async with serve(tmp_path) as served:
        assert (await served.ask("PUT", PLACE, {"action": "disable"})).code == "forbidden"
        assert (await served.ask("POST", "/v1/overrides", everywhere)).code == "forbidden"
        assert served.director.overrides.count == 0
        own = {**everywhere, "virtual_server": "mail"}
        assert (await served.ask("POST", "/v1/overrides", own)).status == 200
        assert (await served.ask("PUT", "/v1/handover")).code == "forbidden"


async def test_a_fault_of_the_director_is_a_problem_and_a_line_of_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serve(tmp_path) as served:
        monkeypatch.setattr(type(served.director.operator), "instances", lambda _: 1 // 0)
        answer = await served.ask("GET", "/v1/instances")
        assert (answer.status, answer.code) == (500, "internal")
        assert answer.headers["x-request-id"] == answer.content["request_id"]
    written = capsys.readouterr()
    assert "request_failed" in written.out + written.err


@pytest.mark.parametrize("code", ["malformed", "standby-not-ready", "too-many"])
async def test_each_code_has_a_page(tmp_path: Path, code: str) -> None:
    async with serve(tmp_path) as served:
        page = await served.ask("GET", f"/problems/{code}")
        assert (page.status, page.content["code"]) == (200, code)
        assert (await served.ask("GET", "/problems/malformd")).code == "not-found"
