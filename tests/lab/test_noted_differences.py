"""A director logs once how a keepalived.conf differs in effect; `status` and `doctor` count."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hadirector.lab.topology import Host
from tests.lab.operator_console import Console
from tests.waiting import eventually

pytestmark = [
    pytest.mark.netns,
    # With IPVS, `doctor` has other findings, too.
    pytest.mark.skipif(Path("/proc/net/ip_vs").exists(), reason="this kernel has IPVS"),
]

FILE = """\
instance noted-differences
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    virtual_ipaddress {
        10.99.0.100/24 brd +
    }
}
"""
RUNTIME_DIRECTORY = Path("/run/hadirector-noted-differences")


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "k.conf"
    made.write_text(FILE)
    yield made
    shutil.rmtree(RUNTIME_DIRECTORY, ignore_errors=True)


def test_the_notes_are_logged_at_the_start_and_when_they_change(
    host: Host, file: Path, tmp_path: Path
) -> None:
    log = tmp_path / "director.log"
    with log.open("w") as output:
        host.start(sys.executable, "-m", "hadirector", "run", "-c", str(file), output=output)
    console = Console(RUNTIME_DIRECTORY / "api.sock", log)
    eventually(console.state, 20.0, "the state", expected="ACTIVE")
    assert console.command("reload").status == 0
    file.write_text(FILE.replace("    virtual_ipaddress", "    smtp_alert\n    virtual_ipaddress"))
    assert console.command("reload").status == 0

    title = "vrrp_instance VI_1"
    broadcast = f"{title}: 10.99.0.100/24: hadirector adds the address without a broadcast address"
    instance = f"{file}:1:10: instance: commands need --socket {console.socket}"
    mail = (
        "smtp_alert: no mail is sent; events, metrics and the alert rules report the same changes"
    )
    expected = [
        (2, [f"{file}:6:24: {broadcast}", instance]),
        (3, [f"{file}:5:5: {title}: {mail}", f"{file}:7:24: {broadcast}", instance]),
    ]

    # The director may answer a reload just before it logs the notes.
    def logged() -> list[object]:
        return [(line["count"], line["notes"]) for line in console.log_lines("differences_noted")]

    eventually(logged, 5.0, "the noted differences", expected=expected)
    console.expect_status("the file differs in effect from keepalived in 3 notes")
    examined = host.run(sys.executable, "-m", "hadirector", "doctor", "-c", str(file), check=False)
    assert "note     3 notes name differences in effect" in examined.stdout
