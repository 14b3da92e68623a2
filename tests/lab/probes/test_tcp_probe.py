"""The TCP probe against real sockets on loopback."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager

import pytest

from checks.definition.options import TcpProbe
from checks.definition.result import Reason
from tests.lab.probes.asking import SHORT, ask, ask_in_task

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]
Serve = Callable[..., AbstractAsyncContextManager[int]]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_tcp_passes_when_the_connection_is_established(
    serve: Serve, endings: dict[str, Handler], address: str
) -> None:
    async with serve(endings["hang"], host=address) as port:
        result = await ask(port, TcpProbe(), address)
    assert result.reason is Reason.PASSED
    assert result.detail == "connection established"
    assert 0 < result.duration < 0.3


async def test_tcp_passes_when_the_server_has_not_accepted_yet() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        result = await ask(listener.getsockname()[1], TcpProbe())
    assert result.reason is Reason.PASSED


async def test_tcp_is_refused_by_a_closed_port(closed_port: int) -> None:
    result = await ask(closed_port, TcpProbe())
    assert result.reason is Reason.REFUSED
    assert result.detail == "connecting: Connection refused"


async def test_tcp_times_out_on_a_host_that_does_not_answer(deaf_port: int) -> None:
    result = await ask(deaf_port, TcpProbe(), timeout=SHORT)
    assert result.reason is Reason.TIMEOUT
    assert result.detail == "no answer within 0.3 s while connecting"
    assert 0.3 <= result.duration < 1.5


async def test_tcp_names_an_unreachable_network() -> None:
    """TCP cannot reach a broadcast address (net/ipv4/tcp_ipv4.c tcp_v4_connect: ENETUNREACH)."""
    result = await ask(80, TcpProbe(), "255.255.255.255")
    assert result.reason is Reason.NO_ROUTE
    assert result.detail == "connecting: Network is unreachable"


async def test_tcp_without_free_descriptors_is_a_local_error(
    no_more_descriptors: Callable[[], AbstractContextManager[None]],
) -> None:
    with no_more_descriptors():
        result = await ask_in_task(80, TcpProbe())
    assert result.reason is Reason.LOCAL_ERROR
    assert result.detail == "connecting: Too many open files"
