"""Unpacks an OCI image layout, and runs it with crun(1) as docker and podman do."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from hadirector.lab.topology import Host

CAPABILITIES: Final = ["CAP_NET_ADMIN", "CAP_NET_RAW"]


class Privileges(NamedTuple):
    """How a runtime starts a process: its sets of capabilities, its user, and no-new-privileges."""

    sets: tuple[str, ...]
    user: int = 990
    fixed: bool = False


DOCKER: Final = Privileges(("bounding",))
"""docker --cap-drop ALL --cap-add NET_ADMIN --cap-add NET_RAW, for the user of the image."""
PODMAN: Final = Privileges(
    ("bounding", "permitted", "effective", "inheritable", "ambient"), fixed=True
)
"""podman with the same options and no-new-privileges."""
ROOT: Final = Privileges(("bounding", "permitted", "effective"), user=0, fixed=True)
"""docker and podman with the same options, for the user 0."""

WITHOUT_CGROUPS: Final = 'mount -t tmpfs none /sys/fs/cgroup && exec "$0" "$@"'
"""A shell script that runs crun on a host whose cgroups it does not support."""


def read_layout(layout: Path) -> tuple[dict[str, Any], Path]:
    """Verify every digest and size of a layout. Return the image's configuration and its layer."""
    assert json.loads((layout / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    [described] = json.loads((layout / "index.json").read_text())["manifests"]
    manifest = json.loads(_read_blob(layout, described).read_text())
    image = json.loads(_read_blob(layout, manifest["config"]).read_text())
    [layer] = [_read_blob(layout, each) for each in manifest["layers"]]
    with gzip.open(layer) as unpacked:
        digest = hashlib.file_digest(unpacked, "sha256").hexdigest()
    assert image["rootfs"]["diff_ids"] == [f"sha256:{digest}"]
    return image["config"], layer


def _read_blob(layout: Path, described: Mapping[str, Any]) -> Path:
    algorithm, digest = str(described["digest"]).split(":")
    blob = layout / "blobs" / algorithm / digest
    with blob.open("rb") as opened:
        assert hashlib.file_digest(opened, "sha256").hexdigest() == digest
    assert blob.stat().st_size == described["size"]
    return blob


class Container:
    """An image, unpacked in a directory, and its processes in the network of a host."""

    def __init__(self, directory: Path, layout: Path) -> None:
        self.config, layer = read_layout(layout)
        self._directory = directory
        root = self.root = directory / "rootfs"
        root.mkdir()
        unpack = ["tar", "-xpzf", str(layer), "--xattrs", "--xattrs-include=security.capability"]
        subprocess.run([*unpack, "-C", str(root)], check=True, timeout=300)
        (root / ".dockerenv").touch()  # as docker does
        self._crun = ["crun", "--root", str(directory / "state"), "--cgroup-manager=disabled"]
        self._name = f"hadirector-test-{os.getpid()}"

    @contextlib.contextmanager
    def running(
        self,
        host: Host,
        configuration: str,
        log: Path,
        privileges: Privileges = DOCKER,
    ) -> Iterator[subprocess.Popen[str]]:
        """Run the command of the image until the end of the block. The root is read-only."""
        settings = self._directory / "etc"
        settings.mkdir(exist_ok=True)
        (settings / "hadirector.yaml").write_text(configuration)
        (self._directory / "config.json").write_text(json.dumps(self._bundle(privileges)))
        run = [*self._crun, "run", "--bundle", str(self._directory), self._name]
        with log.open("w") as output:
            process = host.start(
                "unshare", "--mount", "sh", "-c", WITHOUT_CGROUPS, *run, output=output
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                self._control("delete", "--force", self._name)
                process.wait(30.0)
            shutil.rmtree(self._directory / "volumes")

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the container, as the user of the image."""
        return self._control("exec", "--user", self.config["User"], self._name, *command)

    def stop(self) -> None:
        """Send the stop signal of the image to its process, as `docker stop` does."""
        done = self._control("kill", self._name, self.config["StopSignal"])
        assert done.returncode == 0, done.stderr

    def pid(self) -> int:
        """Return the process id of the image's process, outside of the container."""
        return int(json.loads(self._control("state", self._name).stdout)["pid"])

    def _control(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["unshare", "--mount", "sh", "-c", WITHOUT_CGROUPS, *self._crun, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def _bundle(self, privileges: Privileges) -> dict[str, object]:
        """Return the config.json that the runtime would make (OCI runtime specification)."""
        user = privileges.user
        return {
            "ociVersion": "1.0.0",
            "process": {
                "user": {"uid": user, "gid": user},
                "args": [*self.config["Entrypoint"], *self.config["Cmd"]],
                "env": self.config["Env"],
                "cwd": "/",
                "capabilities": dict.fromkeys(privileges.sets, CAPABILITIES),
                "noNewPrivileges": privileges.fixed,
            },
            "root": {"path": "rootfs", "readonly": True},
            "mounts": [*_system_mounts(), *self._volumes(user)],
            "linux": {
                "namespaces": [{"type": each} for each in ("pid", "mount", "ipc", "uts")],
                "readonlyPaths": ["/proc/sys"],
            },
        }

    def _volumes(self, user: int) -> Iterator[dict[str, object]]:
        """Make the volumes of the image. Yield their mounts, and the mount of the configuration."""
        for path in self.config["Volumes"]:
            source = self._directory / "volumes" / path.lstrip("/")
            source.mkdir(parents=True)
            os.chown(source, user, user)
            yield {"destination": path, "source": str(source), "options": ["bind", "rw"]}
        source = self._directory / "etc"
        yield {"destination": "/etc/hadirector", "source": str(source), "options": ["bind", "ro"]}


def _system_mounts() -> list[dict[str, object]]:
    return [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]},
        {"destination": "/dev/shm", "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro"]},
    ]


def read_status(pid: int) -> dict[str, str]:
    """Return the lines of /proc/PID/status (proc(5)) by their names."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
