"""Whether a drain can keep persistent clients, which one sysctl decides for all services."""

from __future__ import annotations

import pytest

from hadirector.model.configuration import VirtualServer
from hadirector.model.ipvs import Service
from hadirector.overrides.model import Action, OverrideRequest, persistence_fault
from tests.builders import a_virtual_server

SYSCTL = "net.ipv4.vs.expire_quiescent_template"


def server(persistence: int) -> VirtualServer:
    return a_virtual_server(service=Service("wrr", persistence=persistence))


def fault(persistence: int, keep_clients: bool | None, value: str | None) -> str | None:
    request = OverrideRequest(action=Action.DRAIN, keep_clients=keep_clients)
    return persistence_fault(server(persistence), request, SYSCTL, value)


@pytest.mark.parametrize(
    ("value", "keep_clients", "expected"),
    [
        ("1", False, None),
        ("0", True, None),
        ("1", True, f"{SYSCTL} is 1, so every persistent client leaves a draining server"),
        ("0", False, f"{SYSCTL} is 0, so every persistent client stays on a draining server"),
        (
            None,
            False,
            f"{SYSCTL} is missing, so every persistent client stays on a draining server",
        ),
    ],
)
def test_a_drain_that_the_kernel_would_not_follow_is_refused(
    value: str | None, keep_clients: bool, expected: str | None
) -> None:
    """With weight 0 the templates of persistent clients expire or not, by one sysctl."""
    remedy = "; to set it yourself, name it in sysctls.leave"
    assert fault(300, keep_clients, value) == (None if expected is None else expected + remedy)


def test_a_virtual_server_without_persistence_has_no_clients_to_keep() -> None:
    expected = "web has no persistence, so it has no persistent clients"
    assert fault(0, True, "1") == expected


def test_a_drain_that_leaves_it_to_the_kernel_is_never_refused() -> None:
    assert fault(0, None, "1") is None
    assert fault(300, None, "1") is None
