"""Every probe against a real server, and through a proxy that cuts the connection at every stage.

The tests of the gRPC, MySQL, Redis and DNS probes check the answers of real servers in detail.
"""

import asyncio
import contextlib
import socket
import struct
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from checks.definition.options import (
    DnsProbe,
    GrpcProbe,
    HttpProbe,
    HttpsProbe,
    MysqlProbe,
    PostgresProbe,
    Probe,
    RedisProbe,
    SmtpProbe,
    TcpProbe,
)
from checks.definition.result import Reason
from tests.lab.probes.asking import LONG, SHORT, ask
from tests.lab.probes.certificates import GOOD_NAMES, Authority
from tests.lab.probes.cutting import CuttingProxy
from tests.lab.probes.mysql_server import mariadb
from tests.lab.probes.processes import server
from tests.lab.probes.real_servers import exim, files_of, nginx, postgres

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[..., AbstractAsyncContextManager[int]]

DNSMASQ = "--keep-in-foreground --user= --conf-file=/dev/null --no-hosts --no-resolv --pid-file= \
--listen-address=127.0.0.1 --bind-interfaces --host-record=web.example,192.0.2.1"


@dataclass(frozen=True)
class Servers:
    """The ports of a real server of each kind, and the authority of their certificates."""

    authority: str
    http: int
    http_2: int
    https: int
    smtp: int
    postgres: int
    mysql: int
    redis: int
    dns: int
    grpc: int


@pytest.fixture(scope="module")
def servers(authority: Authority) -> Iterator[Servers]:
    authority.server("good", GOOD_NAMES)
    redis = ["redis-server", "--bind", "127.0.0.1", "--save", "", "--port"]
    grpc = [sys.executable, "-m", "tests.lab.probes.grpc_server"]
    files = [str(file) for file in files_of(authority)]
    with contextlib.ExitStack() as stack:

        def folder() -> Path:
            # Not in the folder of pytest, because only its owner can enter it.
            return Path(stack.enter_context(tempfile.TemporaryDirectory()))

        def started(context: contextlib.AbstractContextManager[int]) -> int:
            return stack.enter_context(context)

        yield Servers(
            authority=authority.file,
            http=started(nginx(folder())),
            http_2=started(nginx(folder(), "http2")),
            https=started(nginx(folder(), "ssl http2", authority)),
            smtp=started(exim(folder(), authority)),
            postgres=started(postgres(folder())),
            mysql=started(mariadb(folder())),
            redis=started(server(lambda port: [*redis, str(port)])),
            dns=started(server(lambda port: ["dnsmasq", f"--port={port}", *DNSMASQ.split()])),
            grpc=started(server(lambda port: [*grpc, str(port), *files])),
        )


READY_SHA256 = "8056c3235998fa660ac0261b1439466bfabcfb8481af0fa035e25c8a4d1ac6d3"


@pytest.mark.parametrize(
    ("options", "reason", "detail"),
    [
        ({}, Reason.PASSED, "expected status"),
        ({"expect_body": "^GET ready$"}, Reason.PASSED, "expected status and body"),
        ({"expect_sha256": READY_SHA256}, Reason.PASSED, "expected status and body"),
        ({"method": "HEAD"}, Reason.PASSED, "expected status"),
        (
            {"method": "POST", "body": b"x=1", "expect_body": "^POST ready$"},
            Reason.PASSED,
            "expected status and body",
        ),
        (
            {"path": "/json", "expect_json": (("services.0.up", True),)},
            Reason.PASSED,
            "expected status and body",
        ),
        ({"path": "/large", "expect_body": "needle$"}, Reason.PASSED, "expected status and body"),
        ({"path": "/old"}, Reason.STATUS, "status 302, expected 200"),
        (
            {"path": "/old", "redirects": 1, "expect_body": "services"},
            Reason.PASSED,
            "expected sta",
        ),
        ({"path": "/away", "redirects": 1}, Reason.STATUS, "redirects to http://192.0.2.1/, which"),
        ({"path": "/down"}, Reason.STATUS, "status 503, expected 200"),
        ({"path": "/private"}, Reason.STATUS, "status 401, expected 200"),
        (
            {"path": "/private", "username": "alice", "password": "sesame"},
            Reason.PASSED,
            "expected status",
        ),
        ({"path": "/private", "username": "alice", "password": "x"}, Reason.STATUS, "status 401"),
    ],
)
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_web_server_is_probed_with_all_options(  # noqa: PLR0917 - pytest gives names
    servers: Servers,
    scheme: str,
    version: int,
    options: dict[str, object],
    reason: Reason,
    detail: str,
) -> None:
    """Debian's nginx."""
    given = {"http_version": version, **options}
    if scheme == "http":
        port = servers.http_2 if version == 2 else servers.http
        result = await ask(port, HttpProbe(**given))  # type: ignore[arg-type]  # of a table
    else:
        secured = HttpsProbe(tls_ca_file=servers.authority, **given)  # type: ignore[arg-type]
        result = await ask(servers.https, secured)
    assert result.reason is reason, result
    assert result.detail.startswith(detail), result


