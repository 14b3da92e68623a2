"""A probe that is sent to another address than its target's, as `via: vip` has it."""

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


async def test_it_goes_there_from_the_address_that_leads_to_the_target(serve: Serve) -> None:
    """Not from the destination, which the kernel would choose where it has that address itself."""
    seen: list[str] = []

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(writer.get_extra_info("peername")[0])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with serve(reply, host="127.0.0.9") as port:
        for probe in (TcpProbe(), TcpProbe(expect="$"), HttpProbe()):
            assert (await ask(port, probe, route=ELSEWHERE)).passed
    assert seen == ["127.0.0.1"] * 3


async def test_a_web_server_is_asked_for_what_clients_ask_it_for(serve: Serve) -> None:
    """Also when it redirects to itself by that name."""
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


async def test_udp_goes_there_too_and_silence_asks_for_the_address() -> None:
    async with answering(lambda data: [data], host="127.0.0.9") as port:
        assert (await ask(port, UdpProbe(send=b"x"), route=ELSEWHERE)).passed
    async with answering(lambda data: [], host="127.0.0.9") as port:
        result = await ask(port, UdpProbe(send=b"x"), route=ELSEWHERE, timeout=SHORT)
    assert result.reason is Reason.TIMEOUT
    assert result.detail.endswith(" (asked as 127.0.0.9: has it that address?)")


@pytest.mark.parametrize("probe", [TcpProbe(), TcpProbe(send=b"x")], ids=repr)
async def test_where_no_connection_comes_about_the_result_asks_for_the_address(
    deaf_port: int, probe: Probe
) -> None:
    """The port is deaf at 127.0.0.1, where a host has it that is known as 127.0.0.2."""
    route = Route(source="127.0.0.3", destination="127.0.0.1")
    result = await ask(deaf_port, probe, "127.0.0.2", route, timeout=SHORT)
    assert result.reason is Reason.TIMEOUT
    said = "while connecting (asked as 127.0.0.1: has it that address?)"
    assert result.detail == f"no answer within 0.3 s {said}"


async def test_one_that_was_connected_to_has_the_address(
    serve: Serve, endings: dict[str, Callable[..., object]]
) -> None:
    async with serve(endings["hang"], host="127.0.0.9") as port:
        result = await ask(port, TcpProbe(expect="x"), route=ELSEWHERE, timeout=SHORT)
    assert result.detail == "no answer within 0.3 s while waiting for the reply"


async def test_without_an_address_of_its_own_this_host_is_to_blame(closed_port: int) -> None:
    """Towards 127.0.0.1 it uses 127.0.0.1, which as the destination would be the target's."""
    result = await ask(closed_port, TcpProbe(), route=Route(destination="127.0.0.1"))
    assert result.reason is Reason.LOCAL_ERROR
    assert result.detail == (
        "no address of this host's own to ask 127.0.0.1 from: give the check a source"
    )
