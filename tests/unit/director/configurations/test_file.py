"""Replacing the configuration file: whole or not at all, with its owner, mode and links."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hadirector.director.configurations.file import (
    mark_pending,
    marked_state_directory,
    read_text,
    replace_text,
    unmark_pending,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "hadirector.yaml"
    path.write_bytes(b"old")
    path.chmod(0o640)
    return path


def test_the_mode_and_the_attributes_stay(file: Path) -> None:
    os.setxattr(file, "user.origin", b"git")
    replace_text(file, b"new")
    assert file.read_bytes() == b"new"
    assert file.stat().st_mode & 0o7777 == 0o640
    assert os.getxattr(file, "user.origin") == b"git"
    assert sorted(each.name for each in file.parent.iterdir()) == ["hadirector.yaml"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_the_owner_stays(file: Path) -> None:
    os.chown(file, 12345, 23456)
    replace_text(file, b"new")
    assert (file.stat().st_uid, file.stat().st_gid) == (12345, 23456)


def test_a_symbolic_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "current"
    link.symlink_to(file.name)
    replace_text(link, b"new")
    assert link.is_symlink()
    assert file.read_bytes() == b"new"


def test_a_failure_leaves_the_former_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace_text(file, b"new")
    assert file.read_bytes() == b"old"
    assert [each.name for each in file.parent.iterdir()] == ["hadirector.yaml"]


def test_a_file_that_is_missing_is_made_for_its_owner_only(tmp_path: Path) -> None:
    replace_text(tmp_path / "gone.yaml", b"text")
    assert (tmp_path / "gone.yaml").stat().st_mode & 0o7777 == 0o600


def test_a_pipe_and_a_directory_have_no_text(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert read_text(tmp_path / "pipe") is None
    assert read_text(tmp_path) is None
    assert read_text(tmp_path / "missing") is None


def test_the_mark_names_the_state_directory_until_it_is_removed(file: Path, tmp_path: Path) -> None:
    assert marked_state_directory(file) is None
    mark_pending(file, tmp_path / "state")
    mark_pending(file, tmp_path / "state")
    assert marked_state_directory(file) == tmp_path / "state"
    unmark_pending(file)
    unmark_pending(file)
    assert marked_state_directory(file) is None
