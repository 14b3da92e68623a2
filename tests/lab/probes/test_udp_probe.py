"""The UDP probe: replies, silence, and ICMP errors."""

import asyncio
import socket
import struct
from collections.abc import Callable

import pytest

from checks.definition.options import DnsProbe, Probe, UdpProbe
from checks.definition.result import Reason
from tests.lab.probes.asking import SHORT, ask, time_for
from tests.lab.probes.datagrams import answering


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_udp_passes_on_the_expected_reply(address: str) -> None:
    options = UdpProbe(send=b"\x01ping\r\n", expect="^pong")
    async with answering(lambda data: [b"pong" + data], address) as port:
        result = await ask(port, options, address)
    assert (result.reason, result.detail) == (Reason.PASSED, "expected reply")


async def test_udp_sends_an_empty_datagram_by_default() -> None:
    async with answering(lambda data: [b"empty" if data == b"" else b"full"]) as port:
        result = await ask(port, UdpProbe(expect="^empty$"))
    assert result.passed, result


@pytest.mark.parametrize(
    ("make", "reason", "detail"),
    [
        (lambda data: [], Reason.TIMEOUT, "no answer within 0.3 s while waiting for the reply"),
        (lambda data: [b"no"], Reason.REPLY, "reply of 2 bytes does not match /^pong/"),
        (lambda data: [b"\xff" * 3], Reason.REPLY, "reply of 3 bytes does not match /^pong/"),
        (lambda data: [b"x" * 65507], Reason.REPLY, "reply of 65507 bytes does not match"),
        (lambda data: [b"no"] * 100, Reason.REPLY, "reply of 2 bytes does not match /^pong/"),
    ],
)
async def test_udp_names_the_fault_of_a_bad_server(
    make: Callable[[bytes], list[bytes]], reason: Reason, detail: str
) -> None:
    async with answering(make) as port:
        result = await ask(port, UdpProbe(expect="^pong"), timeout=time_for(reason))
    assert result.reason is reason, result
    assert result.detail.startswith(detail), result


@pytest.mark.parametrize(
    ("pattern", "begin"),
    [
        ("hex:01fe", None),
        ("hex:01FEXX", None),
        ("hex:X1Xe05", None),
        ("hex:01ff", "01fe"),
        ("hex:X2", "01"),
        ("hex:01fe0506", "01fe05"),
    ],
)
async def test_the_answer_begins_with_the_expected_bytes(pattern: str, begin: str | None) -> None:
    """An answer that is shorter than the pattern fails."""
    async with answering(lambda data: [b"\x01\xfe\x05"]) as port:
        result = await ask(port, UdpProbe(expect_bytes=pattern))
    if begin is None:
        assert (result.reason, result.detail) == (Reason.PASSED, "expected reply")
    else:
        assert result.reason is Reason.REPLY
        assert result.detail == f"reply of 3 bytes begins with {begin}, expected {pattern}"


async def test_silence_passes_only_if_no_reply_is_required() -> None:
    """The pass comes after half of the timeout, well before the deadline."""
    async with answering(lambda data: []) as port:
        result = await ask(port, UdpProbe(require_reply=False), timeout=SHORT)
    assert (result.reason, result.detail) == (Reason.PASSED, "no reply, and no ICMP error")
    assert 0.15 <= result.duration < 0.3


@pytest.mark.parametrize("require_reply", [True, False])
async def test_udp_is_refused_by_a_closed_port(closed_port: int, require_reply: bool) -> None:
    """The kernel reports ICMP port unreachable to a connected socket."""
    result = await ask(closed_port, UdpProbe(require_reply=require_reply))
    assert result.reason is Reason.REFUSED
    assert result.detail == "waiting for the reply: Connection refused"


@pytest.mark.netns
@pytest.mark.parametrize("options", [UdpProbe(), DnsProbe(name="web.example")])
async def test_udp_and_dns_report_an_unreachable_host(options: Probe) -> None:
    """ICMP host unreachable, as a router sends it: type 3, code 1 (RFC 792)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.setblocking(False)
        port = silent.getsockname()[1]
        probe = asyncio.create_task(ask(port, options))
        _, (_, source) = await asyncio.get_running_loop().sock_recvfrom(silent, 512)
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as router:
            router.sendto(host_unreachable(source, port), ("127.0.0.1", 0))
        result = await probe
    assert result.reason is Reason.UNREACHABLE, result
    assert result.detail == "waiting for the reply: No route to host"


def host_unreachable(source: int, target: int) -> bytes:
    """An ICMP message that quotes an empty datagram between two ports of 127.0.0.1."""
    local = socket.inet_aton("127.0.0.1")
    header = struct.pack("!BBHHHBBH", 0x45, 0, 28, 0, 0, 64, 17, 0) + local + local
    rest = b"\0" * 4 + header + struct.pack("!HHHH", source, target, 8, 0)
    total: int = 0x0301 + sum(struct.unpack(f"!{len(rest) // 2}H", rest))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return b"\3\1" + (0xFFFF - total).to_bytes(2, "big") + rest
