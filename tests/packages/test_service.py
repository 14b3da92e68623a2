"""`hadirector service` in a clean system, for a program that no package has installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packages.clean_root import CleanRoot

pytestmark = [pytest.mark.package, pytest.mark.timeout(900)]

PLACES = ("/etc", "/usr/local", "/var/lib")
COMMAND = "/opt/hadirector/bin/hadirector"


@pytest.fixture(scope="module")
def installed(root: CleanRoot, package: Path) -> Iterator[str]:
    """The command of an environment like the one of pipx, with the libraries of the package."""
    script = f"""\
cp -a /usr/lib/hadirector /opt/hadirector
sed 's,^#!.*,#!/opt/hadirector/bin/python3 -I,' /usr/bin/hadirector >{COMMAND}
chmod 755 {COMMAND}
dpkg --purge hadirector
"""
    assert root.run("sh", "-ec", script).returncode == 0
    yield COMMAND
    root.run(COMMAND, "service", "remove")
    assert root.run("rm", "-rf", "/opt/hadirector").returncode == 0
    root.install(package)


def test_the_service_is_installed_and_removed_without_a_trace(
    root: CleanRoot, installed: str
) -> None:
    before = root.files(*PLACES)
    done = root.run(installed, "service", "install")
    assert done.returncode == 0, done.stderr
    written = sorted(each for each in root.files(*PLACES) - before if "hadirector" in each)
    assert written == [
        "etc/hadirector",
        "etc/modules-load.d/hadirector.conf",
        "etc/needrestart/conf.d/hadirector.conf",
        "etc/systemd/system/hadirector.service",
        "etc/sysusers.d/hadirector.conf",
        "usr/local/share/bash-completion/completions/hadirector",
        "usr/local/share/fish/vendor_completions.d/hadirector.fish",
        "usr/local/share/zsh/site-functions/_hadirector",
    ]
    owner = root.run("stat", "-c", "%U:%G", "/etc/hadirector")
    assert owner.stdout == "hadirector:hadirector\n"
    unit = (root.path / "etc/systemd/system/hadirector.service").read_text()
    assert f"{COMMAND} run -c /etc/hadirector/hadirector.yaml\n" in unit
    as_user = ["setpriv", "--reuid=hadirector", "--regid=hadirector", "--clear-groups"]
    assert root.run(*as_user, installed, "--version").returncode == 0
    done = root.run(installed, "service", "remove")
    assert done.returncode == 0, done.stderr
    assert [each for each in root.files(*PLACES) if "hadirector" in each] == []
    assert root.run("getent", "passwd", "hadirector").returncode != 0


def test_a_file_of_the_administrator_stays(root: CleanRoot, installed: str) -> None:
    unit = root.path / "etc/systemd/system/hadirector.service"
    unit.parent.mkdir(parents=True, exist_ok=True)
    unit.write_text("[Service]\n")
    try:
        done = root.run(installed, "service", "install")
        assert done.returncode == 1
        assert "hadirector.service: it was changed or is not ours; move it away" in done.stderr
        assert unit.read_text() == "[Service]\n"
        assert root.run("getent", "passwd", "hadirector").returncode != 0
    finally:
        unit.unlink()
