"""The probes against real servers on loopback, good ones and every kind of bad one."""

import asyncio
import contextlib
import resource
import socket
import ssl
import struct
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from checks import pattern, tcp
from checks.definition import CheckDefinition, HttpProbe, TcpProbe, Timing
from checks.http import HttpProber
from checks.result import Reason, Result

TIMEOUT = 0.3
SLACK = 0.25
"""How long after its deadline a probe may end on a busy machine, seconds."""

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


# -- servers --------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def serving(
    handler: Handler, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[int]:
    """Serve on a free port; wait for every conversation to end before going on."""
    conversations: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        conversations.add(task)
        with contextlib.suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            await handler(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    server = await asyncio.start_server(converse, host, 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]
        server.close()
        await asyncio.gather(*conversations)


def sends(reply: bytes, then: Handler | None = None) -> Handler:
    """Read the request, send these bytes, then end (or do what comes next)."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        if then is not None:
            await then(reader, writer)

    return handle


async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say nothing until the client has gone."""
    await reader.read()


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Abandon the connection with a TCP reset."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def drips(reply: bytes) -> Handler:
    """Send one byte each fifth of a second, until the client has gone."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in reply:
            writer.write(bytes([byte]))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    await reader.read()
                    return

    return handle


async def floods(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As much as the client takes, without end."""
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


def ok(body: bytes, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


# -- asking ---------------------------------------------------------------------------------


def tcp_check(port: int, address: str = "127.0.0.1") -> CheckDefinition:
    return CheckDefinition(
        identity="t", address=address, port=port, probe=TcpProbe(), timing=Timing(timeout=TIMEOUT)
    )


@pytest.fixture
async def prober() -> AsyncIterator[HttpProber]:
    prober = HttpProber()
    yield prober
    await prober.close()


async def get(
    prober: HttpProber, port: int, probe: HttpProbe, address: str = "127.0.0.1"
) -> Result:
    timing = Timing(timeout=TIMEOUT)
    return await prober.probe(
        CheckDefinition(identity="h", address=address, port=port, probe=probe, timing=timing)
    )


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that refuses: bound, so that nobody else gets it, but not listening."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port whose accept queue is full: a connection is never answered."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@contextlib.contextmanager
def no_more_descriptors() -> Iterator[None]:
    """As a process that has used up its file descriptors."""
    with socket.socket() as lowest_free:
        limit = lowest_free.fileno()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# -- TCP ------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_tcp_passes_when_the_connection_is_established(address: str) -> None:
    async with serving(hangs, host=address) as port:
        result = await tcp.probe(tcp_check(port, address))
    assert result.reason is Reason.PASSED
    assert result.detail == "connection established"
    assert 0 < result.duration < TIMEOUT


async def test_tcp_passes_when_the_server_has_not_accepted_yet() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        result = await tcp.probe(tcp_check(listener.getsockname()[1]))
    assert result.reason is Reason.PASSED


async def test_tcp_is_refused_by_a_closed_port(closed_port: int) -> None:
    result = await tcp.probe(tcp_check(closed_port))
    assert result.reason is Reason.REFUSED
    assert result.detail == "connecting: Connection refused"


async def test_tcp_times_out_on_a_host_that_does_not_answer(deaf_port: int) -> None:
    result = await tcp.probe(tcp_check(deaf_port))
    assert result.reason is Reason.TIMEOUT
    assert result.detail == "no answer within 0.3 s while connecting"
    assert TIMEOUT <= result.duration < TIMEOUT + SLACK


async def test_tcp_names_an_unreachable_network() -> None:
    """TCP cannot reach a broadcast address (net/ipv4/tcp_ipv4.c tcp_v4_connect: ENETUNREACH)."""
    result = await tcp.probe(tcp_check(80, "255.255.255.255"))
    assert result.reason is Reason.UNREACHABLE
    assert result.detail == "connecting: Network is unreachable"


async def test_tcp_does_not_blame_the_target_for_a_want_of_descriptors() -> None:
    with no_more_descriptors():
        result = await tcp.probe(tcp_check(80))
    assert result.reason is Reason.LOCAL_ERROR
    assert result.detail == "connecting: Too many open files"


# -- HTTP: good -----------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_http_passes_on_the_expected_status(prober: HttpProber, address: str) -> None:
    async with serving(sends(ok(b"hello")), host=address) as port:
        result = await get(prober, port, HttpProbe(), address)
    assert result.reason is Reason.PASSED
    assert result.detail == "expected status"


@pytest.mark.parametrize(
    ("body", "regex"),
    [
        (b"status: ready\n", r"status: (ready|busy)"),
        ("größer".encode(), r"gr\wßer"),
        (b"\xff\xfe ok \x80", r"ok"),
        (b"x" * 65530 + b"needle and more", r"needle$"),
    ],
    ids=["plain", "utf-8", "not-utf-8", "within-64-KiB"],
)
async def test_http_passes_on_the_expected_body(
    prober: HttpProber, body: bytes, regex: str
) -> None:
    async with serving(sends(ok(body))) as port:
        result = await get(prober, port, HttpProbe(expect_body=regex))
    assert result.reason is Reason.PASSED, result
    assert result.detail == "expected status and body"


async def test_http_passes_on_a_chunked_body(prober: HttpProber) -> None:
    reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    async with serving(sends(reply)) as port:
        result = await get(prober, port, HttpProbe(expect_body="^abcde$"))
    assert result.reason is Reason.PASSED, result


async def test_http_passes_on_an_endless_body_that_matches_in_its_first_64_kib(
    prober: HttpProber,
) -> None:
    async with serving(sends(b"HTTP/1.1 200 OK\r\n\r\n", floods)) as port:
        result = await get(prober, port, HttpProbe(expect_body="^x{65536}$"))
    assert result.reason is Reason.PASSED, result


async def test_the_request_is_what_the_check_says_on_a_new_connection_each_time(
    prober: HttpProber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    requests: list[bytes] = []

    async def record(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(ok(b"", b"Set-Cookie: a=b"))
        assert await reader.read() == b""

    async with serving(record) as port:
        probe = HttpProbe(path="/healthz?deep=%20yes", host="web.example")
        assert (await get(prober, port, probe)).passed
        assert (await get(prober, port, HttpProbe(path="/"))).passed
    first, second = (request.decode().split("\r\n") for request in requests)
    assert first[0] == "GET /healthz?deep=%20yes HTTP/1.1"
    assert "Host: web.example" in first
    assert "Connection: close" in first
    assert "Accept-Encoding: identity" in first
    assert second[0] == "GET / HTTP/1.1"
    assert f"Host: 127.0.0.1:{port}" in second
    assert not any(line.startswith("Cookie") for line in second)


# -- HTTP: bad ------------------------------------------------------------------------------


PLAIN = HttpProbe()


@dataclass(frozen=True)
class Bad:
    """A server that does something wrong, and what the probe must say of it."""

    name: str
    handler: Handler
    reason: Reason
    detail: str
    probe: HttpProbe = PLAIN


LATE = "no answer within 0.3 s while "

ZOO = [
    Bad("resets at once", resets, Reason.RESET, "waiting for the reply: Connection reset by peer"),
    Bad(
        "resets at the request",
        sends(b"", resets),
        Reason.RESET,
        "waiting for the reply: Connection reset by peer",
    ),
    Bad(
        "closes without a reply",
        sends(b""),
        Reason.PROTOCOL,
        "waiting for the reply: connection closed without a complete reply",
    ),
    Bad(
        "closes mid-headers",
        sends(b"HTTP/1.1 200 OK\r\nContent-"),
        Reason.PROTOCOL,
        "waiting for the reply: connection closed without a complete reply",
    ),
    Bad("hangs at the request", hangs, Reason.TIMEOUT, LATE + "waiting for the reply"),
    Bad(
        "hangs mid-headers",
        sends(b"HTTP/1.1 200 OK\r\nContent-", hangs),
        Reason.TIMEOUT,
        LATE + "waiting for the reply",
    ),
    Bad(
        "hangs mid-body",
        sends(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", hangs),
        Reason.TIMEOUT,
        LATE + "reading the body",
    ),
    Bad(
        "drips its status line",
        sends(b"", drips(ok(b"hello"))),
        Reason.TIMEOUT,
        LATE + "waiting for the reply",
    ),
    Bad(
        "drips its headers",
        sends(b"HTTP/1.1 200 OK\r\nX-Slow: ", drips(b"slow")),
        Reason.TIMEOUT,
        LATE + "waiting for the reply",
    ),
    Bad(
        "drips its body",
        sends(b"HTTP/1.1 200 OK\r\n\r\n", drips(b"slow")),
        Reason.TIMEOUT,
        LATE + "reading the body",
    ),
    Bad(
        "says 100 Continue and nothing else",
        sends(b"HTTP/1.1 100 Continue\r\n\r\n", hangs),
        Reason.TIMEOUT,
        LATE + "waiting for the reply",
    ),
    Bad(
        "promises more than it sends",
        sends(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nshort"),
        Reason.PROTOCOL,
        "reading the body: connection closed before its end",
    ),
    Bad(
        "sends a negative length",
        sends(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nshort"),
        Reason.PROTOCOL,
        "not an HTTP reply: ",
    ),
    Bad(
        "ends in the middle of a chunk",
        sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc"),
        Reason.PROTOCOL,
        "reading the body: connection closed before its end",
    ),
    Bad(
        "is in maintenance",
        sends(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"),
        Reason.STATUS,
        "status 503, expected 200",
    ),
    Bad(
        "redirects",
        sends(b"HTTP/1.1 302 Found\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n"),
        Reason.STATUS,
        "status 302, expected 200 or 204",
        HttpProbe(expect_status=(200, 204)),
    ),
    Bad(
        "says something else",
        sends(ok(b"not ready")),
        Reason.BODY,
        "body of 9 bytes does not match /^ready$/",
        HttpProbe(expect_body="^ready$"),
    ),
    Bad(
        "says it too late in the body",
        sends(ok(b"x" * 65536 + b"needle")),
        Reason.BODY,
        "body of 65536 bytes does not match /needle/",
        HttpProbe(expect_body="needle"),
    ),
    Bad(
        "brings the search to its knees",
        sends(ok(b"a" * 40 + b"b")),
        Reason.BODY,
        "searching 41 bytes for /(a+)+$/ took too long",
        HttpProbe(expect_body="(a+)+$"),
    ),
    Bad(
        "sends one huge header",
        sends(b"HTTP/1.1 200 OK\r\nX-Huge: " + b"x" * 100_000 + b"\r\n\r\n", hangs),
        Reason.PROTOCOL,
        "not an HTTP reply: ",
    ),
    Bad(
        "sends a header without end",
        sends(b"HTTP/1.1 200 OK\r\nX-Huge: ", floods),
        Reason.PROTOCOL,
        "not an HTTP reply: ",
    ),
    Bad(
        "sends headers without end",
        sends(b"HTTP/1.1 200 OK\r\n" + b"X-Many: x\r\n" * 20_000, hangs),
        Reason.PROTOCOL,
        "not an HTTP reply: ",
    ),
    Bad(
        "sends binary headers",
        sends(b"HTTP/1.1 503 \xff\xfe\r\nX-\xe9: \x80\x81\r\n\r\n"),
        Reason.PROTOCOL,
        "not an HTTP reply: ",
    ),
    Bad(
        "speaks SSH",
        sends(b"SSH-2.0-OpenSSH_9.2p1\r\n"),
        Reason.PROTOCOL,
        "not an HTTP reply: ",
    ),
    Bad(
        "speaks in control codes",
        sends(b"\x1b[2J\x00\xff\r\n\r\n"),
        Reason.PROTOCOL,
        "not an HTTP reply: ",
    ),
]


@pytest.mark.parametrize("bad", ZOO, ids=lambda bad: bad.name)
async def test_http_names_what_a_bad_server_did(prober: HttpProber, bad: Bad) -> None:
    async with serving(bad.handler) as port:
        result = await get(prober, port, bad.probe)
    assert result.reason is bad.reason, result
    assert result.detail.startswith(bad.detail), result
    assert result.detail.isprintable()
    assert len(result.detail) <= 200
    assert result.duration < TIMEOUT + SLACK


async def test_http_makes_one_attempt_only(prober: HttpProber) -> None:
    """A server that resets every other connection is not hidden by a second try."""
    connections = 0

    async def reset_the_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        behaviour = resets if connections == 1 else sends(ok(b""))
        await behaviour(reader, writer)

    async with serving(reset_the_first) as port:
        result = await get(prober, port, HttpProbe())
    assert result.reason is Reason.RESET
    assert connections == 1


async def test_http_is_refused_by_a_closed_port(prober: HttpProber, closed_port: int) -> None:
    result = await get(prober, closed_port, HttpProbe())
    assert result.reason is Reason.REFUSED
    assert result.detail == "connecting: Connection refused"


async def test_http_times_out_on_a_host_that_does_not_answer(
    prober: HttpProber, deaf_port: int
) -> None:
    result = await get(prober, deaf_port, HttpProbe())
    assert result.reason is Reason.TIMEOUT
    assert result.detail == "no answer within 0.3 s while connecting"
    assert TIMEOUT <= result.duration < TIMEOUT + SLACK


async def test_http_does_not_blame_the_target_for_a_want_of_descriptors(
    prober: HttpProber, closed_port: int
) -> None:
    with no_more_descriptors():
        result = await get(prober, closed_port, HttpProbe())
    assert result.reason is Reason.LOCAL_ERROR
    assert result.detail == "connecting: Too many open files"


def test_a_search_leaves_no_timer_behind() -> None:
    """The processor time of everything else is not cut short."""
    assert pattern.search("b", "abc")
    with pytest.raises(pattern.SearchTooLongError):
        pattern.search("(a+)+$", "a" * 40 + "b")
    assert not pattern.search("x", "abc")


# -- TLS ------------------------------------------------------------------------------------

GOOD_NAMES = "DNS:web.example,IP:127.0.0.1"


@dataclass(frozen=True)
class Authority:
    """A certificate authority made for the test."""

    folder: Path

    @property
    def file(self) -> str:
        return str(self.folder / "ca.pem")

    def server(self, name: str, names: str, days: int = 1) -> ssl.SSLContext:
        """A server's TLS settings, with a certificate for ``names`` valid from now on."""
        key, request, certificate = (self.folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={names}\nauthorityKeyIdentifier=keyid\n")
        openssl("req", "-new", *new_key(key), "-subj", "/CN=server", "-out", request)
        signing = ("-CA", self.file, "-CAkey", self.folder / "ca.key", "-CAcreateserial")
        validity = ("-days", str(days), "-extfile", extensions)
        openssl("x509", "-req", "-in", request, *signing, *validity, "-out", certificate)
        return server_context(certificate, key)

    def self_signed(self) -> ssl.SSLContext:
        """A server's TLS settings that no authority has signed."""
        key, certificate = self.folder / "self.key", self.folder / "self.pem"
        names = ("-addext", f"subjectAltName={GOOD_NAMES}")
        openssl("req", "-x509", *new_key(key), "-subj", "/CN=server", *names, "-out", certificate)
        return server_context(certificate, key)


def new_key(file: Path) -> tuple[str | Path, ...]:
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
    return (*curve, "-nodes", "-keyout", file)


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=20)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder = tmp_path_factory.mktemp("certificates")
    key, certificate = folder / "ca.key", folder / "ca.pem"
    openssl("req", "-x509", *new_key(key), "-subj", "/CN=authority", "-out", certificate)
    return Authority(folder)


@pytest.mark.parametrize("host", [None, "web.example"])
async def test_https_passes_on_a_certificate_for_the_host_or_the_address(
    prober: HttpProber, authority: Authority, host: str | None
) -> None:
    tls = authority.server("good", GOOD_NAMES)
    seen: list[str | None] = []

    def remember_name(_connection: ssl.SSLObject, name: str | None, _context: object) -> None:
        seen.append(name)

    tls.sni_callback = remember_name
    async with serving(sends(ok(b"hello")), tls) as port:
        probe = HttpProbe(tls=True, tls_ca_file=authority.file, host=host, expect_body="hello")
        result = await get(prober, port, probe)
    assert result.reason is Reason.PASSED, result
    assert seen == [host]


async def test_https_refuses_a_certificate_for_another_name(
    prober: HttpProber, authority: Authority
) -> None:
    async with serving(sends(ok(b"")), authority.server("good", GOOD_NAMES)) as port:
        probe = HttpProbe(tls=True, tls_ca_file=authority.file, host="other.example")
        result = await get(prober, port, probe)
    assert result.reason is Reason.TLS
    assert result.detail == (
        "certificate: Hostname mismatch, certificate is not valid for 'other.example'."
    )


async def test_https_refuses_an_expired_certificate(
    prober: HttpProber, authority: Authority
) -> None:
    async with serving(sends(ok(b"")), authority.server("old", GOOD_NAMES, days=-1)) as port:
        result = await get(prober, port, HttpProbe(tls=True, tls_ca_file=authority.file))
    assert result.reason is Reason.TLS
    assert result.detail == "certificate: certificate has expired"


async def test_https_refuses_a_self_signed_certificate(
    prober: HttpProber, authority: Authority
) -> None:
    async with serving(sends(ok(b"")), authority.self_signed()) as port:
        result = await get(prober, port, HttpProbe(tls=True))
    assert result.reason is Reason.TLS
    assert result.detail == "certificate: self-signed certificate"


async def test_https_accepts_any_certificate_when_told_not_to_verify(
    prober: HttpProber, authority: Authority
) -> None:
    async with serving(sends(ok(b"")), authority.self_signed()) as port:
        result = await get(prober, port, HttpProbe(tls=True, tls_verify=False))
    assert result.reason is Reason.PASSED, result


async def test_https_names_a_server_that_does_not_speak_tls(prober: HttpProber) -> None:
    async with serving(closes_after(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        result = await get(prober, port, HttpProbe(tls=True))
    assert result.reason is Reason.TLS
    assert result.detail == "TLS: wrong version number"


async def test_https_has_one_deadline_for_the_handshake_too(prober: HttpProber) -> None:
    async with serving(hangs) as port:
        result = await get(prober, port, HttpProbe(tls=True))
    assert result.reason is Reason.TIMEOUT
    assert result.detail == "no answer within 0.3 s while connecting"
    assert result.duration < TIMEOUT + SLACK


async def test_https_names_a_reset_in_the_handshake(prober: HttpProber) -> None:
    async with serving(resets) as port:
        result = await get(prober, port, HttpProbe(tls=True))
    assert result.reason is Reason.RESET, result


async def test_https_names_a_server_that_wants_a_client_certificate(
    prober: HttpProber, authority: Authority
) -> None:
    tls = authority.server("strict", GOOD_NAMES)
    tls.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as listener:
        refusal = asyncio.create_task(asyncio.to_thread(refuse_handshake, listener, tls))
        probe = HttpProbe(tls=True, tls_ca_file=authority.file)
        result = await get(prober, listener.getsockname()[1], probe)
        await refusal
    assert result.reason is Reason.TLS, result
    assert result.detail == "TLS: tlsv13 alert certificate required"


def refuse_handshake(listener: socket.socket, tls: ssl.SSLContext) -> None:
    """Send the alert and wait for the client to go: asyncio's own server would send none."""
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


async def test_https_names_a_missing_file_of_authorities_and_finds_it_later(
    prober: HttpProber, authority: Authority
) -> None:
    async with serving(sends(ok(b"")), authority.server("good", GOOD_NAMES)) as port:
        late = authority.folder / "late.pem"
        probe = HttpProbe(tls=True, tls_ca_file=str(late))
        missing = await get(prober, port, probe)
        late.symlink_to(authority.file)
        found = await get(prober, port, probe)
    assert missing.reason is Reason.LOCAL_ERROR
    assert missing.detail == f"tls_ca_file {late}: No such file or directory"
    assert found.reason is Reason.PASSED, found


def closes_after(words: bytes) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(words)
        await writer.drain()
        await reader.read()

    return handle
