"""The fuzzer of `make soak`: it reaches everything, finds what is there, and can be repeated."""

from __future__ import annotations

from collections import Counter

import pytest

from checks.definition.result import Reason
from tests.soak.channels import every_direction
from tests.soak.configurations import Configurations
from tests.soak.fuzz import Target, fuzz, plan
from tests.soak.packets import every_kind
from tests.soak.replies import every_reply
from vrrp.protocol.packet import DropReason

NOT_REACHED = {
    DropReason.NOT_A_PEER,  # needs a list of peers, as does the next
    DropReason.PEER_TTL,
    DropReason.NOT_TAKING_PART,  # needs an instance that does not listen
    DropReason.HMAC_UNEXPECTED,  # needs a message with a trailer for an instance without auth_hmac
}


class Fragile:
    """A reader with a bug: it cannot read input that begins with a zero."""

    name = "fragile"
    samples = (b"abc", b"def")

    def take(self, data: bytes) -> str:
        return f"{1 // data[0]}" if data else "nothing"

    def mend(self, data: bytes) -> bytes:
        return data


def test_packets_are_accepted_or_dropped_for_every_reason_there_is() -> None:
    """20,000 of them; none is not understood."""
    words: Counter[str] = Counter()
    for target in every_kind():
        counted, bug = fuzz(target, "unit", 3000)
        assert bug == ""
        words += counted
    assert set(words) == {"accepted", *DropReason} - NOT_REACHED


@pytest.mark.parametrize("target", every_reply(), ids=lambda target: target.name)
def test_replies_are_understood_or_not_what_they_should_be(target: Target) -> None:
    words, bug = fuzz(target, "unit", 300)
    assert bug == ""
    assert {"understood", Reason.PROTOCOL} <= set(words)


@pytest.mark.parametrize("target", every_direction(), ids=lambda target: target.name)
def test_channel_messages_are_understood_or_refused(target: Target) -> None:
    words, bug = fuzz(target, "unit", 150)
    assert bug == ""
    assert {"understood", "refused", "nothing"} == set(words)


def test_configurations_are_accepted_or_refused() -> None:
    words, bug = fuzz(Configurations(), "unit", 60)
    assert bug == ""
    assert {"accepted", "refused"} == set(words)


def test_a_bug_is_found_and_told_with_the_bytes_that_show_it() -> None:
    _, bug = fuzz(Fragile(), "7/0", 10_000)
    assert bug.startswith("fragile, seed 7/0, input ")
    assert "ZeroDivisionError" in bug
    assert ": 00" in bug.splitlines()[0]


def test_the_same_seed_finds_the_same() -> None:
    assert fuzz(Fragile(), "7/0", 10_000) == fuzz(Fragile(), "7/0", 10_000)
    assert fuzz(Fragile(), "7/0", 10_000) != fuzz(Fragile(), "8/0", 10_000)


def test_the_inputs_are_shared_out_among_all() -> None:
    """Of 10 million, 1,428,571 for each of the seven kinds of packets."""
    chunks = plan(10_000_000, 1)
    counts: Counter[tuple[int, int]] = Counter()
    for chunk in chunks:
        counts[chunk.kind, chunk.target] += chunk.inputs
    assert [counts[0, target] for target in range(7)] == [1_428_571] * 7
    assert [counts[1, target] for target in range(5)] == [200_000] * 5
    assert [counts[2, target] for target in range(9)] == [111_111] * 9
    assert [counts[3, target] for target in range(4)] == [25_000] * 4
    assert counts[4, 0] == 5000
