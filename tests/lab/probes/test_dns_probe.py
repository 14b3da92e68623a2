"""The DNS probe against dnsmasq, and against bad servers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Literal

import pytest

from checks.definition.options import DnsProbe
from checks.definition.result import Reason
from tests.lab.probes.asking import ask, time_for
from tests.lab.probes.datagrams import answering
from tests.lab.probes.processes import server

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[..., AbstractAsyncContextManager[int]]

LATE = "no answer within 0.3 s while "
QUESTION = b"\x03web\x07example\x00\x00\x01\x00\x01"
ADDRESS = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4\xc0\0\2\1"
WEB = DnsProbe(name="web.example")


def reply(query: bytes, flags: bytes, answers: int = 0, rest: bytes = b"") -> bytes:
    """A message with the identifier and question of the query (RFC 1035 section 4.1.1)."""
    counts = b"\0\1" + answers.to_bytes(2, "big") + b"\0\0\0\0"
    return query[:2] + flags + counts + QUESTION + rest


@pytest.fixture(scope="module")
def dnsmasq() -> Iterator[int]:
    """The port of a real name server."""

    def command(port: int) -> list[str]:
        records = [
            "--host-record=web.example,192.0.2.1,2001:db8::1",
            "--host-record=web.example,192.0.2.2",
            "--mx-host=example,mail.example,10",
            "--txt-record=example,v=spf1 -all",
            "--dns-rr=example,48,0100030d01020304",  # a DNSKEY (RFC 4034 section 2.1)
            "--local=/example/",
        ]
        where = [f"--port={port}", "--listen-address=127.0.0.1", "--bind-interfaces"]
        files = ["--conf-file=/dev/null", "--no-hosts", "--no-resolv", "--pid-file="]
        return ["dnsmasq", "--keep-in-foreground", "--user=", *where, *files, *records]

    with server(command) as port:
        yield port


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
@pytest.mark.parametrize(
    ("options", "reason", "detail"),
    [
        (WEB, Reason.PASSED, "expected rcode"),
        (
            DnsProbe(name="WEB.example.", expect_answers=("192.0.2.1",)),
            Reason.PASSED,
            "expected answers",
        ),
        (
            DnsProbe(name="web.example", record="AAAA", expect_answers=("2001:DB8::1",)),
            Reason.PASSED,
            "expected answers",
        ),
        (
            DnsProbe(name="example", record="MX", expect_answers=("10 mail.example.",)),
            Reason.PASSED,
            "expected answers",
        ),
        (
            DnsProbe(name="example", record="TXT", expect_answers=('"v=spf1 -all"',)),
            Reason.PASSED,
            "expected answers",
        ),
        (
            DnsProbe(name="example", record="DNSKEY", expect_answers=("256 3 13 AQIDBA==",)),
            Reason.PASSED,
            "expected answers",
        ),
        (DnsProbe(name="example", record="RRSIG"), Reason.PASSED, "expected rcode"),
        (
            DnsProbe(name="web.example", record="MX", expect_answers=("10 mail.example.",)),
            Reason.REPLY,
            "the answers do not contain 10 mail.example.: nothing",
        ),
        (DnsProbe(name="no.example"), Reason.STATUS, "rcode NXDOMAIN, expected NOERROR"),
        (
            DnsProbe(name="no.example", expect_rcode="NXDOMAIN"),
            Reason.PASSED,
            "expected rcode",
        ),
        (DnsProbe(name="elsewhere.test"), Reason.STATUS, "rcode REFUSED, expected NOERROR"),
    ],
)
async def test_dns_evaluates_a_name_server(
    dnsmasq: int,
    protocol: Literal["udp", "tcp"],
    options: DnsProbe,
    reason: Reason,
    detail: str,
) -> None:
    asked = DnsProbe(
        name=options.name,
        record=options.record,
        protocol=protocol,
        expect_rcode=options.expect_rcode,
        expect_answers=options.expect_answers,
    )
    result = await ask(dnsmasq, asked, timeout=time_for(reason))
    assert (result.reason, result.detail) == (reason, detail)


@pytest.mark.parametrize(
    ("make", "reason", "detail"),
    [
        (lambda query: [], Reason.TIMEOUT, LATE + "waiting for the reply"),
        (lambda query: [b""], Reason.TIMEOUT, LATE + "waiting for the reply"),
        (lambda query: [b"\xff\xfe\xfd"], Reason.TIMEOUT, LATE + "waiting for the reply"),
        (lambda query: [query], Reason.TIMEOUT, LATE + "waiting for the reply"),
        (lambda query: [query[:2] + b"\x80"], Reason.PROTOCOL, "not a DNS reply: "),
        (
            lambda query: [reply(query, b"\x80\0", 9, b"\xc0\x0c")],
            Reason.PROTOCOL,
            "not a DNS reply: ",
        ),
        (  # a name that points to itself
            lambda query: [reply(query, b"\x80\0", 1, b"\xc0\x1d\0\1\0\1\0\0\0\0\0\0")],
            Reason.PROTOCOL,
            "not a DNS reply: ",
        ),
        (
            lambda query: [reply(query, b"\x80\0", 257, ADDRESS * 257)],
            Reason.PROTOCOL,
            "not a DNS reply: the message has 258 records",
        ),
        (
            lambda query: [reply(query, b"\x80\2")],
            Reason.STATUS,
            "rcode SERVFAIL, expected NOERROR",
        ),
        (
            lambda query: [b"\0\0" if query[:2] != b"\0\0" else b"\1\1"] * 64,
            Reason.PROTOCOL,
            "received 64 datagrams, but no reply",
        ),
    ],
)
async def test_dns_names_the_fault_of_a_bad_server(
    make: Callable[[bytes], list[bytes]], reason: Reason, detail: str
) -> None:
    async with answering(make) as port:
        result = await ask(port, WEB, timeout=time_for(reason))
    assert result.reason is reason, result
    assert result.detail.startswith(detail), result
    assert result.duration < 1.5


async def test_dns_skips_the_reply_to_another_query() -> None:
    """It accepts the right reply, which follows."""
    async with answering(lambda query: [b"\0\0", reply(query, b"\x80\0")]) as port:
        result = await ask(port, WEB)
    assert result.passed, result


async def test_dns_is_refused_by_a_closed_port(closed_port: int) -> None:
    """By ICMP port unreachable over UDP, and by a reset over TCP."""
    for protocol in ("udp", "tcp"):
        result = await ask(closed_port, DnsProbe(name="web.example", protocol=protocol))
        assert result.reason is Reason.REFUSED, result


@contextlib.asynccontextmanager
async def over_tcp(serve: Serve, words: bytes, ending: Handler) -> AsyncIterator[int]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(2)
        await reader.read(512)
        writer.write(words)
        await ending(reader, writer)

    async with serve(handle) as port:
        yield port


@pytest.mark.parametrize(
    ("words", "ending", "reason", "detail"),
    [
        (b"", "hang", Reason.TIMEOUT, LATE + "waiting for the reply"),
        (b"\xff\xff", "drip", Reason.TIMEOUT, LATE + "waiting for the reply"),
        (b"\0\x09short", "close", Reason.PROTOCOL, "waiting for the reply: connection closed"),
        (b"", "reset", Reason.RESET, "waiting for the reply: Connection reset by peer"),
        (
            b"\0\0",
            "hang",
            Reason.PROTOCOL,
            "not a DNS reply: the reply repeats another query",
        ),
        (b"", "flood", Reason.PROTOCOL, "not a DNS reply: the reply repeats another query"),
    ],
)
async def test_dns_over_tcp_names_the_fault_of_a_bad_server(  # noqa: PLR0917 - pytest gives names
    serve: Serve,
    endings: dict[str, Handler],
    words: bytes,
    ending: str,
    reason: Reason,
    detail: str,
) -> None:
    async with over_tcp(serve, words, endings[ending]) as port:
        result = await ask(
            port, DnsProbe(name="web.example", protocol="tcp"), timeout=time_for(reason)
        )
    assert result.reason is reason, result
    assert result.detail.startswith(detail), result
    assert result.duration < 1.5
