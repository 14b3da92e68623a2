"""The version names the commit that the program was made from."""

from __future__ import annotations

from pathlib import Path

from hadirector.runtime.version import describe

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_a_package_names_its_commit(tmp_path: Path) -> None:
    (tmp_path / "commit").write_text("0123456789ab with changes\n")
    assert describe(tmp_path).endswith(" (0123456789ab with changes)")


def test_a_checkout_names_the_commit_of_its_branch(tmp_path: Path) -> None:
    (tmp_path / ".git/refs/heads").mkdir(parents=True)
    (tmp_path / ".git/HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / ".git/refs/heads/main").write_text(f"{COMMIT}\n")
    assert describe(tmp_path / "hadirector").endswith(" (0123456789ab)")


def test_a_checkout_may_be_of_no_branch(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/HEAD").write_text(f"{COMMIT}\n")
    assert describe(tmp_path / "hadirector").endswith(" (0123456789ab)")


def test_a_program_may_have_no_commit(tmp_path: Path) -> None:
    assert "(" not in describe(tmp_path / "hadirector")
