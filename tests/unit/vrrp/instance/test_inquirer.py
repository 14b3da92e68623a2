"""Which questions an instance answers."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import cast

import pytest

from tests.builders import an_instance
from vrrp.addresses.announcement_listener import AnnouncementListener
from vrrp.instance.instance import Instance
from vrrp.instance.sequence import SequenceNumbers
from vrrp.model.configuration import (
    HmacAuthentication,
    HmacKey,
    InstanceConfiguration,
    Secret,
    Unicast,
)
from vrrp.protocol.authentication import sign
from vrrp.protocol.packet import Address
from vrrp.transport.frames import FrameSocket

PEER, STRANGER = IPv4Address("10.99.0.1"), IPv4Address("10.99.0.9")
QUESTION = bytes.fromhex("3e33000000000000 0102030405060708")
ANSWER = bytes.fromhex("3f33000000000000 0102030405060708")
WEB = an_instance(death_certificate_port=9472)
KEY = Secret(bytes(range(32)))
SIGNED = an_instance(
    death_certificate_port=9472,
    authentication=HmacAuthentication(
        mode="enforce", send_key=7, keys=(HmacKey(7, KEY),), window=5.0
    ),
)


def answer(
    configuration: InstanceConfiguration,
    payload: bytes,
    source: Address = PEER,
    ttl: int = 255,
) -> bytes | None:
    listener = cast("AnnouncementListener", None)
    made = Instance(configuration, lambda _: None, SequenceNumbers(), FrameSocket(), listener)
    return made.inquirer.answer(payload, source, ttl)


async def test_a_question_is_answered_with_its_number() -> None:
    assert answer(WEB, QUESTION) == ANSWER


@pytest.mark.parametrize(
    ("configuration", "payload", "source", "ttl"),
    [
        (an_instance(), QUESTION, PEER, 255),  # without a port
        (WEB, QUESTION, PEER, 254),  # from beyond a router
        (WEB, ANSWER, PEER, 255),
        (WEB, QUESTION + bytes(28), PEER, 255),  # signed, without a key
        (WEB, b"\x3e\x33", PEER, 255),
        (SIGNED, QUESTION, PEER, 255),  # not signed
        (SIGNED, QUESTION + bytes(28), PEER, 255),
        (
            an_instance(death_certificate_port=9472, transport=Unicast(peers=("10.99.0.1",))),
            QUESTION,
            STRANGER,
            255,
        ),
    ],
)
async def test_other_questions_are_not_answered(
    configuration: InstanceConfiguration, payload: bytes, source: Address, ttl: int
) -> None:
    assert answer(configuration, payload, source, ttl) is None


async def test_a_signed_question_has_a_signed_answer() -> None:
    trailer = sign(QUESTION, PEER, 7, KEY, SequenceNumbers().next(5.0))
    found = answer(SIGNED, QUESTION + trailer)
    assert found is not None
    assert (found[:16], len(found)) == (ANSWER, 44)
    assert answer(SIGNED, QUESTION + trailer, STRANGER) is None


async def test_a_unicast_peer_may_be_as_far_away_as_its_advertisements() -> None:
    transport = Unicast(peers=("10.99.0.1",), ttl_min=64)
    routed = an_instance(death_certificate_port=9472, transport=transport)
    assert answer(routed, QUESTION, ttl=64) == ANSWER
    assert answer(routed, QUESTION, ttl=63) is None
