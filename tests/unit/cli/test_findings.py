"""The faults and notes of a file as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hadirector.cli import main

VALID = """\
global_defs {
    router_id here
}
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    virtual_ipaddress {
        192.0.2.1
    }
}
"""


@pytest.mark.parametrize("command", ["check-config", "convert"])
def test_notes_and_faults_have_their_places(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    file = tmp_path / "k.conf"
    file.write_text(VALID)
    assert main([command, "--json", str(file)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["faults"] == []
    (note,) = found["notes"]
    assert (note["file"], note["line"], note["column"]) == (str(file), 2, 5)
    assert note["kind"] == "router_id"
    assert note["message"].startswith("global_defs: router_id: ")

    file.write_text(VALID.replace("interface", "interfaze"))
    assert main([command, "--json", str(file)]) == 1
    found = json.loads(capsys.readouterr().out)
    unknown = next(fault for fault in found["faults"] if "interfaze" in fault["message"])
    assert (unknown["file"], unknown["line"], unknown["column"]) == (str(file), 5, 5)


def test_a_file_that_cannot_be_read_has_no_position(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "none.conf")
    assert main(["check-config", "--json", missing]) == 2
    (fault,) = json.loads(capsys.readouterr().out)["faults"]
    assert (fault["file"], fault["line"], fault["column"]) == (missing, None, None)
