"""What a drain may promise to the clients of persistence, which the kernel decides for all."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from hadirector.director.requests import KEEPS_NO_CLIENTS, OperatorRequests
from hadirector.host.sysctl import files
from hadirector.model.configuration import VirtualServer
from hadirector.model.ipvs import ForwardingMethod, Protocol, Service, ServiceKey
from hadirector.overrides.model import Action, OverrideRequest

SYSCTL = "net.ipv4.vs.expire_quiescent_template"


def server(persistence: int) -> VirtualServer:
    return VirtualServer(
        name="web",
        keys=(ServiceKey(Protocol.TCP, "192.0.2.10", 80),),
        service=Service("wrr", persistence=persistence),
        forwarding=ForwardingMethod.NAT,
        real_servers=(),
    )


def fault(persistence: int, *, keep_clients: bool) -> str | None:
    order = OverrideRequest(
        name="web/a", action=Action.DRAIN, author="ann", keep_clients=keep_clients
    )
    return OperatorRequests._client_fault(server(persistence), order)


@pytest.mark.parametrize(
    ("found", "keep_clients", "words"),
    [
        ("1", False, None),
        ("0", True, None),
        ("1", True, f"{SYSCTL} is 1, so every client of persistence goes"),
        ("0", False, f"{SYSCTL} is 0, so every client of persistence stays"),
        (None, False, f"{SYSCTL} is missing, so every client of persistence stays"),
    ],
)
def test_a_drain_is_refused_that_the_kernel_would_not_obey(
    monkeypatch: pytest.MonkeyPatch, found: str | None, keep_clients: bool, words: str | None
) -> None:
    """The templates of clients expire with a weight of 0, or do not, by one sysctl."""

    def read(names: Iterable[str]) -> dict[str, str | None]:
        assert list(names) == [KEEPS_NO_CLIENTS]
        return {KEEPS_NO_CLIENTS: found}

    monkeypatch.setattr(files, "read", read)
    said = fault(300, keep_clients=keep_clients)
    assert said is None if words is None else (said or "").startswith(words)


def test_without_persistence_there_are_no_clients_to_keep() -> None:
    assert fault(0, keep_clients=True) == "web has no persistence that could keep clients"
