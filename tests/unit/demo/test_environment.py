"""The texts that an environment of the demo produces."""

from __future__ import annotations

from hadirector.demo.loopback import ENVIRONMENT


def test_operations_name_web_servers_and_leave_out_the_service() -> None:
    """So that a line fits into 80 columns."""
    operation = "add destination 127.0.1.12:18081 to tcp 127.0.0.100:18080 (nat, weight 1)"
    assert ENVIRONMENT.shorten(operation) == "add destination web2 (nat, weight 1)"
    operation = "delete destination 127.0.1.11:18081 of tcp 127.0.0.100:18080"
    assert ENVIRONMENT.shorten(operation) == "delete destination web1"
