"""The web process of a real director: who may do what, what it may itself, and how it restarts."""

from __future__ import annotations

import asyncio
import os
import pwd
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from hadirector.cli import main
from hadirector.web.tokens import Token, digest_of, format_tokens
from tests.lab.web_director import Site
from tests.waiting import eventually, eventually_async

FILES_SECONDS = 1.5
"""The director looks at the files every second."""
Captured = pytest.CaptureFixture[str]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with Site.running(tmp_path) as made:
        yield made


def rights(pid: int | None) -> dict[str, list[str]]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {line.split(":")[0]: line.split()[1:] for line in lines}


async def test_a_token_gives_its_role_and_every_refusal_is_an_event(site: Site) -> None:
    async with site.client() as client, client.get("/v1/status") as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="hadirector"'
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert (await answer.json(content_type=None))["code"] == "unauthenticated"
    async with site.client("read") as client:
        async with client.get("/v1/status") as answer:
            assert answer.status == 200
            assert (await answer.json())["name"] == "lb1"
        async with client.post("/v1/reload") as answer:
            assert answer.status == 403
            assert (await answer.json(content_type=None))["code"] == "forbidden"
    async with site.client("admin") as client, client.post("/v1/reload") as answer:
        assert answer.status == 200
        identity = answer.headers["X-Request-ID"]
    [made] = site.events("change_made")
    assert (made["actor"], made["role"], made["address"]) == ("token:admin", "admin", "127.0.0.1")
    assert made["request_id"] == identity
    [refused] = site.events("change_refused")
    assert (refused["actor"], refused["role"], refused["outcome"]) == (
        "token:read",
        "read",
        "forbidden",
    )


async def test_new_expired_and_revoked_tokens(site: Site, capsys: Captured) -> None:
    """The web process knows the changes of the file within some seconds."""
    arguments = ["token", "add", "ann", "--role", "read", "--file", str(site.tokens)]
    assert main(arguments) == 0
    secret = capsys.readouterr().out.strip()
    await asyncio.sleep(FILES_SECONDS)
    assert await site.status_of(secret) == 200
    line = site.tokens.read_text().splitlines()[-1]
    site.tokens.write_text(line.removesuffix("-") + "2020-01-01T00:00:00Z\n")
    await asyncio.sleep(FILES_SECONDS)
    async with site.client(secret) as client, client.get("/v1/status") as answer:
        assert answer.status == 401
        detail = (await answer.json(content_type=None))["detail"]
        assert detail == "no known token proves the identity: the token ann has expired"
    assert main(["token", "revoke", "ann", "--file", str(site.tokens)]) == 0
    await asyncio.sleep(FILES_SECONDS)
    async with site.client(secret) as client, client.get("/v1/status") as answer:
        assert (await answer.json(content_type=None))["detail"] == (
            "no known token proves the identity"
        )
    refused = site.events("request_refused")[-1]
    assert refused["request"] == "GET /v1/status"
    assert (refused["address"], refused["code"]) == ("127.0.0.1", "unauthenticated")


async def test_failed_logins_make_an_address_wait(site: Site) -> None:
    statuses = [await site.status_of("wrong") for _ in range(7)]
    assert statuses == [401, 401, 401, 401, 401, 429, 429]


