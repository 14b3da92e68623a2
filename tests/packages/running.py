"""Runs the installed director with the user and the capabilities of its systemd unit."""

from __future__ import annotations

import configparser
import contextlib
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hadirector.lab.topology import Host
from tests.packages.clean_root import ENTER, CleanRoot
from tests.waiting import eventually

UNIT: Final = Path(__file__).parents[2] / "hadirector/installation/files/hadirector.service"
PROGRAM: Final = "/usr/bin/hadirector"
VIRTUAL_ADDRESS: Final = "192.168.122.22"
STATE: Final = "var/lib/hadirector"


def service() -> configparser.SectionProxy:
    """Return the settings of the unit."""
    unit = configparser.RawConfigParser(strict=False, allow_no_value=True)
    setattr(unit, "optionxform", str)  # noqa: B010  # the names keep their case
    unit.read(UNIT)
    return unit["Service"]


def privileges() -> list[str]:
    """Return the command that gives another command the privileges of the unit (setpriv(1))."""
    names = service()["AmbientCapabilities"].split()
    assert names == service()["CapabilityBoundingSet"].split()
    wanted = ",".join(f"+{name.removeprefix('CAP_').lower()}" for name in names)
    return [
        "setpriv",
        "--reuid=hadirector",
        "--regid=hadirector",
        "--clear-groups",
        "--no-new-privs",
        f"--inh-caps=-all,{wanted}",
        f"--ambient-caps=-all,{wanted}",
        f"--bounding-set=-all,{wanted}",
    ]


@contextlib.contextmanager
def running(
    root: CleanRoot, director: Host, configuration: str, log: Path
) -> Iterator[subprocess.Popen[str]]:
    """Run the command of the unit in the root and in the network of a host.

    Wait until the host has the virtual address. systemd would make the directories.
    """
    (root.path / "etc/hadirector/hadirector.yaml").write_text(configuration)
    for name in ("run/hadirector", STATE):
        (root.path / name).mkdir(exist_ok=True)
    owned = ("/etc/hadirector", "/run/hadirector", f"/{STATE}")
    assert root.run("chown", "-R", "hadirector:hadirector", *owned).returncode == 0
    command = shlex.split(service()["ExecStart"].replace("\\\n", " ").replace("@PROGRAM@", PROGRAM))
    arguments = ["unshare", "--mount", "sh", "-c", ENTER, str(root.path), *privileges(), *command]
    with log.open("w") as output:
        process = director.start(*arguments, output=output)
    try:
        eventually(lambda: director.holds(VIRTUAL_ADDRESS), 30.0, "ACTIVE")
        yield process
    finally:
        director.stop(process)
        shutil.rmtree(root.path / STATE)
        shutil.rmtree(root.path / "run/hadirector")
