"""What survives a restart, and what happens when the file is damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hadirector import storage
from hadirector.host import owned
from hadirector.host.sysctl.rules import SavedValue
from hadirector.model.ipvs import Protocol, ServiceKey, SyncRole, SyncSettings

WEB = ServiceKey(Protocol.TCP, "192.0.2.10", 80)
OWNED = owned.Owned(
    services=(WEB,),
    yielding=("web",),
    sysctls={"net/ipv4/ip_forward": SavedValue("0", "1")},
    sync_threads={
        SyncRole.MASTER: SyncSettings(interface="eth1", id=51, group="224.0.0.81", port=8848, ttl=1)
    },
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "owned.json"


def test_a_missing_file_is_an_empty_one(path: Path) -> None:
    assert owned.load(path) == owned.Owned()


def test_what_was_stored_is_loaded(path: Path) -> None:
    storage.store(path, OWNED)
    assert owned.load(path) == OWNED


def test_the_file_can_be_read_by_a_person(path: Path) -> None:
    storage.store(path, OWNED)
    assert json.loads(path.read_text()) == {
        "version": 1,
        "services": [{"protocol": "tcp", "address": "192.0.2.10", "port": 80}],
        "yielding": ["web"],
        "sysctls": {"net/ipv4/ip_forward": {"was": "0", "ours": "1"}},
        "sync_threads": {
            "master": {
                "interface": "eth1",
                "id": 51,
                "maximum_length": None,
                "group": "224.0.0.81",
                "port": 8848,
                "ttl": 1,
            }
        },
        "masquerade": None,
    }


def test_storing_leaves_nothing_else_behind(path: Path) -> None:
    storage.store(path, OWNED)
    storage.store(path, owned.Owned())
    assert [each.name for each in path.parent.iterdir()] == ["owned.json"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "truncated"),
        (b'{"version": 1, "services": [', "truncated"),
        (b'{"version": 1, "services": [{"protocol": "icmp"}]}', "icmp"),
        (b'{"version": 2}', "version 2, expected 1"),
        (b"\xff\xfe", "malformed"),
        (b'{"version": 1, "services": [{"protocol": "\xff"}]}', "utf-8"),
    ],
)
def test_a_damaged_file_is_named_with_what_is_wrong(
    path: Path, content: bytes, complaint: str
) -> None:
    path.write_bytes(content)
    with pytest.raises(storage.StateError, match=complaint) as caught:
        owned.load(path)
    assert str(path) in str(caught.value)


def test_an_unusable_file_is_kept_for_a_person(path: Path) -> None:
    path.write_bytes(b"?")
    kept = storage.set_aside(path)
    assert kept.read_bytes() == b"?"
    assert not path.exists()
