"""The faults of a host for a configuration."""

from __future__ import annotations

import os
from pathlib import Path

from hadirector.host import preflight
from tests.builders import a_configuration


async def test_an_impossible_state_directory_is_a_fault(
    tmp_path: Path,
) -> None:
    """The check creates nothing."""
    (tmp_path / "file").touch()
    for parent, faults in (
        ("new", []),
        (
            "file",
            [
                f"state_directory: {tmp_path}/file/state:"
                f" {tmp_path}/file is not a writable directory"
            ],
        ),
    ):
        configuration = a_configuration(
            dataplane="dry-run", state_directory=f"{tmp_path}/{parent}/state"
        )
        assert await preflight.faults(configuration) == faults
    assert os.listdir(tmp_path) == ["file"]
