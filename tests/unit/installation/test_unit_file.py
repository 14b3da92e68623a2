"""The unit keeps a director running. The Debian package and the wheel have the same one."""

from __future__ import annotations

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
