"""The files that make the program a service, with their content."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Final

from hadirector.installation.signature import sign

UNIT_NAME: Final = "hadirector.service"
UNIT: Final = f"etc/systemd/system/{UNIT_NAME}"
USER: Final = "etc/sysusers.d/hadirector.conf"
NEEDRESTART: Final = "etc/needrestart/conf.d/hadirector.conf"
COMPLETIONS: Final = {
    "bash": "usr/local/share/bash-completion/completions/hadirector",
    "zsh": "usr/local/share/zsh/site-functions/_hadirector",
    "fish": "usr/local/share/fish/vendor_completions.d/hadirector.fish",
}
_FILES: Final = {
    USER: "sysusers.conf",
    "etc/modules-load.d/hadirector.conf": "modules-load.conf",
    NEEDRESTART: "needrestart.conf",
}
PATHS: Final = (UNIT, *_FILES, *COMPLETIONS.values())
"""Every file that an installation may write, relative to the root of the file system."""


def files(program: Path, completions: Mapping[str, str]) -> dict[str, str]:
    """Return the content of each file, by its path relative to the root of the file system.

    ``program`` is the command hadirector. ``completions`` has a script for each shell.
    """
    texts = {UNIT: template(UNIT_NAME).replace("@PROGRAM@", str(program))}
    texts |= {path: template(name) for path, name in _FILES.items()}
    texts |= {path: completions[shell] for shell, path in COMPLETIONS.items()}
    return {path: sign(text) for path, text in texts.items()}


def template(name: str) -> str:
    """Return a file of this package."""
    return (resources.files("hadirector.installation") / "files" / name).read_text("utf-8")
