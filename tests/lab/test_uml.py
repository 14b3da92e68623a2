"""Commands run inside User-Mode Linux as if they ran here."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hadirector.lab import uml
from tests.waiting import eventually

missing = uml.missing_programs()
pytestmark = pytest.mark.skipif(
    bool(missing) and ("CI" not in os.environ or uml.kernel_has_ipvs()),
    reason=f"needs {', '.join(missing)}",
)


def run(*command: str, timeout: float = 50.0, directory: Path | None = None) -> tuple[int, str]:
    output = io.BytesIO()
    status = uml.run(command, timeout, output=output, directory=directory)
    return status, output.getvalue().decode()


def kernels_in_group(group: int) -> list[str]:
    listing = subprocess.run(
        ["ps", "-o", "stat=", "-g", str(group)], capture_output=True, text=True, check=False
    )
    return [state for state in listing.stdout.split() if not state.startswith("Z")]


def test_status_output_and_directory_are_the_commands() -> None:
    """The exit status, both outputs and the current directory are those of a local run."""
    status, output = run("sh", "-c", "pwd; echo problem >&2; exit 7")
    assert (status, output) == (7, f"{Path.cwd()}\nproblem\n")


def test_arguments_are_not_interpreted() -> None:
    """No shell changes the arguments of the command."""
    assert run("printf", "%s|", "a b", "$HOME", "it's", "{x}") == (0, "a b|$HOME|it's|{x}|")


def test_kernel_has_ipvs_and_its_schedulers() -> None:
    """The inner kernel has IPVS with all its schedulers, bridges and NAT."""
    _, output = run("cut", "-d ", "-f1", "/proc/modules")
    loaded = set(output.split())
    assert {"ip_vs_rr", "ip_vs_wrr", "ip_vs_lc", "ip_vs_wlc", "ip_vs_lblc"} <= loaded
    assert {"ip_vs_lblcr", "ip_vs_dh", "ip_vs_sh", "ip_vs_sed", "ip_vs_nq"} <= loaded
    assert {"ip_vs_fo", "ip_vs_ovf", "ip_vs_mh", "bridge", "veth", "xt_ipvs"} <= loaded


def test_directory_under_tmp_is_seen(tmp_path: Path) -> None:
    """The current directory is visible and writable also below /tmp; other directories there are
    not.
    """
    (tmp_path / "from-outside").write_text("outside\n")
    hidden = tmp_path.parent / f"{tmp_path.name}-hidden"
    hidden.touch()
    script = f"cat from-outside; echo inside >from-inside; test -e {hidden} || echo hidden"
    assert run("sh", "-c", script, directory=tmp_path) == (0, "outside\nhidden\n")
    assert (tmp_path / "from-inside").read_text() == "inside\n"


def test_virtual_environment_works_inside() -> None:
    """The same interpreter with the same packages runs inside."""
    status, output = run(sys.executable, "-c", "import sys, hadirector; print(sys.prefix)")
    assert (status, output) == (0, f"{sys.prefix}\n")


def test_ci_variable_is_carried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests inside see the variable CI."""
    monkeypatch.setenv("CI", "true")
    assert run("printenv", "CI") == (0, "true\n")


def test_time_limit_ends_everything() -> None:
    """At the time limit the command is killed, its output is kept, and 124 is returned."""
    status, output = run("sh", "-c", "readlink /proc/self/fd/1; sleep 1000", timeout=6.0)
    assert status == 124
    assert re.fullmatch(r"/var/tmp/hadirector-uml-\w+/output\n", output)
    assert not Path(output.strip()).parent.exists()


def test_output_is_live_and_sigterm_ends_everything() -> None:
    """The output comes while the command runs. After SIGTERM there is no process and no file."""
    script = "echo started; sleep 1000"
    with subprocess.Popen(
        [sys.executable, "-m", "hadirector.lab.uml", "--", "sh", "-c", script],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        listing = subprocess.check_output(["pgrep", "-P", str(process.pid)], text=True)
        [kernel] = [int(pid) for pid in listing.split()]
        assert kernels_in_group(kernel)
        process.terminate()
        assert process.wait(10) == 128 + 15
    eventually(lambda: kernels_in_group(kernel), 5.0, expected=[])


def test_sigkill_ends_the_inner_kernel_too() -> None:
    """After SIGKILL the inner kernel ends too, and its directory is removed."""
    script = "readlink /proc/self/fd/1; sleep 1000"
    with subprocess.Popen(
        [sys.executable, "-m", "hadirector.lab.uml", "--", "sh", "-c", script],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        directory = Path(process.stdout.readline().strip()).parent
        assert directory.name.startswith("hadirector-uml-")
        [kernel] = map(int, subprocess.check_output(["pgrep", "-P", str(process.pid)]).split())
        process.kill()
    eventually(lambda: kernels_in_group(kernel), 5.0, expected=[])
    assert not directory.exists()


def test_the_error_of_a_failed_boot_has_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has the end of the console's text."""
    monkeypatch.setattr(uml, "MODULES", ("no_such_module",))
    with pytest.raises(uml.UmlError, match="no_such_module not found"):
        run("true")


def test_missing_programs_are_named_with_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each missing program is named with its Debian package."""
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(uml, "ADMINISTRATOR_PATH", "/nonexistent")
    with pytest.raises(uml.UmlError, match=r"linux\.uml \(Debian package user-mode-linux\)"):
        run("true")
