"""The kernel errors that are a refusal of the asked host. The control messages were recorded."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from vrrp.transport.inquiry import is_refusal

IP, IP_RECVERR, IPV6, IPV6_RECVERR = 0, 11, 41, 25
OURS, OTHER = IPv4Address("10.99.0.1"), IPv4Address("10.99.0.9")
OURS_6 = IPv6Address("fe80::1")


def recorded(icmp: str, offender: str) -> list[tuple[int, int, bytes]]:
    """Return the error of a socket: ECONNREFUSED, or EHOSTUNREACH for another code."""
    text = f"6f000000 {icmp} 00000000 00000000 02000000 {offender} 00000000 00000000"
    return [(IP, IP_RECVERR, bytes.fromhex(text))]


def test_port_unreachable_from_the_asked_host_is_a_refusal() -> None:
    assert is_refusal(recorded("02030300", "0a630001"), OURS)


@pytest.mark.parametrize(
    ("icmp", "offender"),
    [
        ("02030300", "0a630009"),  # a firewall on the way
        ("02030100", "0a630001"),  # host unreachable
        ("02030a00", "0a630001"),  # administratively prohibited
        ("02030d00", "0a630001"),
        ("010303 00", "0a630001"),  # an error of this host
        ("02050300", "0a630001"),  # redirect
    ],
)
def test_other_errors_are_no_refusal(icmp: str, offender: str) -> None:
    assert not is_refusal(recorded(icmp, offender), OURS)


def test_an_error_without_its_sender_is_no_refusal() -> None:
    [(level, kind, data)] = recorded("02030300", "0a630001")
    assert not is_refusal([(level, kind, data[:20])], OURS)
    assert not is_refusal([], OURS)


def test_port_unreachable_over_ipv6() -> None:
    def error(icmp: str) -> list[tuple[int, int, bytes]]:
        text = f"6f000000 {icmp} 00000000 00000000 0a000000 00000000 {OURS_6.packed.hex()} 02000000"
        return [(IPV6, IPV6_RECVERR, bytes.fromhex(text))]

    assert is_refusal(error("03010400"), OURS_6)
    assert not is_refusal(error("03010300"), OURS_6)
    assert not is_refusal(error("03010400"), IPv6Address("fe80::2"))
