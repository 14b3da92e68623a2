"""A director that leaves takes packets until the counters of IPVS stand still."""

from hadirector.announce.hold import HoldState, observe
from hadirector.model.announcement import Hold

HOLD = Hold(quiet=1.0, most=10.0)


def test_the_hold_ends_when_no_packet_came_for_quiet() -> None:
    """The kernel shows a packet up to 2 s later, so the counters must stand still for 3 s."""
    state, reason = observe(HoldState(100.0), HOLD, 5, 100.25)
    state, reason = observe(state, HOLD, 9, 102.0)
    assert reason is None
    state, reason = observe(state, HOLD, 9, 104.9)
    assert reason is None
    assert observe(state, HOLD, 9, 105.0)[1] == "no packet came for 1 s"


def test_the_hold_ends_after_its_longest_time() -> None:
    """With packets, and with counters that cannot be read."""
    for packets in (5, None):
        state, reason = observe(HoldState(100.0), HOLD, packets, 109.9)
        assert reason is None
        reached = observe(state, HOLD, packets and packets + 1, 110.0)[1]
        assert reached == "packets still came after 10 s"


def test_counters_that_cannot_be_read_are_not_quiet() -> None:
    state, _ = observe(HoldState(100.0), HOLD, 5, 100.0)
    state, _ = observe(state, HOLD, None, 102.9)
    assert observe(state, HOLD, 5, 103.1)[1] is None
