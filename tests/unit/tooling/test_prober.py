"""How the benchmarks' prober counts, and what it puts on the wire."""

from __future__ import annotations

import pytest

from tests.lab.prober import answered_number, echo_request, lost_seconds


def test_an_unanswered_request_stands_for_the_time_to_the_next() -> None:
    assert lost_seconds([0.0, 0.001, 0.002, 0.0035], answered={0, 3}) == pytest.approx(0.0025)


def test_a_gap_of_the_prober_itself_is_not_lost_time() -> None:
    """Above 2 ms between two requests nothing was asked, so nothing was lost."""
    assert lost_seconds([0.0, 0.001, 0.101, 0.102], answered={0, 2, 3}) == pytest.approx(0.001)


def test_the_last_request_stands_for_one_interval() -> None:
    assert lost_seconds([0.0, 0.001], answered={0}) == pytest.approx(0.001)


def test_nothing_is_lost_when_everything_is_answered() -> None:
    assert lost_seconds([0.0, 0.5], answered={0, 1}) == 0.0


def test_an_echo_request_has_the_form_of_rfc_792() -> None:
    """Type 8, code 0, checksum over all 16 bytes, identifier, sequence, the number as data."""
    assert echo_request(0x1234, 5).hex() == "0800e5c1123400050000000000000005"


def test_a_reply_names_the_request_it_answers() -> None:
    header = bytes.fromhex("4500002400004000400100000a6300640a630046")
    reply = header + bytes.fromhex("0000edc1123400050000000000000005")
    assert answered_number(reply, 0x1234) == 5


@pytest.mark.parametrize(
    "icmp",
    ["0800e5c1123400050000000000000005", "0000edc1999900050000000000000005", "0000edc1"],
    ids=["a request", "another's reply", "cut short"],
)
def test_what_is_no_reply_to_us_answers_nothing(icmp: str) -> None:
    header = bytes.fromhex("4500002400004000400100000a6300640a630046")
    assert answered_number(header + bytes.fromhex(icmp), 0x1234) is None
