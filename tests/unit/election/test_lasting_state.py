"""A state that must last before it counts."""

from hadirector.election.lasting_state import LastingState


def test_the_first_state_and_a_state_without_a_delay_count_at_once() -> None:
    state = LastingState(0.0, 0.0)
    assert state.observe(up=False, now=1.0)
    assert state.observe(up=True, now=1.0)
    assert not state.observe(up=True, now=2.0)
    assert state.up
    assert state.due is None


def test_a_change_counts_when_it_has_lasted() -> None:
    state = LastingState(5.0, 2.0)
    assert state.observe(up=True, now=10.0)
    assert not state.observe(up=False, now=11.0)
    assert state.due == 13.0
    assert not state.observe(up=False, now=12.9)
    assert state.observe(up=False, now=13.0)
    assert state.due is None
    assert not state.observe(up=True, now=20.0)
    assert state.due == 25.0


def test_a_change_back_cancels_the_change() -> None:
    state = LastingState(5.0, 2.0)
    state.observe(up=True, now=0.0)
    state.observe(up=False, now=1.0)
    assert not state.observe(up=True, now=2.0)
    assert state.due is None
    assert not state.observe(up=False, now=3.5)
    assert state.due == 5.5
    assert state.up
