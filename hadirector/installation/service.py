"""Installs and removes the service. It never changes a file that it has not written."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from hadirector.installation import systemd
from hadirector.installation.contents import COMPLETIONS, PATHS, UNIT, UNIT_NAME, USER
from hadirector.installation.signature import is_ours
from hadirector.installation.systemd import InstallationError, Run

USER_NAME: Final = "hadirector"
CONFIGURATION: Final = "etc/hadirector"
STATE: Final = "var/lib/hadirector"
PACKAGED_UNITS: Final = (f"usr/lib/systemd/system/{UNIT_NAME}", f"lib/systemd/system/{UNIT_NAME}")
_SHARED: Final = Path("usr/local/share")
_SIZE_MAX: Final = 65536


class Service:
    """The service in the file system at ``root``. ``run`` performs commands of the host."""

    def __init__(self, root: Path = Path("/"), run: Run = systemd.run) -> None:
        self._root = root
        self._run = run

    def install(self, files: Mapping[str, str]) -> Iterator[str]:
        """Write the files, make the user and the directory, and enable the unit.

        ``files`` has the content by path. Yield a line for each step. Raises InstallationError
        before the first change if a file is not ours.
        """
        if faults := [*self.find_faults(files)]:
            raise InstallationError(*faults)
        known = self._user_id() is not None and not self._is_ours(USER)
        for path, content in files.items():
            # A user that another program has made is not removed with the service.
            if path != USER or not known:
                yield f"wrote {self._write(path, content)}"
        if self._user_id() is None:
            self._run(["systemd-sysusers", str(self._root / USER)])
            yield f"made the user {USER_NAME}"
        yield from self._make_directory()
        if systemd.is_running(self._root):
            self._run(["systemctl", "daemon-reload"])
            self._run(["systemctl", "enable", UNIT_NAME])
            yield f"enabled {UNIT_NAME}"

    def remove(self) -> Iterator[str]:
        """Stop the service, and delete exactly what ``install`` has written.

        Yield a line for each step, and for each thing that stays. Raises InstallationError.
        """
        ours = [path for path in PATHS if self._is_ours(path)]
        if UNIT in ours and systemd.is_running(self._root):
            self._run(["systemctl", "disable", "--now", UNIT_NAME])
            yield f"stopped and disabled {UNIT_NAME}"
        for path in ours:
            (self._root / path).unlink()
            yield f"removed {self._root / path}"
            self._remove_empty_directories(path)
        if UNIT in ours and systemd.is_running(self._root):
            self._run(["systemctl", "daemon-reload"])
        for path in PATHS:
            if os.path.lexists(self._root / path):
                yield f"left {self._root / path}, because it was changed or is not ours"
        yield from self._remove_user(made=USER in ours)

    def find_faults(self, files: Mapping[str, str]) -> Iterator[str]:
        """Yield why the files cannot be written: a package has them, or they are not ours."""
        for path in PACKAGED_UNITS:
            if (self._root / path).exists():
                yield f"{self._root / path}: a package has installed the service; remove one"
                return
        for path in files:
            if os.path.lexists(self._root / path) and not self._is_ours(path):
                yield (
                    f"{self._root / path}: it was changed or is not ours; move it away"
                    " (for changes of the unit, use 'systemctl edit hadirector')"
                )

    def _is_ours(self, path: str) -> bool:
        """Return whether a file is there and unchanged. A link is not ours."""
        file = self._root / path
        try:
            if not stat.S_ISREG(file.lstat().st_mode) or file.stat().st_size > _SIZE_MAX:
                return False
            return is_ours(file.read_text("utf-8"))
        except (FileNotFoundError, NotADirectoryError, UnicodeError):
            return False

    def _write(self, path: str, content: str) -> Path:
        """Replace a file in one step."""
        file = self._root / path
        file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        unfinished = file.with_name(f".{file.name}.new")
        unfinished.unlink(missing_ok=True)
        unfinished.write_text(content, encoding="utf-8")
        unfinished.chmod(0o644)
        unfinished.replace(file)
        return file

    def _make_directory(self) -> Iterator[str]:
        """Make the directory of the configuration, where `hadirector apply` replaces files."""
        directory, user = self._root / CONFIGURATION, self._user_id()
        if not directory.exists():
            directory.mkdir(mode=0o755)
            yield f"made {directory}"
        if user is not None:
            os.chown(directory, *user)

    def _remove_empty_directories(self, path: str) -> None:
        """Remove the directories of a completion that are empty now."""
        if path not in COMPLETIONS.values():
            return
        for parent in Path(path).parents:
            directory = self._root / parent
            if parent == _SHARED or any(directory.iterdir()):
                return
            directory.rmdir()

    def _remove_user(self, *, made: bool) -> Iterator[str]:
        """Remove the empty directory of the configuration, and the user if nothing is left."""
        configuration = self._root / CONFIGURATION
        if configuration.is_dir() and not any(configuration.iterdir()):
            configuration.rmdir()
            yield f"removed {configuration}"
        remaining = [
            str(self._root / path)
            for path in (CONFIGURATION, STATE)
            if (self._root / path).exists()
        ]
        if remaining:
            yield f"left {' and '.join(remaining)}, and the user {USER_NAME} that owns files there"
        elif made and self._user_id() is not None:
            self._run(["userdel", USER_NAME])
            yield f"removed the user {USER_NAME}"

    def _user_id(self) -> tuple[int, int] | None:
        """Return the ids of the user and of its group, from the local user database."""
        for line in (self._root / "etc/passwd").read_text("utf-8").splitlines():
            name, _, user, group, *_ = line.split(":")
            if name == USER_NAME:
                return int(user), int(group)
        return None
