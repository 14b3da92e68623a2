"""The bytes of echo requests and their replies."""

from __future__ import annotations

from hadirector.doctor.diagnosis.echo_packet import decode_reply, encode_request
from hadirector.doctor.diagnosis.facts import Echo

TOKEN = bytes(range(16))
REQUEST = bytes.fromhex(
    "4500002c00000000400100000a0000460a000005"  # IPv4: 44 bytes, TTL 64, ICMP, 10.0.0.70 to .5
    "0800bfbe00000001"  # echo request, number 1; the words sum up to 0x4041
    "000102030405060708090a0b0c0d0e0f"
)
REPLY = bytes.fromhex("4500002c00000000400100000a0000050a0000460000c7be00000001") + TOKEN


def test_an_echo_request_has_the_source_address_of_the_client() -> None:
    assert encode_request(Echo("10.0.0.5", "10.0.0.70"), TOKEN) == REQUEST


def test_only_a_reply_with_the_token_counts() -> None:
    assert decode_reply(REPLY, TOKEN) == Echo("10.0.0.5", "10.0.0.70")
    assert decode_reply(REPLY, bytes(16)) is None
    assert decode_reply(REQUEST, TOKEN) is None
    for length in range(len(REPLY)):
        assert decode_reply(REPLY[:length], TOKEN) is None
