"""Every probe over a connection against every kind of bad server: the verdict, and its reason.

What a server can do wrong in one protocol only is in the tests of that protocol's probe.
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

# Where each probe is while it waits for the first word of the server.
FIRST_STAGE = {
    **dict.fromkeys(EVERY_PROBE, "waiting for the reply"),
    **dict.fromkeys(OVER_TLS, "in the TLS handshake"),
    "smtp": "waiting for the greeting",
    "mysql": "waiting for the handshake",
}


def everywhere(reason: Reason, detail: str) -> dict[str, Said]:
    """What every probe says, with its stage for an asterisk."""
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
# Of what is no TLS record, OpenSSL says no more.
FOREIGN = not_over_tls("TLS: wrong version number") | {
    "http": (Reason.PROTOCOL, "not an HTTP reply: "),
    "http/2": (Reason.PROTOCOL, "not an HTTP/2 reply: it begins with "),
    "grpc": (Reason.PROTOCOL, "not an HTTP/2 reply: it begins with "),
    "smtp": (Reason.PROTOCOL, "not an SMTP reply: "),
    "agent": (Reason.PROTOCOL, "not an agent's statement: "),
    "redis": (Reason.PROTOCOL, "not a Redis reply: "),
    "postgres": (Reason.PROTOCOL, "not a PostgreSQL reply"),
    "mysql": (Reason.PROTOCOL, "not a MySQL reply: a packet of "),
}
FLOOD: dict[str, Said] = FOREIGN | {
    "tcp": (Reason.REPLY, "reply of 65536 bytes does not match /^ready/"),
    "dns": (Reason.PROTOCOL, "not a DNS reply: it answers another query"),
    "smtp": (Reason.PROTOCOL, "waiting for the greeting: a line of more than 65536 bytes"),
    "redis": (Reason.PROTOCOL, "waiting for the reply: a line of more than 65536 bytes"),
}

# A length of 21331 bytes, which DNS reads in the first two of SSH, is waited for.
ZOO: list[tuple[str, bytes, str, dict[str, Said]]] = [
    ("hangs", b"", "hang", LATE),
    ("drips", b"", "drip", LATE),
    ("resets", b"", "reset", everywhere(Reason.RESET, "*: Connection reset by peer")),
    ("closes", b"", "close", CUT),
    ("closes its half and listens on", b"", "half", CUT),
    ("floods", b"", "flood", FLOOD),
    ("speaks SSH and waits", SSH, "hang", FOREIGN | {name: LATE[name] for name in ("tcp", "dns")}),
    ("speaks SSH and goes", SSH, "close", FOREIGN | {"tcp": MISMATCH, "dns": CUT["dns"]}),
    (
        "speaks HTTP",
        PAGE,
        "close",
        FOREIGN
        | {"tcp": MISMATCH, "dns": CUT["dns"], "http": (Reason.STATUS, "status 400, expected 200")},
    ),
    ("speaks no UTF-8", BYTES, "close", FOREIGN | {"tcp": MISMATCH, "dns": CUT["dns"]}),
]


@pytest.mark.parametrize(
    ("words", "then", "expected"), [each[1:] for each in ZOO], ids=[each[0] for each in ZOO]
)
async def test_every_probe_names_what_a_bad_server_did(
    serve: Serve, endings: dict[str, Handler], words: bytes, then: str, expected: dict[str, Said]
) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        await writer.drain()
        await asyncio.sleep(0.02)  # so that a reset does not overtake the words
        await endings[then](reader, writer)

    # Those that are to meet their deadline have a short one, the others one that they do not meet.
    late = {name for name, (reason, _) in expected.items() if reason is Reason.TIMEOUT}
    async with serve(handle) as port:
        soon, patient = await asyncio.gather(
            ask_each(port, late, SHORT), ask_each(port, EVERY_PROBE.keys() - late, LONG)
        )
    agree(soon | patient, expected)


async def test_every_probe_is_refused_by_a_closed_port(closed_port: int) -> None:
    results = await ask_each(closed_port, EVERY_PROBE, LONG)
    agree(results, everywhere(Reason.REFUSED, "connecting: Connection refused"))


async def test_every_probe_times_out_on_a_host_that_does_not_answer(deaf_port: int) -> None:
    results = await ask_each(deaf_port, EVERY_PROBE, SHORT)
    agree(results, everywhere(Reason.TIMEOUT, "no answer within 0.3 s while connecting"))


@pytest.mark.netns
@pytest.mark.parametrize(
    ("said", "reason", "detail"),
    [
        ("icmp host-unreachable", "unreachable", "connecting: No route to host"),
        ("icmp port-unreachable", "refused", "connecting: Connection refused"),
        ("icmp net-unreachable", "no_route", "connecting: Network is unreachable"),
    ],
)
def test_every_probe_hears_that_a_host_is_unreachable(said: str, reason: str, detail: str) -> None:
    """ICMP as the kernel itself sends it, in place of a SYN's answer."""
    with Network() as network:
        host = network.host("lb")
        host.run("ip", "link", "set", "lo", "up")
        host.run("nft", "add table ip t; add chain ip t i { type filter hook input priority 0; }")
        host.run("nft", f"add rule ip t i tcp dport 9 reject with {said}")
        probes = [sys.executable, "-m", "tests.lab.probes.every_probe", "127.0.0.1", "9"]
        results = json.loads(host.run(*probes).stdout)
    assert results == {name: [reason, detail] for name in EVERY_PROBE}


def agree(results: dict[str, Result], expected: dict[str, Said]) -> None:
    """Each probe names the reason, in words that begin as expected, and fit into a log."""
    assert results.keys() == expected.keys() == EVERY_PROBE.keys()
    for name, result in results.items():
        reason, detail = expected[name]
        assert result.reason is reason, (name, result)
        assert result.detail.startswith(detail), (name, result)
        assert result.detail.isprintable()
        assert len(result.detail) <= 200
        assert result.duration < 1.5
