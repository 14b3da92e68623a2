"""The Debian package in a clean system: installed, used and purged."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hadirector import __version__
from tests.packages.clean_root import CleanRoot

pytestmark = [pytest.mark.package, pytest.mark.timeout(900)]

CONFIGS = Path(__file__).parents[2] / "configs"
EXAMPLES = "/usr/share/doc/hadirector/examples"


def test_the_command_runs(root: CleanRoot) -> None:
    done = root.run("hadirector", "--version")
    assert done.stdout.startswith(f"hadirector {__version__}")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("example", sorted(each.name for each in CONFIGS.glob("*.yaml")))
def test_each_example_is_valid(root: CleanRoot, example: str) -> None:
    done = root.run("hadirector", "check-config", f"{EXAMPLES}/{example}")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        ("man8/hadirector.8.gz", "Stop new connections to a real server."),
        ("man5/hadirector.yaml.5.gz", "One YAML file configures a director."),
    ],
)
def test_a_manual_page_can_be_read(root: CleanRoot, page: str, sentence: str) -> None:
    done = subprocess.run(
        ["man", "--local-file", "--warnings", str(root.path / "usr/share/man" / page)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"MANWIDTH": "2000", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
    )
    assert done.stderr == ""
    assert sentence in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    "script",
    [
        "bash-completion/completions/hadirector",
        "zsh/vendor-completions/_hadirector",
        "fish/vendor_completions.d/hadirector.fish",
    ],
)
def test_each_shell_finds_its_completion(root: CleanRoot, script: str) -> None:
    assert "__complete" in (root.path / "usr/share" / script).read_text()


def test_the_director_has_a_user_and_a_directory(root: CleanRoot) -> None:
    assert root.run("getent", "passwd", "hadirector").returncode == 0
    assert (root.path / "etc/hadirector").is_dir()


def test_systemd_accepts_the_unit(root: CleanRoot, tmp_path: Path) -> None:
    """With a program that this machine has too."""
    unit = tmp_path / "hadirector.service"
    installed = (root.path / "lib/systemd/system/hadirector.service").read_text()
    unit.write_text(installed.replace("/usr/bin/hadirector", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    of_ours = [line for line in done.stderr.splitlines() if "hadirector" in line]
    assert (done.returncode, of_ours) == (0, [])


def test_lintian_finds_no_error(package: Path) -> None:
    done = subprocess.run(
        ["lintian", "--allow-root", "--fail-on", "error", str(package)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_a_purge_leaves_nothing(root: CleanRoot, package: Path) -> None:
    """Also the files that a director has written."""
    places = ("/etc", "/usr", "/var/lib", "/run")
    state = root.path / "var/lib/hadirector"
    state.mkdir(exist_ok=True)
    (state / "overrides.json").write_text("[]")
    done = root.run("dpkg", "--purge", "hadirector")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [each for each in root.files(*places) if "hadirector" in each] == []
    assert root.run("getent", "passwd", "hadirector").returncode != 0
    root.install(package)
