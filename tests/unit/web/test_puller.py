"""The pace of the requests to a peer."""

import pytest

from hadirector.web.link.puller import rest_after


@pytest.mark.parametrize(
    ("taken", "pause", "expected"),
    [
        pytest.param(0.001, 0.02, 0.02, id="the director takes a report at once"),
        pytest.param(0.0625, 0.02, 0.5625, id="nine times as long as the director took"),
        pytest.param(0.5, 0.02, 1.0, id="no longer than a peer waits for a change"),
        pytest.param(0.5, 4.0, 4.0, id="the pause after failures is longer"),
    ],
)
def test_the_director_takes_reports_in_a_tenth_of_the_time(
    taken: float, pause: float, expected: float
) -> None:
    assert rest_after(taken, pause) == expected