@pytest.mark.netns
async def test_the_process_has_no_rights(site: Site) -> None:
    """As root, it is another user; it gives way to other processes, and holds no capability."""
    await site.status_of("read")
    pid = site.director.pid("web")
    found = rights(pid)
    nobody = str(pwd.getpwnam("nobody").pw_uid)
    assert found["Uid"] == found["Gid"] == [nobody] * 4
    assert found["Groups"] == []
    assert {name: found[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {
        name: ["0000000000000000"] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
    }
    assert found["NoNewPrivs"] == ["1"]
    assert os.getpriority(os.PRIO_PROCESS, int(str(pid))) == 10


async def test_a_killed_web_process_is_restarted_and_nothing_else_notices(
    site: Site,
) -> None:
    """The port stays open: a client that comes in between waits and is served."""
    secret = "read"
    before = site.director.kill("web")
    assert await site.status_of(secret) == 200
    assert site.director.pid("web") != before
    processes = {each.name: each.restarts for each in site.director.status().processes}
    assert processes == {"vrrp": 0, "checks": 0, "web": 1}


async def test_the_process_ends_with_the_director(site: Site) -> None:
    assert await site.status_of("read") == 200
    pid = site.director.pid("web")
    site.director.kill_itself()
    eventually(lambda: not Path(f"/proc/{pid}").exists(), 5)


async def test_a_reload_moves_the_port_and_can_end_the_process(site: Site) -> None:
    moved = site.text.replace(f"listen: 127.0.0.1:{site.port}", f"listen: 127.0.0.2:{site.port}")
    site.director.file.write_text(moved)
    assert main(["reload", "--socket", str(site.director.directory / "run/api.sock")]) == 0
    url = f"http://127.0.0.2:{site.port}"
    async with aiohttp.ClientSession() as client:

        async def answers() -> int:
            try:
                async with client.get(f"{url}/v1/status") as answer:
                    return answer.status
            except aiohttp.ClientError:
                return 0

        deadline = time.monotonic() + 10
        while await answers() != 401:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.get(f"{site.url}/v1/status")
    without = "".join(
        line for line in site.text.splitlines(True) if "listen" not in line and "tokens" not in line
    ).replace("api:\n", "")
    site.director.file.write_text(without)
    assert main(["reload", "--socket", str(site.director.directory / "run/api.sock")]) == 0
    await eventually_async(
        lambda: [each.name for each in site.director.status().processes] == ["vrrp", "checks"],
        10,
        threaded=True,
    )


async def test_another_host_name_and_another_site_are_refused(site: Site) -> None:
    secret = "admin"
    assert await site.status_of(secret, Host="evil.example") == 421
    assert await site.status_of(secret, Host="lb1") == 200
    async with (
        site.client(secret, Origin="https://evil.example") as client,
        client.post("/v1/reload") as answer,
    ):
        assert answer.status == 403
        assert (await answer.json(content_type=None))["code"] == "cross-site"
    assert site.events("change_made") == []


async def test_a_browser_logs_in_once_and_then_has_a_cookie(site: Site) -> None:
    secret = "admin"
    async with site.client() as client, client.post("/login", json={"token": secret}) as answer:
        assert await answer.json() == {"name": "token:admin", "role": "admin", "only": None}
        cookie, *attributes = answer.headers["Set-Cookie"].split("; ")
        assert attributes == ["Path=/", "Max-Age=43200", "HttpOnly", "SameSite=Strict"]
    async with site.client(Cookie=cookie) as client:
        async with client.get("/v1/status") as answer:
            assert answer.status == 200
        async with client.post("/v1/reload") as answer:
            assert answer.status == 415, "a form of another site could send this"
        async with client.post("/v1/reload", json={}) as answer:
            assert answer.status == 200
        async with client.delete("/login") as answer:
            assert answer.status == 204
        async with client.get("/v1/status") as answer:
            assert answer.status == 401


async def test_the_metrics_have_scopes_and_formats(site: Site) -> None:
    secret = "read"
    async with site.client(secret) as client:
        async with client.get("/metrics") as answer:
            text = await answer.text()
            assert answer.headers["Content-Type"].startswith("text/plain; version=")
        assert 'hadirector_real_server_up{real_server="127.0.0.1' in text
        assert "hadirector_probes_total" in text
        assert "# EOF" not in text
        async with client.get("/metrics?scope=virtual_servers") as answer:
            text = await answer.text()
        assert "hadirector_virtual_server_present" in text
        assert "hadirector_real_server_up" not in text
        assert "hadirector_probes_total" not in text
        async with client.get("/metrics?scope=keepalived_exporter") as answer:
            text = await answer.text()
        assert "keepalived_up" in text
        assert "hadirector_" not in text
        accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
        async with client.get("/metrics", headers=accept) as answer:
            text = await answer.text()
            assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
        assert text.endswith("# EOF\n")
        assert text.count("# EOF") == 1
        async with client.get("/metrics?scope=everything") as answer:
            assert answer.status == 400
    assert await site.status_of("wrong") == 401
    async with site.client(secret) as client, client.get("/metrics?scope=director") as answer:
        lines = (await answer.text()).splitlines()
    assert 'hadirector_web_requests_refused_total{code="malformed"} 1.0' in lines
    assert "hadirector_web_login_failures_total 1.0" in lines
    assert "hadirector_web_connections 1.0" in lines
    assert "hadirector_web_streams 0.0" in lines
    assert "hadirector_web_connections_accepted_total 7.0" in lines


async def test_a_pattern_limits_the_changes_of_a_token(site: Site) -> None:
    site.tokens.write_bytes(
        format_tokens(
            [
                Token("ours", "operate", digest_of("ours"), None, "web/*"),
                Token("theirs", "operate", digest_of("theirs"), None, "mail/*"),
            ]
        )
    )
    await asyncio.sleep(FILES_SECONDS)
    path = f"/v1/virtual-servers/web/real-servers/127.0.0.1:{site.web_server.port}/override"
    for secret, status in (("theirs", 403), ("ours", 200)):
        body = {"action": "drain", "reason": "test"}
        async with site.client(secret) as client, client.put(path, json=body) as answer:
            assert answer.status == status
    [refused] = site.events("change_refused")
    assert (refused["actor"], refused["outcome"]) == ("token:theirs", "forbidden")


async def test_only_the_public_parts_need_no_proof(tmp_path: Path) -> None:
    api = f"  tokens_file: {tmp_path}/tokens\n  public: [health, metrics]"
    async with Site.running(tmp_path, api) as made:
        found = {
            path: await made.status_of("", path)
            for path in ("/", "/livez", "/readyz", "/metrics", "/v1/status", "/openapi.json")
        }
        assert found == {
            "/": 200,
            "/livez": 200,
            "/readyz": found["/readyz"],
            "/metrics": 200,
            "/v1/status": 401,
            "/openapi.json": 401,
        }
        assert found["/readyz"] in (200, 503)


async def test_without_tokens_a_loopback_address_is_only_read(tmp_path: Path) -> None:
    async with Site.running(tmp_path, "  host_names: [lb.example.net]") as made:
        assert await made.status_of("", Host="lb.example.net") == 200
        async with made.client() as client, client.post("/v1/reload") as answer:
            assert answer.status == 403
