"""The bytes of questions and answers of death certificates."""

from __future__ import annotations

import pytest

from vrrp.protocol.inquiry import (
    ANSWER,
    QUESTION,
    Inquiry,
    decode_inquiry,
    encode_inquiry,
    split_inquiry,
)

QUESTION_51 = bytes.fromhex("3e33000000000000 0102030405060708")
ANSWER_51 = bytes.fromhex("3f33000000000000 0102030405060708")
NUMBER = 0x0102030405060708


def test_a_question_and_an_answer_have_sixteen_bytes() -> None:
    assert encode_inquiry(Inquiry(QUESTION, 3, 51, NUMBER)) == QUESTION_51
    assert encode_inquiry(Inquiry(ANSWER, 3, 51, NUMBER)) == ANSWER_51
    assert decode_inquiry(QUESTION_51) == Inquiry(QUESTION, 3, 51, NUMBER)


def test_a_trailer_of_28_bytes_may_follow() -> None:
    trailer = bytes(range(28))
    assert decode_inquiry(ANSWER_51 + trailer) == Inquiry(ANSWER, 3, 51, NUMBER)
    assert split_inquiry(ANSWER_51 + trailer) == (ANSWER_51, trailer)
    assert split_inquiry(ANSWER_51) == (ANSWER_51, b"")


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        QUESTION_51[:15],
        QUESTION_51 + b"\0",
        QUESTION_51 + bytes(27),
        QUESTION_51 + bytes(29),
        bytes.fromhex("3133000000000000 0102030405060708"),  # the type of an advertisement
        bytes.fromhex("3e33000000010000 0102030405060708"),
        bytes.fromhex("3e33000000000001 0102030405060708"),
    ],
)
def test_other_bytes_are_not_a_message(payload: bytes) -> None:
    assert decode_inquiry(payload) is None
