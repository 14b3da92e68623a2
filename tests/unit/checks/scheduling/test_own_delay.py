"""Which failures may be the result of a delay of this host."""

from __future__ import annotations

import pytest

from checks.definition.check import CheckDefinition, Timing
from checks.definition.options import AgentProbe, Probe, ScriptProbe, TcpProbe
from checks.definition.result import Reason, Result
from checks.io.attention import inattention
from checks.scheduling.own_delay import discard, may_be_own_delay

TCP, SCRIPT = TcpProbe(), ScriptProbe(script="/bin/true")


def judge(reason: Reason, unattended: float, duration: float = 0.4, probe: Probe = TCP) -> bool:
    """Judge a result of a probe with a timeout of 0.4 s."""
    definition = CheckDefinition(
        identity="web", address="192.0.2.1", port=80, probe=probe, timing=Timing(timeout=0.4)
    )
    return may_be_own_delay(definition, Result(reason, "", duration), unattended)


@pytest.mark.parametrize(("unattended", "own"), [(0.0, False), (0.1, False), (0.11, True)])
def test_a_timeout_is_discarded_if_a_quarter_of_it_was_unattended(
    unattended: float, own: bool
) -> None:
    assert judge(Reason.TIMEOUT, unattended) is own


@pytest.mark.parametrize(("duration", "own"), [(0.41, False), (0.46, True)])
def test_a_timeout_that_is_noticed_late_is_discarded(duration: float, own: bool) -> None:
    assert judge(Reason.TIMEOUT, 0.0, duration) is own


@pytest.mark.parametrize(
    "reason", [Reason.RESET, Reason.PROTOCOL, Reason.TLS, Reason.STATUS, Reason.DOWN]
)
def test_an_answer_is_discarded_only_if_the_server_may_have_lost_its_patience(
    reason: Reason,
) -> None:
    assert not judge(reason, 0.9)
    assert judge(reason, 1.1)


@pytest.mark.parametrize(
    "reason", [Reason.PASSED, Reason.REFUSED, Reason.UNREACHABLE, Reason.LOCAL_ERROR]
)
def test_a_result_that_no_delay_can_cause_counts(reason: Reason) -> None:
    assert not judge(reason, 10.0, 10.0)


def test_the_failure_of_a_script_may_be_a_timeout_inside_the_script() -> None:
    assert judge(Reason.DOWN, 0.11, probe=SCRIPT)
    assert not judge(Reason.DOWN, 0.11, probe=AgentProbe())


def test_a_discarded_result_is_a_local_error_with_its_cause() -> None:
    discarded = discard(Result(Reason.TIMEOUT, "no answer within 1 s while connecting", 1.2), 0.75)
    assert discarded.reason is Reason.LOCAL_ERROR
    assert discarded.detail == (
        "result discarded, because this host did not attend to the probe for 0.75 s"
        " (timeout: no answer within 1 s while connecting)"
    )


@pytest.mark.parametrize(
    ("seconds", "used", "expected"),
    [
        (0.02, 0.02, 0.0),  # the pass used all of its time
        (0.1, 0.02, 0.08),  # 80 ms without the processor
        (0.2, 0.2, 0.15),  # a pass of 200 ms is too long
        (0.02, 0.03, 0.0),  # the clocks do not agree
    ],
)
def test_inattention_is_time_without_the_processor_and_a_pass_that_is_too_long(
    seconds: float, used: float, expected: float
) -> None:
    assert inattention(seconds, used) == pytest.approx(expected)
