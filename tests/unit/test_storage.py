"""The file of owned kernel state, and what happens when it is damaged."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
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


def test_a_missing_file_counts_as_empty(path: Path) -> None:
    assert owned.load(path) == owned.Owned()


def test_stored_content_is_loaded(path: Path) -> None:
    storage.store(path, OWNED)
    assert owned.load(path) == OWNED


def test_the_file_is_readable_json(path: Path) -> None:
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
        "handovers": {},
        "drill": None,
    }


def test_storing_leaves_no_other_file(path: Path) -> None:
    storage.store(path, OWNED)
    storage.store(path, owned.Owned())
    assert [file.name for file in path.parent.iterdir()] == ["owned.json"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "truncated"),
        (b'{"version": 1, "services": [', "truncated"),
        (b'{"version": 1, "services": [{"protocol": "icmp"}]}', "icmp"),
        (b'{"version": 2}', "version 2, expected 1"),
        (b"\xff\xfe", "malformed"),
        (b'{"version": 1, "services": [{"protocol": "\xff"}]}', "utf-8"),
    ],
)
def test_the_error_names_a_damaged_file_and_its_fault(
    path: Path, content: bytes, fault: str
) -> None:
    path.write_bytes(content)
    with pytest.raises(storage.StateError, match=fault) as caught:
        owned.load(path)
    assert str(path) in str(caught.value)


def test_an_unusable_file_is_set_aside(path: Path) -> None:
    path.write_bytes(b"?")
    aside = storage.set_aside(path)
    assert aside.read_bytes() == b"?"
    assert not path.exists()


@pytest.mark.timeout(5)
def test_a_pipe_is_refused_without_waiting_for_a_writer(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(storage.StateError, match="not a regular file"):
        owned.load(path)


def test_a_link_is_refused(path: Path) -> None:
    storage.store(path.with_name("elsewhere.json"), OWNED)
    path.symlink_to(path.with_name("elsewhere.json"))
    with pytest.raises(storage.StateError, match="symbolic links"):
        owned.load(path)


def test_deep_nesting_is_refused(path: Path) -> None:
    path.write_bytes(b'{"version": 1, "unknown": ' + b"[" * 200_000 + b"]" * 200_000 + b"}")
    with pytest.raises(storage.StateError, match="recursion"):
        owned.load(path)


@pytest.mark.parametrize("store", [storage.store, storage.store_durably])
def test_only_the_owner_may_read_a_file(
    path: Path, store: Callable[[Path, owned.Owned], None]
) -> None:
    store(path, OWNED)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_under_the_temporary_name_is_not_followed(path: Path) -> None:
    victim = path.with_name("victim")
    victim.write_text("keep me")
    path.with_suffix(".new").symlink_to(victim)
    storage.store(path, OWNED)
    assert victim.read_text() == "keep me"
    assert owned.load(path) == OWNED
