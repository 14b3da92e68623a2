"""The faults of a host for a configuration."""

from __future__ import annotations

import os
from pathlib import Path

from hadirector.host import preflight
from hadirector.model.configuration import NeededInterface
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


def needed(name: str, instance: str = "web") -> NeededInterface:
    return NeededInterface(name=name, needed_by=f"VRRP instance {instance}", place="f:1:1")


async def test_a_missing_interface_is_named_and_is_no_fault() -> None:
    configuration = a_configuration(
        dataplane="dry-run", needed_interfaces=(needed("lo"), needed("absent0"))
    )
    [missing] = preflight.missing_interfaces(configuration)
    text = "f:1:1: VRRP instance web: interface absent0 does not exist (there are: "
    assert missing.startswith(text)
    assert await preflight.faults(configuration) == []


def test_a_running_instance_does_not_get_a_missing_interface() -> None:
    """Another interface or one more is newly missing, but not the interface of a new instance."""
    old = a_configuration(needed_interfaces=(needed("lo"), needed("absent0")))

    def newly_missing(*interfaces: NeededInterface) -> list[str]:
        new = a_configuration(needed_interfaces=interfaces)
        found = preflight.newly_missing_interfaces(old, new)
        return [line.partition("interface ")[2].split()[0] for line in found]

    assert newly_missing(needed("lo"), needed("absent0")) == []
    assert newly_missing(needed("absent1")) == ["absent1"]
    assert newly_missing(needed("lo"), needed("absent1"), needed("absent2")) == [
        "absent1",
        "absent2",
    ]
    assert newly_missing(needed("lo"), needed("absent1", "new")) == []
