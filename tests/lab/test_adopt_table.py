"""A table that ipvsadm saved is converted, and a director takes it over unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from hadirector.config.keepalived.ipvsadm.rules import read_rules
from hadirector.config.keepalived.ipvsadm.table import translate_table
from hadirector.config.keepalived.node import plain
from hadirector.config.keepalived.report import Report
from hadirector.lab.topology import Host, Network
from tests.lab.experiment import FORWARDS, kernel_table, start_director
from tests.waiting import eventually

pytestmark = [pytest.mark.ipvs, pytest.mark.timeout(180)]

START_SECONDS = 60.0
TABLE = """\
-A --sctp-service 192.168.122.24:36412 -s rr
-A -f 7 -6 -s wlc
-A -f 7 -s rr
-A -t 192.168.122.23:0 -s rr -p 300 -M 255.255.255.0
-A -t 192.168.122.24:80 -s wrr
-A -t 192.168.122.26:80 -s sh -b sh-fallback,sh-port
-A -t 192.168.122.27:80 -s wlc
-A -t [fd00:122::26]:80 -s wlc -p 60 -M 64
-A -u 192.168.122.25:5060 -s rr -p 60 --pe sip -o
-a --sctp-service 192.168.122.24:36412 -r 192.168.122.45:36412 -m -w 1
-a -f 7 -6 -r [fd00:122::45]:0 -g -w 1
-a -f 7 -r 192.168.122.45:0 -m -w 1
-a -t 192.168.122.23:0 -r 192.168.122.45:0 -m -w 1
-a -t 192.168.122.24:80 -r 192.168.122.45:8080 -m -w 3
-a -t 192.168.122.24:80 -r 192.168.122.46:8080 -m -w 0
-a -t 192.168.122.26:80 -r 192.168.122.45:80 -g -w 1
-a -t 192.168.122.27:80 -r 192.168.122.45:80 -i -w 1 --tun-type gre --tun-csum
-a -t 192.168.122.27:80 -r 192.168.122.46:80 -i -w 1 --tun-type ipip
-a -t [fd00:122::26]:80 -r [fd00:122::45]:80 -g -w 5
-a -u 192.168.122.25:5060 -r 192.168.122.45:5060 -m -w 1
"""
"""As ipvsadm saves it, sorted; the services before the real servers."""
ADDRESSES = (
    *(f"192.168.122.{number}/24" for number in (30, 23, 24, 25, 26, 27)),
    "fd00:122::30/64",
)


@pytest.fixture
def director() -> Iterator[Host]:
    """A director on which an operator made the table by hand."""
    with Network() as network:
        host = network.host("director", *ADDRESSES, "fd00:122::26/64", sysctls=FORWARDS)
        host.run("ipvsadm", "-R", text=TABLE)
        yield host


def configuration(table: str, directory: Path) -> str:
    """Return the YAML form of a saved table."""
    report = Report()
    servers = [
        plain(node) for node in translate_table(read_rules(table, "t", report), report, "none")
    ]
    assert report.faults == []
    settings = {"on_stop": "keep", "runtime_directory": f"{directory}/run"}
    return yaml.safe_dump({"director": settings, "virtual_servers": servers})


def test_the_table_is_equal_while_a_director_runs_and_after_it(
    director: Host, tmp_path: Path
) -> None:
    saved = director.run("ipvsadm", "-Sn").stdout
    assert sorted(line.strip() for line in saved.splitlines()) == TABLE.splitlines()
    process = start_director(director, configuration(saved, tmp_path), tmp_path)
    log = tmp_path / "director.log"
    eventually(lambda: "director_started" in log.read_text(), START_SECONDS)
    assert kernel_table(director) == TABLE.splitlines()
    director.run("ipvsadm", "-d", "-t", "192.168.122.24:80", "-r", "192.168.122.45:8080")
    eventually(lambda: kernel_table(director), 15.0, expected=TABLE.splitlines())
    process.terminate()
    assert process.wait(30.0) == 0
    assert kernel_table(director) == TABLE.splitlines()
