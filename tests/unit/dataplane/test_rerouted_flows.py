"""The flows that a router moves. tests/lab/test_rerouted_flows.py compares them with the kernel."""

from __future__ import annotations

import pytest

from hadirector.dataplane.rerouted_flows import broken_shares, threshold_rerouted_share


@pytest.mark.parametrize(
    ("directors", "position", "share"),
    [
        (2, 0, 1 / 2),
        (2, 1, 1 / 2),
        (3, 1, 1 / 3),
        (4, 1, 1 / 3),
        (4, 2, 1 / 3),
        (8, 4, 2 / 7),
        (16, 8, 4 / 15),
        (4, 0, 1 / 2),
        (16, 15, 1 / 2),
    ],
)
def test_hash_threshold_moves_flows_of_other_directors_too(
    directors: int, position: int, share: float
) -> None:
    """Linux 6.18 moved 48, 32, 28 and 26 % for the middle one of 2, 4, 8 and 16 directors.

    By hand for 4 directors without the second, in twelfths: the first one has [0, 3), then [0, 4),
    so 3 stay. The third one has [6, 9), then [4, 8), so 2 stay. The last one keeps [9, 12): 3.
    """
    assert threshold_rerouted_share(directors, position) == pytest.approx(share)


def test_a_flow_breaks_if_both_hashes_have_changed() -> None:
    """4.2 % of the flows have another real server, and 1/4 to 1/2 have another director."""
    broken = broken_shares(0.042, 4)
    assert broken == pytest.approx((0.0105, 0.014, 0.021))
    assert broken_shares(0.0, 16) == (0, 0, 0)
