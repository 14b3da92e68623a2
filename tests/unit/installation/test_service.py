"""The service is installed and removed in a file system that has other files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from hadirector.cli.completion import SCRIPTS
from hadirector.installation.contents import files
from hadirector.installation.program import find_faults
from hadirector.installation.service import Service
from hadirector.installation.signature import is_ours, sign
from hadirector.installation.systemd import InstallationError

PASSWD = "root:x:0:0:root:/root:/bin/bash\n"
UNIT = "etc/systemd/system/hadirector.service"
WRITTEN = [
    "etc/modules-load.d/hadirector.conf",
    "etc/needrestart/conf.d/hadirector.conf",
    UNIT,
    "etc/sysusers.d/hadirector.conf",
    "usr/local/share/bash-completion/completions/hadirector",
    "usr/local/share/fish/vendor_completions.d/hadirector.fish",
    "usr/local/share/zsh/site-functions/_hadirector",
]
CONTENTS = files(Path("/opt/hadirector/bin/hadirector"), SCRIPTS)


class FakeHost:
    """A file system in which systemd runs; its commands change the user database."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.commands: list[str] = []
        self.passwd = root / "etc/passwd"
        (root / "run/systemd/system").mkdir(parents=True)
        (root / "usr/local/share").mkdir(parents=True)
        (root / "etc").mkdir()
        self.passwd.write_text(PASSWD)
        self.service = Service(root, self.run)

    def run(self, command: Sequence[str]) -> None:
        self.commands.append(" ".join(command).replace(f"{self.root}/", ""))
        if command[0] == "systemd-sysusers":
            self.add_user()
        if command[0] == "userdel":
            self.passwd.write_text(PASSWD)

    def add_user(self) -> None:
        entry = f"hadirector:x:{os.geteuid()}:{os.getegid()}::/:/bin/false\n"
        self.passwd.write_text(PASSWD + entry)

    def files(self) -> list[str]:
        found = (each for each in self.root.rglob("*") if each.is_file())
        return sorted(str(each.relative_to(self.root)) for each in found)


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path)


def test_the_service_is_written_and_enabled_but_not_started(host: FakeHost) -> None:
    lines = [*host.service.install(CONTENTS)]
    assert host.files() == sorted([*WRITTEN, "etc/passwd"])
    assert (host.root / "etc/hadirector").is_dir()
    assert host.commands == [
        "systemd-sysusers etc/sysusers.d/hadirector.conf",
        "systemctl daemon-reload",
        "systemctl enable hadirector.service",
    ]
    assert lines[0] == f"wrote {host.root}/{UNIT}"
    assert lines[-1] == "enabled hadirector.service"


def test_the_unit_runs_the_installed_program(host: FakeHost) -> None:
    [*host.service.install(CONTENTS)]
    text = (host.root / UNIT).read_text()
    assert "/opt/hadirector/bin/hadirector run -c /etc/hadirector/hadirector.yaml\n" in text
    assert "@" not in text.replace("@system-service", "")


def test_a_removal_leaves_what_was_there_before(host: FakeHost) -> None:
    [*host.service.install(CONTENTS)]
    host.commands.clear()
    [*host.service.remove()]
    assert host.files() == ["etc/passwd"]
    assert not (host.root / "etc/hadirector").exists()
    assert [*(host.root / "usr/local/share").iterdir()] == []
    assert host.commands == [
        "systemctl disable --now hadirector.service",
        "systemctl daemon-reload",
        "userdel hadirector",
    ]


def test_a_second_installation_replaces_the_files(host: FakeHost) -> None:
    """As after an upgrade of the wheel."""
    [*host.service.install(CONTENTS)]
    [*host.service.install(files(Path("/opt/new/bin/hadirector"), SCRIPTS))]
    assert "/opt/new/bin/hadirector run" in (host.root / UNIT).read_text()


