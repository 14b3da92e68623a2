"""The reconciler of the host looks addresses up at its passes, and not for each status."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadirector.host import preflight
from hadirector.host.owned import Memory
from hadirector.host.reconciler import HostReconciler
from hadirector.model.configuration import UnheldAddress
from tests.builders import a_configuration

TYPO = UnheldAddress(address="10.99.0.110", place="director.yaml:10:14")
OTHER = UnheldAddress(address="10.99.0.120", place="director.yaml:15:14")


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were looked up in the kernel, which has none of them."""
    addresses: list[str] = []

    def is_local(address: str) -> bool:
        addresses.append(address)
        return False

    monkeypatch.setattr(preflight, "is_local", is_local)
    return addresses


async def test_unheld_addresses_are_looked_up_at_the_start_and_for_a_new_configuration(
    tmp_path: Path, looked_up: list[str]
) -> None:
    first = a_configuration(dataplane="dry-run", unheld_addresses=(TYPO,))
    host = HostReconciler(first, Memory(tmp_path / "owned.json"))
    await host.start({})
    assert (host.unheld, host.unheld) == ([TYPO], [TYPO])
    assert looked_up == ["10.99.0.110"]
    await host.configure(a_configuration(dataplane="dry-run", unheld_addresses=(OTHER,)))
    assert host.unheld == [OTHER]
    assert looked_up == ["10.99.0.110", "10.99.0.120"]
