"""Every probe over a connection against every kind of bad server: the reason and the detail.

The tests of each probe cover the faults that are possible only in its protocol.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from checks.definition.result import Reason, Result
from hadirector.lab.topology import Network
from tests.lab.probes.asking import LONG, SHORT
from tests.lab.probes.every_probe import EVERY_PROBE, OVER_TLS, ask_each

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[..., AbstractAsyncContextManager[int]]
Said = tuple[Reason, str]

MISMATCH = (Reason.REPLY, "reply of ")
SSH = b"SSH-2.0-OpenSSH_9.2p1\r\n"
PAGE = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
BYTES = b"\xff\xfe\x80\x1b\x9b\r\n"

# The stage of each probe while it waits for the first data of the server.
FIRST_STAGE = {
    **dict.fromkeys(EVERY_PROBE, "waiting for the reply"),
    **dict.fromkeys(OVER_TLS, "in the TLS handshake"),
    "smtp": "waiting for the greeting",
    "mysql": "waiting for the handshake",
}


def everywhere(reason: Reason, detail: str) -> dict[str, Said]:
    """Return the same result for every probe, with its stage in place of an asterisk."""
    return {name: (reason, detail.replace("*", stage)) for name, stage in FIRST_STAGE.items()}


def not_over_tls(detail: str) -> dict[str, Said]:
    return dict.fromkeys(OVER_TLS, (Reason.TLS, detail))


LATE = everywhere(Reason.TIMEOUT, "no answer within 0.3 s while *")
CUT = {
    **everywhere(Reason.PROTOCOL, "*: connection closed without a complete reply"),
    **dict.fromkeys(OVER_TLS, (Reason.RESET, "in the TLS handshake: connection lost")),
    "tcp": (Reason.REPLY, "reply of 0 bytes does not match /^ready/"),
    "agent": (Reason.PROTOCOL, "not an agent's statement: nothing"),
}
# OpenSSL reports no more about data that is not a TLS record.
FOREIGN = not_over_tls("TLS: wrong version number") | {
    "http": (Reason.PROTOCOL, "not an HTTP reply: "),
    "http/2": (Reason.PROTOCOL, "not an HTTP/2 reply: the data begins with "),
    "grpc": (Reason.PROTOCOL, "not an HTTP/2 reply: the data begins with "),
    "smtp": (Reason.PROTOCOL, "not an SMTP reply: "),
    "agent": (Reason.PROTOCOL, "not an agent's statement: "),
    "redis": (Reason.PROTOCOL, "not a Redis reply: "),
    "postgres": (Reason.PROTOCOL, "not a PostgreSQL reply"),
    "mysql": (Reason.PROTOCOL, "not a MySQL reply: a packet of "),
}
FLOOD: dict[str, Said] = FOREIGN | {
    "tcp": (Reason.REPLY, "reply of 65536 bytes does not match /^ready/"),
    "dns": (Reason.PROTOCOL, "not a DNS reply: the reply repeats another query"),
    "smtp": (Reason.PROTOCOL, "waiting for the greeting: got a line of more than 65536 bytes"),
    "redis": (Reason.PROTOCOL, "waiting for the reply: got a line of more than 65536 bytes"),
}

# The DNS probe reads the first two bytes of SSH as a length of 21331 and waits for that much.
ZOO: list[tuple[str, bytes, str, dict[str, Said]]] = [
    ("hangs", b"", "hang", LATE),
    ("drips", b"", "drip", LATE),
    ("resets", b"", "reset", everywhere(Reason.RESET, "*: Connection reset by peer")),
    ("closes", b"", "close", CUT),
    ("closes its half of the connection", b"", "half", CUT),
    ("floods", b"", "flood", FLOOD),
    ("sends SSH and waits", SSH, "hang", FOREIGN | {name: LATE[name] for name in ("tcp", "dns")}),
    ("sends SSH and closes", SSH, "close", FOREIGN | {"tcp": MISMATCH, "dns": CUT["dns"]}),
    (
        "sends HTTP",
        PAGE,
        "close",
        FOREIGN
        | {"tcp": MISMATCH, "dns": CUT["dns"], "http": (Reason.STATUS, "status 400, expected 200")},
    ),
    ("sends invalid UTF-8", BYTES, "close", FOREIGN | {"tcp": MISMATCH, "dns": CUT["dns"]}),
]


@pytest.mark.parametrize(
    ("words", "then", "expected"), [row[1:] for row in ZOO], ids=[row[0] for row in ZOO]
)
async def test_every_probe_names_the_fault_of_a_bad_server(
    serve: Serve, endings: dict[str, Handler], words: bytes, then: str, expected: dict[str, Said]
) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        await writer.drain()
        await asyncio.sleep(0.02)  # so that a reset does not overtake the data
        await endings[then](reader, writer)

    # Only the probes that should time out have a short timeout.
    late = {name for name, (reason, _) in expected.items() if reason is Reason.TIMEOUT}
    async with serve(handle) as port:
        soon, patient = await asyncio.gather(
            ask_each(port, late, SHORT), ask_each(port, EVERY_PROBE.keys() - late, LONG)
        )
    assert_equal(soon | patient, expected)


async def test_every_probe_is_refused_by_a_closed_port(closed_port: int) -> None:
    results = await ask_each(closed_port, EVERY_PROBE, LONG)
    assert_equal(results, everywhere(Reason.REFUSED, "connecting: Connection refused"))


async def test_every_probe_times_out_on_a_host_that_does_not_answer(deaf_port: int) -> None:
    results = await ask_each(deaf_port, EVERY_PROBE, SHORT)
    assert_equal(results, everywhere(Reason.TIMEOUT, "no answer within 0.3 s while connecting"))


@pytest.mark.netns
@pytest.mark.parametrize(
    ("said", "reason", "detail"),
    [
        ("icmp host-unreachable", "unreachable", "connecting: No route to host"),
        ("icmp port-unreachable", "refused", "connecting: Connection refused"),
        ("icmp net-unreachable", "no_route", "connecting: Network is unreachable"),
    ],
)
def test_every_probe_reports_an_unreachable_host(said: str, reason: str, detail: str) -> None:
    """The kernel answers each SYN with an ICMP error."""
    with Network() as network:
        host = network.host("lb")
        host.run("ip", "link", "set", "lo", "up")
        host.run("nft", "add table ip t; add chain ip t i { type filter hook input priority 0; }")
        host.run("nft", f"add rule ip t i tcp dport 9 reject with {said}")
        probes = [sys.executable, "-m", "tests.lab.probes.every_probe", "127.0.0.1", "9"]
        results = json.loads(host.run(*probes).stdout)
    assert results == {name: [reason, detail] for name in EVERY_PROBE}


def assert_equal(results: dict[str, Result], expected: dict[str, Said]) -> None:
    """Compare the results: the reason, the beginning of the detail, and its safety for a log."""
    assert results.keys() == expected.keys() == EVERY_PROBE.keys()
    for name, result in results.items():
        reason, detail = expected[name]
        assert result.reason is reason, (name, result)
        assert result.detail.startswith(detail), (name, result)
        assert result.detail.isprintable()
        assert len(result.detail) <= 200
        assert result.duration < 1.5