@pytest.mark.parametrize("path", WRITTEN)
def test_a_foreign_file_is_not_overwritten_and_nothing_is_changed(
    host: FakeHost, path: str
) -> None:
    (host.root / path).parent.mkdir(parents=True)
    (host.root / path).write_text("of others\n")
    with pytest.raises(InstallationError, match="it was changed or is not ours; move it away"):
        [*host.service.install(CONTENTS)]
    assert host.files() == sorted(["etc/passwd", path])
    assert host.commands == []


def test_a_link_is_not_ours(host: FakeHost) -> None:
    """`systemctl mask` makes a link to /dev/null."""
    (host.root / UNIT).parent.mkdir(parents=True)
    (host.root / UNIT).symlink_to("/dev/null")
    with pytest.raises(InstallationError, match=r"hadirector\.service: it was changed"):
        [*host.service.install(CONTENTS)]


def test_a_changed_file_stays(host: FakeHost) -> None:
    [*host.service.install(CONTENTS)]
    with (host.root / UNIT).open("a") as file:
        file.write("Nice=5\n")
    lines = [*host.service.remove()]
    assert f"left {host.root}/{UNIT}, because it was changed or is not ours" in lines
    assert host.files() == sorted(["etc/passwd", UNIT])


def test_the_state_and_its_user_stay(host: FakeHost) -> None:
    [*host.service.install(CONTENTS)]
    (host.root / "var/lib/hadirector").mkdir(parents=True)
    lines = [*host.service.remove()]
    assert lines[-1] == (
        f"left {host.root}/var/lib/hadirector, and the user hadirector that owns files there"
    )
    assert "userdel hadirector" not in host.commands


def test_a_user_of_another_program_stays(host: FakeHost) -> None:
    host.add_user()
    [*host.service.install(CONTENTS)]
    [*host.service.remove()]
    assert "hadirector:" in host.passwd.read_text()
    assert host.files() == ["etc/passwd"]


def test_the_service_of_a_package_is_not_replaced(host: FakeHost) -> None:
    (host.root / "lib/systemd/system").mkdir(parents=True)
    (host.root / "lib/systemd/system/hadirector.service").touch()
    with pytest.raises(InstallationError, match="a package has installed the service"):
        [*host.service.install(CONTENTS)]
    assert host.commands == []


def test_a_host_without_systemd_gets_the_files_only(host: FakeHost) -> None:
    (host.root / "run/systemd/system").rmdir()
    [*host.service.install(CONTENTS)]
    assert host.commands == ["systemd-sysusers etc/sysusers.d/hadirector.conf"]


def test_only_an_unchanged_signed_text_is_ours() -> None:
    signed = sign("a\nb\n")
    assert is_ours(signed)
    assert not is_ours(signed.replace("b", "c"))
    assert not is_ours(signed + "d\n")
    assert not is_ours("a\nb\n")


def make_program(directory: Path) -> Path:
    program = directory / "bin/hadirector"
    program.parent.mkdir(parents=True)
    program.touch(0o755)
    return program


def test_a_program_that_the_user_of_the_service_cannot_reach_is_a_fault(tmp_path: Path) -> None:
    program = make_program(tmp_path / "closed")
    (tmp_path / "closed").chmod(0o700)
    faults = [*find_faults(program, [])]
    assert len(faults) == 1
    assert "the user of the service cannot enter" in faults[0]


def test_a_program_in_a_home_directory_is_a_fault() -> None:
    faults = [*find_faults(Path("/bin/true"), [Path("/root/.local/share/uv/tools/hadirector")])]
    assert faults == [
        "/root/.local/share/uv/tools/hadirector: the service does not see /root; install for all"
        " users, for example below /opt (see docs/installing.md)"
    ]


def test_a_path_that_systemd_would_split_is_a_fault(tmp_path: Path) -> None:
    program = make_program(tmp_path / "my programs")
    assert f"{program}: the path of the program has a space, a quote, or one of \\ % $" in [
        *find_faults(program, [])
    ]


def test_a_missing_program_is_a_fault(tmp_path: Path) -> None:
    program = tmp_path / "bin/hadirector"
    assert [*find_faults(program, [])] == [
        f"{program}: there is no such program; install the wheel into an environment"
    ]
