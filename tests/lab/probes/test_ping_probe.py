"""The ping probe, with and without privilege."""

import subprocess
from pathlib import Path

import pytest

from checks.definition.check import Route
from checks.definition.options import PingProbe
from checks.definition.result import Reason
from checks.probes.ping import _request
from tests.lab.probes.asking import SHORT, ask

PING = PingProbe()

pytestmark = pytest.mark.netns


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def sysctl(name: str, value: str) -> None:
    Path("/proc/sys/net/ipv4", name).write_text(value)


@pytest.mark.parametrize("groups", ["1 0", "0 0"], ids=["raw socket", "ping socket"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_ping_passes_on_an_echo_reply(own_namespace: None, groups: str, address: str) -> None:
    sysctl("ping_group_range", groups)
    result = await ask(0, PING, address)
    assert (result.reason, result.detail) == (Reason.PASSED, "echo reply")


@pytest.mark.parametrize(
    ("route", "address"), [("192.0.2.0/24", "192.0.2.1"), ("2001:db8::/32", "2001:db8::1")]
)
async def test_ping_names_an_unreachable_host(
    own_namespace: None, route: str, address: str
) -> None:
    ip("route", "add", "unreachable", route)
    result = await ask(0, PING, address)
    assert (result.reason, result.detail) == (Reason.UNREACHABLE, "connecting: No route to host")


@pytest.mark.parametrize("groups", ["1 0", "0 0"], ids=["raw socket", "ping socket"])
async def test_ping_times_out_on_a_host_that_does_not_answer(
    own_namespace: None, groups: str
) -> None:
    """A raw socket on loopback also receives the request, which is not a reply."""
    sysctl("ping_group_range", groups)
    sysctl("icmp_echo_ignore_all", "1")
    result = await ask(0, PING, timeout=SHORT)
    assert result.reason is Reason.TIMEOUT
    assert result.detail == "no answer within 0.3 s while waiting for the reply"


async def test_ping_uses_the_interface_of_the_check(own_namespace: None) -> None:
    ip("address", "add", "127.0.0.9/8", "dev", "lo")
    route = Route(source="127.0.0.9", interface="lo", mark=7)
    result = await ask(0, PING, route=route)
    assert result.passed, result


def test_an_echo_request_has_the_bytes_of_the_rfc() -> None:
    """Type 8, code 0, identifier 0, sequence 1. The sum by hand: 0x0800 + 1 + 0x6162."""
    assert _request(2, b"ab") == bytes.fromhex("0800 969c 0000 0001 6162")  # type: ignore[arg-type]  # AF_INET by its number
