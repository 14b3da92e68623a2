"""TLS of the web process: versions, certificates of clients and their roles, changed files."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.lab.probes.certificates import Authority, made_in
from tests.lab.web_director import Site

FILES_SECONDS = 1.5
API = """\
  tokens_file: {folder}/tokens
  tls:
    certificate: {folder}/server.pem
    key: {folder}/server.key
    client_ca: {folder}/ca.pem
    clients:
      - {{name: ops.example, role: admin}}
      - {{name: prometheus.example, role: read}}
"""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = made_in(tmp_path)
    made.sign("server", "server", "IP:127.0.0.1")
    return made


@pytest.fixture
async def site(tmp_path: Path, authority: Authority) -> AsyncIterator[Site]:
    async with Site.running(tmp_path, API.format(folder=tmp_path), "https") as made:
        yield made


def client_context(authority: Authority, files: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.file)
    if files is not None:
        context.load_cert_chain(*files)
    return context


async def answer_of(site: Site, context: ssl.SSLContext, token: str = "") -> int:
    try:
        async with site.client(token, tls=context) as client, client.post("/v1/reload") as answer:
            return answer.status
    finally:
        await asyncio.sleep(0.1)  # asyncio closes the connection of a failed handshake later


async def test_a_certificate_gives_the_role_of_its_name(site: Site, authority: Authority) -> None:
    operator = authority.sign("ops", "ann", "DNS:ops.example")
    scraper = authority.sign("prometheus", "prometheus.example", "DNS:prometheus.example")
    stranger = authority.sign("stranger", "ops.example", "DNS:stranger.example")
    assert await answer_of(site, client_context(authority, operator)) == 200
    assert site.events("change_made")[0]["actor"] == "certificate:ops.example"
    assert await answer_of(site, client_context(authority, scraper)) == 403
    assert await answer_of(site, client_context(authority, stranger)) == 401, (
        "the common name does not count beside alternative names"
    )
    assert await answer_of(site, client_context(authority)) == 401
    assert await answer_of(site, client_context(authority), "admin") == 200


async def test_a_certificate_of_another_authority_fails_the_handshake(
    site: Site, authority: Authority, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    foreign = made_in(tmp_path / "other").sign("ops", "ops", "DNS:ops.example")
    with pytest.raises((aiohttp.ClientError, OSError)):
        await answer_of(site, client_context(authority, foreign), "admin")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_old_versions_of_tls_are_refused(site: Site, authority: Authority) -> None:
    context = client_context(authority)
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.raises(aiohttp.ClientConnectorError):
        await answer_of(site, context, "admin")
    context = client_context(authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert await answer_of(site, context, "admin") == 200


async def certificate(site: Site) -> bytes:
    """Return the certificate of the server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", site.port, ssl=context)
    found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return bytes(found)


async def test_a_new_certificate_is_used_and_a_broken_one_is_not(
    site: Site, authority: Authority, tmp_path: Path
) -> None:
    first = await certificate(site)
    authority.sign("server", "server", "IP:127.0.0.1")
    await asyncio.sleep(FILES_SECONDS)
    second = await certificate(site)
    assert second != first
    (tmp_path / "server.pem").write_text("no certificate")
    await asyncio.sleep(FILES_SECONDS)
    assert await certificate(site) == second
    # Between the writes of a new key and its certificate, they may have been refused, too.
    refused = site.events("web_files_refused")[-1]
    assert refused["faults"].startswith(f"{tmp_path}/server.pem and {tmp_path}/server.key: ")


async def test_a_cookie_over_tls_is_for_this_host_only(site: Site, authority: Authority) -> None:
    context = client_context(authority)
    async with (
        site.client(tls=context) as client,
        client.post("/login", json={"token": "read"}) as answer,
    ):
        cookie, *attributes = answer.headers["Set-Cookie"].split("; ")
    assert cookie.startswith("__Host-hadirector=")
    assert attributes == ["Path=/", "Max-Age=43200", "HttpOnly", "SameSite=Strict", "Secure"]
