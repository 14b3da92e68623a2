"""Whatever a peer or a stranger sends over the pair link has a clear event, and changes nothing."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hadirector.pair.state import ProtocolRange
from hadirector.web.link.certificates import fingerprint
from tests.lab.fake_peer import OWN_ADDRESS, PEER_ADDRESS, LinkedDirector, body, state
from tests.lab.loopback import memory
from tests.lab.paired_directors import make_certificate
from tests.waiting import eventually_async

pytestmark = pytest.mark.timeout(120)
HOSTILE_MEGABYTES = 1024


@pytest.fixture
async def linked(tmp_path: Path) -> AsyncIterator[LinkedDirector]:
    async with LinkedDirector.running(tmp_path) as made:
        yield made


def certificate_of(directory: Path, name: str) -> str:
    return fingerprint(ssl.PEM_cert_to_DER_cert((directory / f"{name}.pem").read_text()))


def brief(event: dict[str, Any]) -> tuple[str, str]:
    return event["refusal"], event["reason"]


async def test_a_hostile_state_is_refused_and_the_next_good_one_is_believed(
    linked: LinkedDirector,
) -> None:
    """Versions, garbage, a gigabyte, control codes, and identities of others."""
    await linked.peer.start()
    await linked.wait_for("pair_peer_reached")
    assert brief(await linked.refusal(state(protocol=ProtocolRange(2, 3)))) == (
        "incompatible",
        "the peer has the versions 2 to 3 of the state, and this director has 1",
    )
    refused = await linked.refusal(body(b'{"name":"lb2\\u001b[2J"}'))
    assert refused["refusal"] == "malformed"
    assert "\x1b" not in refused["reason"]
    assert brief(await linked.refusal(body(b"<html>"))) == (
        "malformed",
        "the state has a fault: JSON is malformed: invalid character (byte 0)",
    )
    web = linked.director.pid("web")
    assert web is not None

    async def send_a_gigabyte(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (HOSTILE_MEGABYTES << 20))
        for _ in range(HOSTILE_MEGABYTES):
            writer.write(b" " * (1 << 20))
            await writer.drain()

    before = memory(web, "VmHWM")
    assert (await linked.refusal(send_a_gigabyte))["refusal"] == "oversized"
    assert memory(web, "VmHWM") - before < 8 * 1024, "KiB"
    assert linked.director.status().verdict is not None
    changes = ("weight_decided", "vrrp_state_changed", "table_repaired", "process_died")
    assert [linked.events(name) for name in changes] == [[], [], [], []]


async def test_a_hostile_configuration_changes_nothing(linked: LinkedDirector) -> None:
    """Garbage, more than a text may have, no text, and control codes on the terminal."""
    await linked.peer.start()
    await linked.wait_for("pair_peer_reached")
    command = ("pair", "diff", "--text", "--socket", f"{linked.directory}/lb1/run/api.sock")

    async def told(content: bytes) -> tuple[int, str]:
        linked.peer.configuration = body(content)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "hadirector", *command),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, output.decode()

    unknown = "hadirector: the configuration of lb2 is not known: "
    fault = "the configuration has a fault: "
    assert await told(b"<html>") == (
        2,
        f"{unknown}{fault}JSON is malformed: invalid character (byte 0)\n",
    )
    long = b'{"text":"%s"}' % (b"x" * (1 << 20))
    assert await told(long) == (2, f"{unknown}the answer has more than 524288 bytes\n")
    assert await told(b'{"reason":"not now"}') == (2, f"{unknown}not now\n")
    status, output = await told(b'{"text":"name: \\u001b[2J"}')
    assert status == 1
    assert "+name: ?[2J\n" in output
    assert linked.events("pair_peer_refused") == []


async def test_an_old_state_and_a_foreign_name_are_refused(linked: LinkedDirector) -> None:
    """A replay, a host restored from a copy, and a peer with our own name."""
    await linked.peer.start()
    await linked.wait_for("pair_peer_reached")
    assert brief(await linked.refusal(state(generation=6))) == (
        "old_generation",
        "the state has the generation 6, after 7; if the host was restored from a copy, restart"
        " hadirector on lb2",
    )
    assert brief(await linked.refusal(state(name="lb1"))) == (
        "own_name",
        "it has the name of this director, lb1; give each director its own name",
    )


async def test_a_wrong_certificate_is_an_event_with_both_fingerprints(
    linked: LinkedDirector, tmp_path: Path
) -> None:
    """Then one that has expired, and at the end the right one."""
    await linked.peer.start("other")
    refused = await linked.wait_for("pair_peer_refused")
    assert (refused["refusal"], refused["expected"], refused["presented"]) == (
        "certificate",
        certificate_of(tmp_path, "lb2"),
        certificate_of(tmp_path, "other"),
    )
    assert linked.peer.requests == 0, "it gets no request before it has proven its identity"
    await linked.peer.stop()
    good = (tmp_path / "lb2.pem").read_text(), (tmp_path / "lb2.key").read_text()
    make_certificate(tmp_path, "lb2", days=-1)
    await linked.peer.start()

    def expired() -> bool:
        latest = linked.events("pair_peer_refused")[-1]
        return "certificate has expired" in latest["reason"]

    (linked.director.file).touch()
    await eventually_async(expired, 40, "the expired certificate")
    await linked.peer.stop()
    for name, content in zip(("lb2.pem", "lb2.key"), good, strict=True):
        (tmp_path / name).write_text(content)
    await linked.peer.start()
    await linked.wait_for("pair_peer_reached")


async def test_a_peer_that_does_not_list_this_director_is_named(linked: LinkedDirector) -> None:
    await linked.peer.start(trusted="other")
    refused = await linked.wait_for("pair_peer_refused")
    assert refused["refusal"] == "not_accepted"
    assert refused["reason"].endswith(
        "closes new connections at once: its file does not list this director with the address"
        f" {OWN_ADDRESS} and this certificate"
    )


async def closes(address: str, port: int, content: bytes = b"") -> bytes:
    """Connect from an address and send this; return what arrives until the other side closes."""
    reader, writer = await asyncio.open_connection(OWN_ADDRESS, port, local_addr=(address, 0))
    writer.write(content)
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_strangers_and_half_open_handshakes_are_closed(linked: LinkedDirector) -> None:
    """A port scanner, a peer that says nothing, one that is not TLS, and a flood of handshakes."""
    await linked.peer.start()
    await linked.wait_for("pair_peer_reached")
    await eventually_async(lambda: is_open(linked.port), 10, "the port is open")
    for _ in range(20):
        assert await closes("127.0.0.1", linked.port, b"GET / HTTP/1.0\r\n\r\n") == b""
    [stranger] = linked.events("pair_client_refused")
    assert (stranger["address"], stranger["reason"], stranger["count"]) == (
        "127.0.0.1",
        "it is not the address of a peer",
        1,
    )
    silent = asyncio.create_task(closes(PEER_ADDRESS, linked.port))
    assert b"HTTP" not in await closes(PEER_ADDRESS, linked.port, b"GET / HTTP/1.0\r\n\r\n")
    assert await silent == b""
    for _ in range(12):
        await closes(PEER_ADDRESS, linked.port, b"GET / HTTP/1.0\r\n\r\n")
    assert linked.events("pair_client_refused")[1]["reason"].startswith("the TLS handshake failed")
    assert len(linked.events("pair_client_refused")) == 2, "one event per address in a minute"
    assert linked.events("pair_peer_lost") == []


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((OWN_ADDRESS, port)) == 0
