"""What the demo makes of a place to play."""

from __future__ import annotations

from hadirector.demo.loopback import STAGE


def test_the_timeline_calls_web_servers_by_name() -> None:
    """So that a line fits into 80 columns."""
    said = "add destination 127.0.1.12:18081 to tcp 127.0.0.100:18080 (nat, weight 1)"
    assert STAGE.in_names(said) == "add destination web2 (nat, weight 1)"
    said = "delete destination 127.0.1.11:18081 of tcp 127.0.0.100:18080"
    assert STAGE.in_names(said) == "delete destination web1"
