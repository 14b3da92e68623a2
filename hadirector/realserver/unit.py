"""Installs a systemd unit that runs `realserver setup` at every boot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hadirector.runtime.commands import CommandError, run_command

NAME: Final = "hadirector-realserver.service"
FILE: Final = Path("/etc/systemd/system") / NAME
_SECONDS_MAX: Final = 30.0


class UnitError(Exception):
    """The unit cannot be installed or removed. The message has the reason."""


def text(program: Sequence[str], arguments: Sequence[str]) -> str:
    """Return the text of the unit. ``program`` is the command that starts hadirector.

    Raises UnitError for a path with characters that have a meaning in systemd.service(5).
    """
    for word in program:
        if not word.isprintable() or set(word) & set(" \"'\\%$"):
            raise UnitError(f"{word!r}: expected a path without spaces, quotes, \\, % and $")
    command = " ".join((*program, "realserver"))
    return f"""\
[Unit]
Description=Virtual addresses of a real server behind Linux IPVS
After=network.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={command} setup {" ".join(arguments)}
ExecStop={command} undo

[Install]
WantedBy=multi-user.target
"""


def install(content: str) -> None:
    """Write the unit and enable it. Raises UnitError."""
    try:
        FILE.write_text(content)
    except OSError as error:
        raise UnitError(f"{FILE}: {error.strerror}") from error
    _systemctl("daemon-reload")
    _systemctl("enable", NAME)


def remove() -> None:
    """Disable and delete the unit, if it exists. Raises UnitError."""
    if not FILE.exists():
        return
    _systemctl("disable", NAME)
    FILE.unlink(missing_ok=True)
    _systemctl("daemon-reload")


def _systemctl(*arguments: str) -> None:
    try:
        run_command(["systemctl", *arguments], _SECONDS_MAX)
    except CommandError as error:
        raise UnitError(str(error)) from error
