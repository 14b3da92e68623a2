"""Rise and fall, against an oracle too simple to be wrong, over every short sequence."""

from itertools import product

import pytest

from checks.definition.result import Verdict
from checks.scheduling.rise_fall import HealthTracker

LENGTH_MAX = 8


def oracle(rise: int, fall: int, adopted: Verdict, outcomes: tuple[bool, ...]) -> Verdict:
    """Reread the whole history for every answer, in the words of the rule."""
    if not outcomes:
        return adopted
    before = oracle(rise, fall, adopted, outcomes[:-1])
    if before is Verdict.UNKNOWN:
        return Verdict.PASSING if outcomes[-1] else Verdict.FAILING
    if len(outcomes) >= fall and not any(outcomes[-fall:]):
        return Verdict.FAILING
    if len(outcomes) >= rise and all(outcomes[-rise:]):
        return Verdict.PASSING
    return before


@pytest.mark.parametrize("adopted", list(Verdict))
@pytest.mark.parametrize("fall", [1, 2, 3])
@pytest.mark.parametrize("rise", [1, 2, 3])
def test_every_short_sequence_is_judged_as_the_oracle_does(
    rise: int, fall: int, adopted: Verdict
) -> None:
    for length in range(LENGTH_MAX + 1):
        for outcomes in product([True, False], repeat=length):
            tracker = HealthTracker(rise, fall, adopted)
            for passed in outcomes:
                tracker.record(passed)
            assert tracker.verdict is oracle(rise, fall, adopted, outcomes), outcomes


@pytest.mark.parametrize(
    ("adopted", "outcomes", "flips"),
    [
        (Verdict.UNKNOWN, "PPP", "+.."),
        (Verdict.UNKNOWN, "FPFPPP", "-...+."),
        (Verdict.PASSING, "FFPFFFF", ".....-."),
        (Verdict.PASSING, "PFPFP", "....."),
        (Verdict.FAILING, "PFPP", "...+"),
    ],
)
def test_record_is_true_exactly_when_the_verdict_flips(
    adopted: Verdict, outcomes: str, flips: str
) -> None:
    """With rise 2 and fall 3; + and - are the flips to passing and to failing."""
    tracker = HealthTracker(2, 3, adopted)
    seen = ""
    for outcome in outcomes:
        flipped = tracker.record(outcome == "P")
        seen += "." if not flipped else "+" if tracker.verdict is Verdict.PASSING else "-"
    assert seen == flips


def test_a_new_server_enters_at_its_first_pass() -> None:
    tracker = HealthTracker(rise=3, fall=3)
    assert tracker.record(True)
    assert tracker.verdict is Verdict.PASSING


@pytest.mark.parametrize(("rise", "fall"), [(0, 1), (1, 0), (-1, 2)])
def test_a_count_below_one_is_our_own_fault(rise: int, fall: int) -> None:
    with pytest.raises(AssertionError):
        HealthTracker(rise, fall)
