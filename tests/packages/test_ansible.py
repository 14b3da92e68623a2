"""The role of the Ansible collection in a clean system: package, configuration and service."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from hadirector.lab.topology import Host
from tests.lab.control_node import ControlNode
from tests.packages.booted_root import boot
from tests.packages.clean_root import CleanRoot
from tests.packages.running import VIRTUAL_ADDRESS

pytestmark = [pytest.mark.package, pytest.mark.timeout(900)]

CONFIGURATION = """\
director: {name: lb1, dataplane: dry-run}
vrrp:
  - {name: web, interface: eth0, virtual_router_id: 51, advert_interval: 100ms,
     virtual_addresses: [192.168.122.22/24]}
"""


def test_the_role_installs_the_package_and_starts_the_service(
    root: CleanRoot, package: Path, director: Host, tmp_path: Path
) -> None:
    """The shell of the managed host is a shell in the clean system."""
    assert root.run("dpkg", "--purge", "hadirector").returncode == 0
    # Ansible writes its files here, and a program in the clean system reads them at the same path.
    place = Path("/var/tmp") / f"ansible-{director.namespace}"
    inside = root.path / place.relative_to("/")
    inside.mkdir()
    place.symlink_to(inside)
    try:
        with boot(root, director, tmp_path / "boot.log") as system:
            shell = tmp_path / "shell"
            shell.write_text(f'#!/bin/sh\nexec {system.entrance} /bin/sh "$@"\n')
            shell.chmod(0o755)
            host = {
                "ansible_connection": "local",
                "ansible_python_interpreter": "/usr/bin/python3",
                "ansible_shell_executable": str(shell),
                "hadirector_package": str(package),
            }
            inventory = {"all": {"children": {"directors": {"hosts": {"lb1": host}}}}}
            control = ControlNode(tmp_path / "ansible", inventory, str(place))
            done = control.configure(CONFIGURATION)
            assert done.returncode == 0, done.stdout + done.stderr
            assert director.holds(VIRTUAL_ADDRESS)
            assert system.run("systemctl", "is-enabled", "hadirector").stdout == "enabled\n"
            again = control.configure(CONFIGURATION)
            assert again.returncode == 0, again.stdout + again.stderr
            assert re.search(r"^lb1 +: ok=\d+ +changed=0 ", again.stdout, re.MULTILINE)
    finally:
        place.unlink()
        shutil.rmtree(inside)
