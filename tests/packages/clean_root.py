"""A minimal Debian system in a directory, and commands in it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

RELEASE: Final = "bookworm"
INCLUDED: Final = "python3,adduser,systemd,libcap2-bin,python3-apt"
"""hadirector depends on the first two, its service on systemd, and its image on libcap2-bin.
Ansible depends on python3-apt.
"""
SECONDS_MAX: Final = 300.0

ENTER: Final = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'
"""A shell script, in a mount namespace of its own, that runs a command in the root ``$0``."""


def make_archive(path: Path) -> None:
    """Make a tar archive with the essential packages, and the packages that hadirector needs."""
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={INCLUDED}"]
    subprocess.run([*command, RELEASE, str(path)], check=True, timeout=SECONDS_MAX)


@dataclass(frozen=True)
class CleanRoot:
    """The system in a directory. Its commands run in mount and process namespaces of their own."""

    path: Path

    @classmethod
    def unpack(cls, archive: Path, path: Path) -> CleanRoot:
        """Make the system from an archive of ``make_archive``."""
        path.mkdir()
        command = ["tar", "--extract", "--preserve-permissions", f"--file={archive}"]
        subprocess.run([*command, f"--directory={path}"], check=True, timeout=SECONDS_MAX)
        return cls(path)

    def install(self, package: Path) -> str:
        """Install a package file with dpkg, and return what it prints."""
        shutil.copy(package, self.path / "tmp/package.deb")
        done = self.run("dpkg", "--install", "/tmp/package.deb")  # in the clean root
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the system."""
        return subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "sh", "-c", ENTER, str(self.path), *command],
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )

    def files(self, *directories: str) -> set[str]:
        """Return the paths of all files and directories below these directories."""
        found = set()
        for directory in directories:
            top = self.path / directory.lstrip("/")
            found |= {str(each.relative_to(self.path)) for each in top.rglob("*")}
        return found
