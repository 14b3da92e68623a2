"""Faults of requests, each with its place and a suggestion."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import pytest

from hadirector.api.decoding import decode_body, decode_query
from hadirector.api.problems import Code, Fault, ProblemError


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    reason: str
    weight: Annotated[int, msgspec.Meta(ge=0)] = 0


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    reason: str = ""
    orders: list[Inner] = []


class Query(msgspec.Struct, forbid_unknown_fields=True):
    after: Annotated[int, msgspec.Meta(ge=0)] = 0
    state: Literal["ok"] | None = None


def refusal(content: bytes) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        decode_body(content, Outer)
    assert caught.value.code is Code.MALFORMED
    return caught.value


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (
            b'{"reason": 3}',
            Fault("expected `str`, got `int`", pointer="/reason", expected="str"),
        ),
        (
            b'{"resaon": "x"}',
            Fault(
                "unknown key resaon, did you mean reason?", pointer="/resaon", suggestion="reason"
            ),
        ),
        (
            b'{"orders": [{"reason": "x"}, {"reason": "x", "weight": -1}]}',
            Fault(
                "expected `int` >= 0",
                pointer="/orders/1/weight",
                expected="int >= 0",
            ),
        ),
        (b'{"orders": [{}]}', Fault("the key reason is missing", pointer="/orders/0/reason")),
        (b"[]", Fault("expected `object`, got `array`", expected="object")),
    ],
)
def test_a_fault_has_its_place(content: bytes, fault: Fault) -> None:
    assert refusal(content).errors == (fault,)


@pytest.mark.parametrize("content", [b"", b"{", b'{"reason":"\xff"}', b"{}{}"])
def test_a_body_that_is_not_json_is_refused(content: bytes) -> None:
    assert refusal(content).detail.startswith("the body is not JSON: ")


def test_a_detail_is_short_however_long_the_request_is() -> None:
    assert len(refusal(b'{"' + b"x" * 60_000 + b'": 1}').detail) == 1000


@pytest.mark.parametrize(
    ("pairs", "fault"),
    [
        ([("after", "-1")], Fault("expected `int` >= 0", parameter="after", expected="int >= 0")),
        (
            [("aftr", "1")],
            Fault("unknown key aftr, did you mean after?", parameter="aftr", suggestion="after"),
        ),
        (
            [("after", "1"), ("after", "2")],
            Fault("the parameter after occurs more than once", parameter="after"),
        ),
    ],
)
def test_a_faulty_parameter_is_named(pairs: list[tuple[str, str]], fault: Fault) -> None:
    with pytest.raises(ProblemError) as caught:
        decode_query(pairs, Query)
    assert caught.value.errors == (fault,)


def test_a_whole_number_may_be_written_as_a_float() -> None:
    """Both are integers for JSON Schema."""
    decoded = decode_body(b'{"orders": [{"reason": "x", "weight": 3.0}]}', Outer)
    assert decoded.orders == [Inner(reason="x", weight=3)]
    assert refusal(b'{"orders": [{"reason": "x", "weight": 3.5}]}').errors[0].expected == "int"


def test_null_is_no_value_of_a_parameter() -> None:
    with pytest.raises(ProblemError, match="the parameter state has no value"):
        decode_query([("state", "null")], Query)
    assert decode_query([("state", "ok")], Query).state == "ok"


def test_a_query_is_converted() -> None:
    assert decode_query([("after", "7")], Query) == Query(after=7)
