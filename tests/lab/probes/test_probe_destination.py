"""Probes whose destination is not the address of the target, as with `via: vip`."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from checks.definition.check import Route
from checks.definition.options import HttpProbe, Probe, TcpProbe, UdpProbe
from checks.definition.result import Reason
from tests.lab.probes.asking import SHORT, ask
from tests.lab.probes.datagrams import answering

Serve = Callable[..., AbstractAsyncContextManager[int]]

ELSEWHERE = Route(destination="127.0.0.9")


async def test_the_source_is_the_address_towards_the_target(serve: Serve) -> None:
    """The kernel would choose the destination itself, which is also an address of this host."""
    seen: list[str] = []

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(writer.get_extra_info("peername")[0])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with serve(reply, host="127.0.0.9") as port:
        for probe in (TcpProbe(), TcpProbe(expect="$"), HttpProbe()):
            assert (await ask(port, probe, route=ELSEWHERE)).passed
    assert seen == ["127.0.0.1"] * 3


async def test_an_http_request_names_the_destination(serve: Serve) -> None:
    """A redirect to the destination is a redirect to the same server."""
    hosts: list[bytes] = []

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        [host] = [line[6:] for line in request.split(b"\r\n") if line.startswith(b"Host: ")]
        hosts.append(host)
        status = b"302 Found" if len(hosts) == 1 else b"200 OK"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n")
        writer.write(b"Location: http://" + host + b"/there\r\n\r\n")

    async with serve(redirect, host="127.0.0.9") as port:
        result = await ask(port, HttpProbe(redirects=1), route=ELSEWHERE)
    assert result.passed, result
    assert hosts == [b"127.0.0.9:%d" % port] * 2


async def test_udp_uses_the_destination_and_silence_suggests_a_remedy() -> None:
    async with answering(lambda data: [data], host="127.0.0.9") as port:
        assert (await ask(port, UdpProbe(send=b"x"), route=ELSEWHERE)).passed
    async with answering(lambda data: [], host="127.0.0.9") as port:
        result = await ask(port, UdpProbe(send=b"x"), route=ELSEWHERE, timeout=SHORT)
    assert result.reason is Reason.TIMEOUT
    assert result.detail.endswith(
        " (probed at 127.0.0.9: check that the target has this address configured)"
    )


@pytest.mark.parametrize("probe", [TcpProbe(), TcpProbe(send=b"x")], ids=repr)
async def test_a_failed_connection_suggests_a_remedy(deaf_port: int, probe: Probe) -> None:
    """The target is 127.0.0.2. The destination 127.0.0.1 does not answer at this port."""
    route = Route(source="127.0.0.3", destination="127.0.0.1")
    result = await ask(deaf_port, probe, "127.0.0.2", route, timeout=SHORT)
    assert result.reason is Reason.TIMEOUT
    assert result.detail == (
        "no answer within 0.3 s while connecting"
        " (probed at 127.0.0.1: check that the target has this address configured)"
    )


async def test_a_failure_after_the_connection_suggests_no_remedy(
    serve: Serve, endings: dict[str, Callable[..., object]]
) -> None:
    async with serve(endings["hang"], host="127.0.0.9") as port:
        result = await ask(port, TcpProbe(expect="x"), route=ELSEWHERE, timeout=SHORT)
    assert result.detail == "no answer within 0.3 s while waiting for the reply"


async def test_without_another_source_address_the_result_is_a_local_error(closed_port: int) -> None:
    """This host would use 127.0.0.1 itself as the source towards 127.0.0.1."""
    result = await ask(closed_port, TcpProbe(), route=Route(destination="127.0.0.1"))
    assert result.reason is Reason.LOCAL_ERROR
    assert result.detail == (
        "this host has no other address from which to probe 127.0.0.1:"
        " set the key source of the check"
    )
