"""A clean root whose systemd runs, in the network of a host of the lab."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hadirector.lab.topology import Host
from tests.packages.clean_root import CleanRoot
from tests.waiting import eventually

BOOT: Final = Path(__file__).with_name("boot.sh")
CGROUPS: Final = Path("/sys/fs/cgroup")
SECONDS_MAX: Final = 60.0
PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin"


class BootedRoot:
    """Runs commands beside the systemd with this process id."""

    def __init__(self, pid: int) -> None:
        self._enter = ["nsenter", f"--target={pid}", "--all", "--root", "--wd"]

    @property
    def entrance(self) -> str:
        """The beginning of a command of a shell that runs in the system."""
        return f"env --ignore-environment PATH={PATH} {' '.join(self._enter)}"

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the system."""
        return subprocess.run(
            [*self._enter, *command],
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
            env={"PATH": PATH, "SYSTEMD_PAGER": "", "NO_COLOR": "1"},
        )

    def is_up(self) -> bool:
        """Return whether systemd has reached its target."""
        state = self.run("systemctl", "is-system-running").stdout.strip()
        return state in ("running", "degraded")


@contextlib.contextmanager
def boot(root: CleanRoot, host: Host, log: Path) -> Iterator[BootedRoot]:
    """Boot the system in the network of the host, and remove all of it afterwards."""
    name = f"hadirector-test-{os.getpid()}"
    with log.open("w") as output:
        process = host.start(str(BOOT), str(root.path), name, "outside", output=output)
    try:
        eventually(lambda: bool(_children(process.pid)), 10.0, "the namespaces")
        [systemd] = _children(process.pid)
        booted = BootedRoot(systemd)
        eventually(booted.is_up, 60.0, "systemd")
        yield booted
    finally:
        process.kill()
        process.wait()
        made = [each / name for each in (CGROUPS, *CGROUPS.iterdir())]
        eventually(lambda: all(map(_remove, made)), 10.0, "the end of all processes")


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(each) for each in listed.read_text().split()] if listed.exists() else []


def _remove(cgroup: Path) -> bool:
    """Remove a cgroup with all below it. Return False if it has processes."""
    try:
        for directory, _, _ in os.walk(cgroup, topdown=False):
            os.rmdir(directory)
    except OSError:
        return False
    return True
