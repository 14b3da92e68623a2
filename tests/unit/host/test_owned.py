"""The state that a director stores for its next start, when it cannot be stored."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog

from hadirector import storage
from hadirector.host import owned
from hadirector.host.owned import Memory, Owned, load
from hadirector.host.sysctl.rules import SavedValue
from hadirector.model.handover import Handover
from hadirector.model.ipvs import Protocol, ServiceKey

WEB = ServiceKey(Protocol.TCP, "192.0.2.10", 80)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "owned.json"


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the file system is full; a test changes the one item."""
    state = [True]
    store = storage.store

    def store_if_there_is_room(path: Path, content: Owned) -> None:
        if state[0]:
            raise OSError(28, "No space left on device")
        store(path, content)

    monkeypatch.setattr(owned, "store", store_if_there_is_room)
    return state


def test_kernel_state_that_cannot_be_stored_is_remembered_and_stored_later(
    file: Path, full: list[bool]
) -> None:
    memory = Memory(file)
    with structlog.testing.capture_logs() as lines:
        memory.remember_services(frozenset({WEB}))
        memory.remember_sysctls({"net/ipv4/ip_forward": SavedValue("0", "1")})
        [warning] = memory.warnings
        assert warning.startswith(f"{file} cannot be written (No space left on device): ")
        assert memory.owned.services == (WEB,)
        assert not file.exists()
        full[0] = False
        memory.store()
    assert memory.warnings == ()
    assert load(file) == memory.owned
    assert load(file).sysctls == {"net/ipv4/ip_forward": SavedValue("0", "1")}
    assert [line["event"] for line in lines] == ["owned_state_not_stored", "owned_state_stored"]


def test_an_order_that_cannot_be_stored_is_refused(file: Path, full: list[bool]) -> None:
    """An operator must not rely on a handover that ends with the process."""
    memory = Memory(file)
    with pytest.raises(OSError, match="No space left"):
        memory.remember_handovers({"web": Handover("unix:ann")})
    assert memory.owned.yielding == ()
    assert memory.warnings == ()
