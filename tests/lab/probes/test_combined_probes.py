"""Composite probes against servers that pass, fail, hang and drip."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from checks.definition.check import Route
from checks.definition.options import (
    AgentProbe,
    AllProbe,
    AnyProbe,
    FileProbe,
    Member,
    PingProbe,
    TcpProbe,
)
from checks.definition.queries import is_host_probe, transports
from checks.definition.result import Reason
from tests.lab.probes.asking import SHORT, ask

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[..., AbstractAsyncContextManager[int]]

TCP = TcpProbe()
LOCAL_ERROR = Member(probe=FileProbe(file="/"))


def agent(says: bytes) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)

    return handle


async def test_all_pass_if_every_member_passes_and_the_lowest_weight_counts(
    serve: Serve, tmp_path: Path
) -> None:
    half = tmp_path / "half"
    half.write_text("50%")
    async with serve(agent(b"80%\n")) as port:
        members = (
            Member(probe=TCP),
            Member(probe=AgentProbe()),
            Member(probe=FileProbe(file=str(half))),
        )
        result = await ask(port, AllProbe(checks=members))
    assert (result.reason, result.detail) == (Reason.PASSED, "all 3 member checks pass")
    assert result.weight == 50


async def test_a_member_has_its_own_source_or_the_source_of_the_check(serve: Serve) -> None:
    """Linux takes any address of 127.0.0.0/8 as a source of a connection to 127.0.0.1."""
    sources: asyncio.Queue[str] = asyncio.Queue()

    async def note_source(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sources.put_nowait(writer.get_extra_info("peername")[0])

    async with serve(note_source) as port:
        members = (Member(probe=TCP, source="127.0.0.7"), Member(probe=TCP))
        route = Route(source="127.0.0.9")
        result = await ask(port, AllProbe(checks=members), route=route)
        assert result.reason is Reason.PASSED
        seen = {await sources.get(), await sources.get()}
    assert seen == {"127.0.0.7", "127.0.0.9"}


async def test_the_first_failure_decides_for_all_at_once(
    serve: Serve, endings: dict[str, Handler], closed_port: int
) -> None:
    """The probe does not wait for the other members, and closes their sockets."""
    async with serve(endings["hang"]) as port:
        hangs = Member(probe=TcpProbe(expect="never"))
        refuses = Member(probe=TCP, address="::1", port=closed_port)
        result = await ask(port, AllProbe(checks=(hangs, refuses)))
    assert result.reason is Reason.REFUSED
    assert result.detail == "tcp: connecting: Connection refused"
    assert result.duration < 1.5


async def test_all_names_the_member_that_timed_out_and_its_stage(
    serve: Serve, endings: dict[str, Handler]
) -> None:
    async with serve(endings["drip"]) as port:
        late = Member(probe=TcpProbe(expect="never"))
        result = await ask(port, AllProbe(checks=(Member(probe=TCP), late)), timeout=SHORT)
    assert result.reason is Reason.TIMEOUT
    assert result.detail == "tcp: no answer within 0.3 s while waiting for the reply"
    assert result.duration < 1.5


async def test_a_local_error_decides_only_if_no_other_member_fails(
    serve: Serve, endings: dict[str, Handler], closed_port: int
) -> None:
    async with serve(endings["hang"]) as port:
        wanting = await ask(port, AllProbe(checks=(LOCAL_ERROR, Member(probe=TCP))))
    failing = await ask(closed_port, AllProbe(checks=(LOCAL_ERROR, Member(probe=TCP))))
    assert wanting.reason is Reason.LOCAL_ERROR
    assert failing.reason is Reason.REFUSED


async def test_any_passes_with_the_first_member_that_passes(
    serve: Serve, endings: dict[str, Handler], closed_port: int
) -> None:
    async with serve(endings["hang"]) as port:
        members = (
            Member(probe=TCP, port=closed_port),
            Member(probe=TcpProbe(expect="never")),
            LOCAL_ERROR,
            Member(probe=TCP),
        )
        result = await ask(port, AnyProbe(checks=members))
    assert (result.reason, result.detail) == (Reason.PASSED, "tcp: connection established")
    assert result.duration < 1.5


@pytest.mark.parametrize(
    ("wanting", "reason"), [((), Reason.REFUSED), ((LOCAL_ERROR,), Reason.LOCAL_ERROR)]
)
async def test_any_fails_if_no_member_could_have_passed(
    closed_port: int, wanting: tuple[Member, ...], reason: Reason
) -> None:
    refuses = Member(probe=TCP)
    result = await ask(closed_port, AnyProbe(checks=(refuses, refuses, *wanting)))
    assert result.reason is reason


async def test_members_use_the_route_of_the_check(serve: Serve) -> None:
    sources: list[str] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sources.append(writer.get_extra_info("peername")[0])

    async with serve(note) as port:
        both = AllProbe(checks=(Member(probe=TCP), Member(probe=TCP)))
        assert (await ask(port, both, route=Route(source="127.0.0.9"))).passed
    assert sources == ["127.0.0.9", "127.0.0.9"]


def test_the_target_depends_on_the_members() -> None:
    """A member with its own port does not use the port of the target."""
    ping, own_port = Member(probe=PingProbe()), Member(probe=TCP, port=8080)
    assert is_host_probe(AllProbe(checks=(ping, own_port)))
    assert transports(AllProbe(checks=(ping, own_port))) == frozenset()
    assert not is_host_probe(AnyProbe(checks=(ping, Member(probe=TCP))))
    assert transports(AnyProbe(checks=(ping, Member(probe=TCP)))) == {"tcp"}
