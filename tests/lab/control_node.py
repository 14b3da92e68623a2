"""A control node of Ansible, with the collection of this tree."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
PROGRAMS: Final = Path(sys.executable).parent
"""The directory of the programs of Ansible."""


class ControlNode:
    """The files of a control node in a directory, and its commands. ``remote`` is the place for
    the files of the managed hosts.
    """

    def __init__(self, directory: Path, inventory: dict[str, Any], remote: str = "") -> None:
        self.directory = directory
        directory.mkdir()
        (directory / "inventory.yaml").write_text(yaml.safe_dump(inventory))
        self._environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(directory / "collections"),
            "ANSIBLE_HOME": str(directory),
            "ANSIBLE_INVENTORY": str(directory / "inventory.yaml"),
            "ANSIBLE_LOCAL_TEMP": str(directory / "control"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_REMOTE_TEMP": remote or str(directory / "remote"),
            "LC_ALL": "C.UTF-8",
        }
        self._install_collection()

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program of Ansible."""
        return subprocess.run(
            [str(PROGRAMS / program), *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120.0,
            check=False,
        )

    def play(self, playbook: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a playbook of the collection."""
        return self.run("ansible-playbook", f"hadirector.director.{playbook}", *arguments)

    def configure(self, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the role with a configuration."""
        file = self.directory / "hadirector.yaml"
        file.write_text(text)
        return self.play("directors", "-e", f"hadirector_configuration={file}", *arguments)

    def _install_collection(self) -> None:
        build = ("collection", "build", str(ROOT / "packaging/ansible"))
        built = self.run("ansible-galaxy", *build, "--output-path", str(self.directory))
        assert built.returncode == 0, built.stdout + built.stderr
        [archive] = self.directory.glob("*.tar.gz")
        path = str(self.directory / "collections")
        installed = self.run("ansible-galaxy", "collection", "install", str(archive), "-p", path)
        assert installed.returncode == 0, installed.stdout + installed.stderr
