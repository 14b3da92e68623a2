"""Which changes of a source a pool takes. The expected values are worked out by hand."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from hadirector.model.discovery import AdmissionPolicy, Member
from hadirector.sources.admission import NOTHING_ACCEPTED, Accepted, AcceptedMember, admit

POLICY = AdmissionPolicy()  # 50 %, 20 % per minute, no settling, 10 minutes


def members(*last: int) -> list[Member]:
    return [Member(f"192.0.2.{number}", 80) for number in last]


def pool(*last: int) -> Accepted:
    return Accepted(tuple(AcceptedMember(member) for member in members(*last)))


def present(accepted: Accepted) -> list[int]:
    return [
        int(each.member.address.rpartition(".")[2])
        for each in accepted.members
        if each.absent_since is None
    ]


def test_the_first_snapshot_is_taken_whole() -> None:
    admission = admit(NOTHING_ACCEPTED, members(2, 1), POLICY, 100.0, seen_at=100.0)
    assert present(admission.accepted) == [1, 2]
    assert (admission.refusal, admission.waiting) == ("", ())


def test_an_empty_snapshot_is_never_taken() -> None:
    admission = admit(pool(1, 2), [], AdmissionPolicy(minimum=1), 100.0, seen_at=100.0)
    assert admission.accepted == pool(1, 2)
    assert admission.refusal == (
        "the source names 0 members, and at least 1 of 2 are expected (1%)"
    )


def test_a_snapshot_below_the_minimum_is_taken_when_it_is_confirmed() -> None:
    four = pool(1, 2, 3, 4)
    assert admit(four, members(1), POLICY, 100.0, seen_at=100.0).accepted == four
    confirmed = admit(four, members(1), POLICY, 100.0, seen_at=100.0, confirmed=True)
    # 20 % of 4 is less than 1, and 1 is always allowed; the others wait for the pace.
    assert present(confirmed.accepted) == [1, 3, 4]
    assert confirmed.waiting == ("2 members absent, and wait for the pace",)
    assert confirmed.due == 160.0


def test_members_that_return_do_not_raise_the_pace() -> None:
    """Half of ten members may become absent in a minute, also if the first five have returned."""
    policy, everybody = AdmissionPolicy(pace_percent=50), members(*range(1, 11))
    first = admit(pool(*range(1, 11)), everybody[5:], policy, 100.0, seen_at=100.0)
    assert present(first.accepted) == [6, 7, 8, 9, 10]
    back = admit(first.accepted, everybody, policy, 110.0, seen_at=110.0)
    again = admit(back.accepted, everybody[:5], policy, 120.0, seen_at=120.0)
    assert present(again.accepted) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]


def test_members_become_absent_at_the_pace() -> None:
    ten = pool(*range(1, 11))
    first = admit(ten, members(*range(6, 11)), POLICY, 100.0, seen_at=100.0)
    assert present(first.accepted) == [3, 4, 5, 6, 7, 8, 9, 10]
    assert first.accepted.removed_at == (100.0, 100.0)
    assert first.due == 160.0
    early = admit(first.accepted, members(*range(6, 11)), POLICY, 159.0, seen_at=100.0)
    assert present(early.accepted) == [3, 4, 5, 6, 7, 8, 9, 10]
    second = admit(early.accepted, members(*range(6, 11)), POLICY, 160.0, seen_at=100.0)
    assert present(second.accepted) == [4, 5, 6, 7, 8, 9, 10]  # 20 % of 8 is 1


def test_an_absent_member_leaves_when_its_time_is_over_and_its_connections_have_ended() -> None:
    absent = admit(pool(1, 2), members(2), POLICY, 100.0, seen_at=100.0).accepted
    assert [each.absent_since for each in absent.members] == [100.0, None]
    key = ("192.0.2.1", 80)
    early = admit(absent, members(2), POLICY, 699.0, seen_at=100.0, idle={key})
    assert len(early.accepted.members) == 2
    busy = admit(absent, members(2), POLICY, 700.0, seen_at=100.0)
    assert len(busy.accepted.members) == 2
    gone = admit(absent, members(2), POLICY, 700.0, seen_at=100.0, idle={key})
    assert gone.accepted.members == (AcceptedMember(Member("192.0.2.2", 80)),)


def test_an_absent_member_that_returns_serves_again() -> None:
    absent = admit(pool(1, 2), members(2), POLICY, 100.0, seen_at=100.0).accepted
    back = admit(absent, members(1, 2), POLICY, 101.0, seen_at=101.0)
    assert present(back.accepted) == [1, 2]


def test_a_leaving_member_gets_no_new_connections_at_once() -> None:
    leaving = [Member("192.0.2.1", 80, leaving=True), *members(2, 3, 4)]
    admission = admit(pool(1, 2, 3, 4), leaving, POLICY, 100.0, seen_at=100.0)
    assert present(admission.accepted) == [2, 3, 4]
    assert admission.accepted.removed_at == ()  # the source has announced it


def test_a_leaving_member_that_was_never_accepted_does_not_enter() -> None:
    leaving = [Member("192.0.2.9", 80, leaving=True), *members(1)]
    assert present(admit(pool(1), leaving, POLICY, 100.0, seen_at=100.0).accepted) == [1]


def test_new_members_settle_together() -> None:
    policy = AdmissionPolicy(settle=10.0)
    early = admit(pool(1), members(1, 2, 3), policy, 104.0, seen_at=100.0)
    assert present(early.accepted) == [1]
    assert early.waiting == ("2 members settle for 6 s",)
    assert early.due == 110.0
    later = admit(early.accepted, members(1, 2, 3), policy, 110.0, seen_at=100.0)
    assert present(later.accepted) == [1, 2, 3]


def test_a_new_weight_applies_at_once() -> None:
    heavier = [Member("192.0.2.1", 80, weight=5)]
    policy = AdmissionPolicy(settle=10.0)
    admission = admit(pool(1), heavier, policy, 100.0, seen_at=100.0)
    assert admission.accepted.members[0].member.weight == 5


@settings(max_examples=60)
@given(
    st.lists(st.sets(st.integers(1, 40)), min_size=1, max_size=12),
    st.integers(1, 100),
    st.integers(1, 100),
)
def test_no_sequence_of_snapshots_empties_a_pool(
    snapshots: list[set[int]], minimum: int, pace: int
) -> None:
    policy = AdmissionPolicy(minimum=minimum, pace_percent=pace, absent_hold=0.0)
    accepted = pool(*range(1, 41))
    for step, names in enumerate(snapshots):
        now = 100.0 + 61.0 * step
        before = accepted.present
        idle = {each.member.key for each in accepted.members}
        accepted = admit(
            accepted, members(*sorted(names)), policy, now, seen_at=now, idle=idle
        ).accepted
        lost = before - len(set(present(accepted)) & set(range(1, 41)))
        assert accepted.present >= 1
        assert lost <= max(1, before * pace // 100)
