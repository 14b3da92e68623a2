"""The version of this program, with the commit from which it was made."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hadirector import __version__

PACKAGE: Final = Path(__file__).parents[1]
COMMIT_FILE: Final = "commit"
"""The file in which a package stores its commit."""
HASH_LENGTH: Final = 12


def describe(package: Path = PACKAGE) -> str:
    """Return "hadirector VERSION (COMMIT)"; without the commit if it is not known."""
    commit = _packaged_commit(package) or _checked_out_commit(package.parent / ".git")
    return f"hadirector {__version__}" + (f" ({commit})" if commit else "")


def _packaged_commit(package: Path) -> str:
    try:
        return (package / COMMIT_FILE).read_text(encoding="ascii").strip()
    except (OSError, UnicodeError):
        return ""


def _checked_out_commit(repository: Path) -> str:
    """Return the commit that is checked out, or "" (gitrepository-layout(5))."""
    try:
        head = (repository / "HEAD").read_text(encoding="ascii").strip()
        if head.startswith("ref: "):
            head = (repository / head.removeprefix("ref: ")).read_text(encoding="ascii").strip()
    except (OSError, UnicodeError):
        return ""
    return head[:HASH_LENGTH]