async def test_a_mail_server_accepts_starttls(servers: Servers) -> None:
    """Debian's exim."""
    clear = await ask(servers.smtp, SmtpProbe())
    secured = await ask(servers.smtp, SmtpProbe(starttls=True, tls_ca_file=servers.authority))
    assert (clear.reason, clear.detail) == (Reason.PASSED, "EHLO accepted")
    assert (secured.reason, secured.detail) == (Reason.PASSED, "EHLO accepted over TLS")
    assert secured.warning.startswith("the certificate expires in 0 days")


async def test_a_database_server_passes_for_accepted_and_rejected_logins(servers: Servers) -> None:
    """Debian's PostgreSQL, which counts a client from its first message on."""
    watcher = await ask(servers.postgres, PostgresProbe(user="watcher"))
    stranger = await ask(servers.postgres, PostgresProbe())
    assert (watcher.reason, watcher.detail) == (Reason.PASSED, "accepts logins")
    assert stranger.passed, stranger
    assert stranger.detail.startswith(
        "rejects this login with error 28000 pg_hba.conf rejects connection"
    )


async def test_a_database_server_that_is_full_fails(servers: Servers) -> None:
    words = b"\0\3\0\0user\0watcher\0database\0postgres\0\0"
    with contextlib.ExitStack() as stack:
        for _ in range(30):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", servers.postgres)))
            client.sendall(struct.pack("!I", len(words) + 4) + words)
            client.settimeout(5)
            if client.recv(1) == b"E":
                break
        full = await ask(servers.postgres, PostgresProbe(user="watcher"))
    assert full.reason is Reason.STATUS, full
    assert full.detail.startswith("53300 ")


def conversations(servers: Servers) -> dict[str, tuple[int, Probe]]:
    """A server and a probe that passes."""
    ca = servers.authority
    return {
        "tcp": (servers.redis, TcpProbe(send=b"PING\r\n", expect="PONG\r\n")),
        "http": (servers.http, HttpProbe()),
        "https": (servers.https, HttpsProbe(tls_ca_file=ca)),
        "http/2": (servers.http_2, HttpProbe(http_version=2)),
        "https by http/2": (servers.https, HttpsProbe(tls_ca_file=ca, http_version=2)),
        "grpc": (servers.grpc, GrpcProbe(tls=True, tls_ca_file=ca)),
        "dns": (servers.dns, DnsProbe(name="web.example", protocol="tcp")),
        "smtp": (servers.smtp, SmtpProbe(starttls=True, tls_ca_file=ca)),
        "redis": (servers.redis, RedisProbe()),
        "postgres": (servers.postgres, PostgresProbe(user="watcher")),
        "mysql": (servers.mysql, MysqlProbe()),
    }


KINDS = (
    "tcp", "http", "https", "http/2", "https by http/2", "grpc", "dns", "smtp", "redis", "postgres",
    "mysql",
)  # fmt: skip
BROKEN = {
    "hang": {Reason.TIMEOUT},
    "reset": {Reason.RESET},
    "close": {Reason.PROTOCOL, Reason.RESET, Reason.TLS, Reason.REPLY},
    "half": {Reason.PROTOCOL, Reason.RESET, Reason.TLS, Reason.REPLY},
}


@pytest.mark.parametrize("then", BROKEN)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_connection_that_is_cut_at_any_stage_fails(
    servers: Servers, serve: Serve, endings: dict[str, Handler], kind: str, then: str
) -> None:
    """Cut after the first byte, and after each eighth of the data from the server."""
    port, probe = conversations(servers)[kind]
    whole = CuttingProxy(port, sys.maxsize, endings["hang"])
    async with serve(whole.handle) as through:
        assert (await ask(through, probe)).passed
        length = whole.forwarded
    patience = SHORT if then == "hang" else LONG

    async def broken(after: int) -> tuple[int, Reason, str]:
        async with serve(CuttingProxy(port, after, endings[then]).handle) as through:
            result = await ask(through, probe, timeout=patience)
        return after, result.reason, result.detail

    cuts = sorted({0, 1, *(length * eighth // 8 for eighth in range(1, 8))})
    for after, reason, detail in await asyncio.gather(*map(broken, cuts)):
        assert reason in BROKEN[then], (after, length, reason, detail)
        assert detail.isprintable()
