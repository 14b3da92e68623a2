"""The HTTPS probe against good and bad certificates and failing handshakes."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from checks.definition.options import HttpsProbe
from checks.definition.result import Reason
from tests.lab.probes.asking import SHORT, ask
from tests.lab.probes.certificates import GOOD_NAMES, Authority

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[..., AbstractAsyncContextManager[int]]
Answer = Callable[..., AbstractAsyncContextManager[int]]


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


@pytest.mark.parametrize("host", [None, "web.example"])
async def test_https_passes_on_a_certificate_for_the_host_or_the_address(
    answer: Answer, authority: Authority, host: str | None
) -> None:
    tls = authority.server("good", GOOD_NAMES)
    seen: list[str | None] = []

    def remember_name(_connection: ssl.SSLObject, name: str | None, _context: object) -> None:
        seen.append(name)

    tls.sni_callback = remember_name
    async with answer(ok(b"hello"), tls=tls) as port:
        probe = HttpsProbe(tls_ca_file=authority.file, host=host, expect_body="hello")
        result = await ask(port, probe)
    assert result.reason is Reason.PASSED, result
    assert seen == [host]


async def test_https_refuses_a_certificate_for_another_name(
    answer: Answer, authority: Authority
) -> None:
    async with answer(ok(b""), tls=authority.server("good", GOOD_NAMES)) as port:
        probe = HttpsProbe(tls_ca_file=authority.file, host="other.example")
        result = await ask(port, probe)
    assert result.reason is Reason.TLS
    assert result.detail == (
        "certificate: Hostname mismatch, certificate is not valid for 'other.example'."
    )


async def test_https_refuses_an_expired_certificate(answer: Answer, authority: Authority) -> None:
    async with answer(ok(b""), tls=authority.server("old", GOOD_NAMES, days=-1)) as port:
        result = await ask(port, HttpsProbe(tls_ca_file=authority.file))
    assert result.reason is Reason.TLS
    assert result.detail == "certificate: certificate has expired"


async def test_https_refuses_a_self_signed_certificate(
    answer: Answer, authority: Authority
) -> None:
    async with answer(ok(b""), tls=authority.self_signed()) as port:
        result = await ask(port, HttpsProbe())
    assert result.reason is Reason.TLS
    assert result.detail == "certificate: self-signed certificate"


async def test_https_without_verification_accepts_any_certificate(
    answer: Answer, authority: Authority
) -> None:
    async with answer(ok(b""), tls=authority.self_signed()) as port:
        result = await ask(port, HttpsProbe(tls_verify=False))
    assert result.reason is Reason.PASSED, result


async def test_https_names_a_server_without_tls(serve: Serve) -> None:
    async def answer_in_the_clear(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()

    async with serve(answer_in_the_clear) as port:
        result = await ask(port, HttpsProbe())
    assert result.reason is Reason.TLS
    assert result.detail == "TLS: wrong version number"


async def test_the_deadline_includes_the_handshake(
    serve: Serve, endings: dict[str, Handler]
) -> None:
    async with serve(endings["hang"]) as port:
        result = await ask(port, HttpsProbe(), timeout=SHORT)
    assert result.reason is Reason.TIMEOUT
    assert result.detail == "no answer within 0.3 s while in the TLS handshake"
    assert result.duration < 1.5


async def test_https_names_a_reset_in_the_handshake(
    serve: Serve, endings: dict[str, Handler]
) -> None:
    async with serve(endings["reset"]) as port:
        result = await ask(port, HttpsProbe())
    assert result.reason is Reason.RESET, result


async def test_https_names_a_server_that_requires_a_client_certificate(
    authority: Authority,
) -> None:
    tls = authority.server("strict", GOOD_NAMES)
    tls.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as listener:
        refusal = asyncio.create_task(asyncio.to_thread(refuse_handshake, listener, tls))
        probe = HttpsProbe(tls_ca_file=authority.file)
        result = await ask(listener.getsockname()[1], probe)
        await refusal
    assert result.reason is Reason.TLS, result
    assert result.detail == "TLS: tlsv13 alert certificate required"


def refuse_handshake(listener: socket.socket, tls: ssl.SSLContext) -> None:
    """Send the alert and wait for the client to close. The server of asyncio sends no alert."""
    connection, _ = listener.accept()
    connection.settimeout(5)
    with tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as secured:
        with contextlib.suppress(ssl.SSLError):
            secured.do_handshake()
        with socket.socket(fileno=secured.detach()) as plain:
            plain.settimeout(5)
            plain.shutdown(socket.SHUT_WR)
            while plain.recv(4096):
                pass


async def test_https_names_a_missing_ca_file_and_reads_it_later(
    answer: Answer, authority: Authority
) -> None:
    async with answer(ok(b""), tls=authority.server("good", GOOD_NAMES)) as port:
        late = authority.folder / "late.pem"
        probe = HttpsProbe(tls_ca_file=str(late))
        missing = await ask(port, probe)
        late.symlink_to(authority.file)
        found = await ask(port, probe)
    assert missing.reason is Reason.LOCAL_ERROR
    assert missing.detail == f"tls_ca_file {late}: No such file or directory"
    assert found.reason is Reason.PASSED, found


async def test_https_warns_before_a_certificate_expires_and_passes(
    answer: Answer, authority: Authority
) -> None:
    """The certificate expires in a day: within the default of two weeks, not within an hour."""
    async with answer(ok(b""), tls=authority.server("good", GOOD_NAMES)) as port:
        warned = await ask(port, HttpsProbe(tls_ca_file=authority.file))
        later = HttpsProbe(tls_ca_file=authority.file, tls_expiry_warning=3600.0)
        calm = await ask(port, later)
    assert warned.passed
    assert warned.warning.startswith("the certificate expires in 0 days (")
    assert (calm.passed, calm.warning) == (True, "")


async def test_https_sends_one_name_in_the_handshake_and_another_in_the_request(
    serve: Serve, authority: Authority
) -> None:
    tls = authority.server("good", GOOD_NAMES)
    names: list[str | None] = []
    tls.sni_callback = lambda _connection, name, _context: names.append(name)
    requests: list[bytes] = []

    async def record(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(ok(b""))

    async with serve(record, tls=tls) as port:
        options = HttpsProbe(tls_ca_file=authority.file, tls_name="web.example", host="a.example")
        result = await ask(port, options)
    assert result.passed, result
    assert names == ["web.example"]
    assert b"\r\nHost: a.example\r\n" in requests[0]
