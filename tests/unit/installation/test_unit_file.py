"""The unit keeps a director running. The Debian package and the wheel have the same one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[3] / "hadirector/installation/files/hadirector.service"


def settings() -> set[str]:
    return {
        line.strip() for line in UNIT.read_text().splitlines() if not line.startswith(("#", "["))
    }


@pytest.mark.parametrize(
    "setting",
    [
        "StartLimitIntervalSec=0",
        "After=network-online.target time-sync.target",
        "Conflicts=keepalived.service",
        "Restart=on-failure",
    ],
)
def test_the_unit_has_this_setting(setting: str) -> None:
    assert setting in settings()


def test_the_unit_says_how_scripts_can_write() -> None:
    assert "#ReadWritePaths=/var/log/hadirector\n" in UNIT.read_text()


# A container may have no systemd. The tests above hold the settings themselves everywhere.
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    """With programs that exist."""
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("@PROGRAM@", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    # systemd also reads the other units of this machine, and warns of them.
    warnings = [line for line in done.stderr.splitlines() if not line.startswith("/lib/")]
    assert (done.returncode, warnings) == (0, [])
