"""The same ldirectord.cf gives the same table to ldirectord and to hadirector."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from hadirector.config.keepalived.ldirectord.document import translate_document
from hadirector.config.keepalived.ldirectord.names import Names
from hadirector.config.keepalived.ldirectord.syntax import read_lines
from hadirector.config.keepalived.node import plain
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.report import Report
from hadirector.lab.topology import Host, Network
from tests.lab.answering import Answering
from tests.lab.experiment import FORWARDS, kernel_table, start_director
from tests.waiting import eventually

LDIRECTORD = Path("/usr/sbin/ldirectord")

pytestmark = [
    pytest.mark.ipvs,
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        not LDIRECTORD.exists() or shutil.which("perl") is None,
        reason="needs ldirectord (Debian package ldirectord)",
    ),
]

START_SECONDS = 60.0
NAMES = Names({}, {"smtp": 25})
FILE = """\
checktimeout=1
checkinterval=1
quiescent=yes
logfile="/tmp/ldirectord.log"
fallback=127.0.0.1:80

virtual=192.168.122.23:80
        real=192.168.122.45->192.168.122.46:8080 masq 3
        real=192.168.122.47:8081 masq # never answers
        checktype=connect
        persistent=600
        netmask=255.255.255.0
        scheduler=wlc
virtual=192.168.122.24:smtp
        real=192.168.122.45:25 gate 2
        real=192.168.122.46:2525 gate
        checktype=on
        quiescent=no
virtual=192.168.122.25:53
        real=192.168.122.45:53 gate
        checktype=on
        ops=yes
virtual=192.168.122.26:443
        real=192.168.122.45:443 ipip 1 l:20 u:50
        checktype=connect
        checkport=8080
        scheduler=sh
        schedflags=sh-port,sh-fallback
virtual=7
        real=192.168.122.45:80 masq 4
        checktype=on
virtual6=[fd00:122::23]:80
        real6=[fd00:122::45]:80 gate
        checktype=on
virtual=192.168.122.27:80
        real=192.168.122.47:80 gate
        checktype=connect
"""
TABLE = """\
-A -f 7 -s wrr
-A -t 192.168.122.23:80 -s wlc -p 600 -M 255.255.255.0
-A -t 192.168.122.24:25 -s wrr
-A -t 192.168.122.26:443 -s sh -b sh-fallback,sh-port
-A -t 192.168.122.27:80 -s wrr
-A -t [fd00:122::23]:80 -s wrr
-A -u 192.168.122.25:53 -s wrr -o
-a -f 7 -r 192.168.122.45:80 -m -w 4
-a -t 192.168.122.23:80 -r 192.168.122.45:8080 -m -w 3
-a -t 192.168.122.23:80 -r 192.168.122.46:8080 -m -w 3
-a -t 192.168.122.23:80 -r 192.168.122.47:8081 -m -w 0
-a -t 192.168.122.24:25 -r 192.168.122.45:25 -g -w 2
-a -t 192.168.122.24:25 -r 192.168.122.46:25 -g -w 1
-a -t 192.168.122.26:443 -r 192.168.122.45:443 -i -w 1 --tun-type ipip
-a -t 192.168.122.27:80 -r 127.0.0.1:80 -g -w 1
-a -t 192.168.122.27:80 -r 192.168.122.47:80 -g -w 0
-a -t [fd00:122::23]:80 -r [fd00:122::45]:80 -g -w 1
-a -u 192.168.122.25:53 -r 192.168.122.45:53 -g -w 1
""".splitlines()


@pytest.fixture
def directors() -> Iterator[tuple[Host, Host]]:
    """Two directors and two real servers with port 8080; the third real server is silent."""
    with Network() as network, Answering() as servers:
        made = [
            network.host(f"director{number}", f"192.168.122.3{number}/24", sysctls=FORWARDS)
            for number in (1, 2)
        ]
        for number in (45, 46):
            web = network.host(f"web{number}", f"192.168.122.{number}/24")
            servers.listen(web, (8080,))
        yield made[0], made[1]


def configuration(directory: Path) -> str:
    """Return the YAML form of the file."""
    report = Report()
    root = read_lines(FILE, "ldirectord.cf", report)
    node = translate_document(root, "ldirectord.cf", NAMES, report, Options("director"))
    assert report.faults == []
    settings = {"director": {"runtime_directory": f"{directory}/run"}}
    return yaml.safe_dump({**plain(node), **settings})


def test_both_programs_make_the_same_table(directors: tuple[Host, Host], tmp_path: Path) -> None:
    first, second = directors
    file = tmp_path / "ldirectord.cf"
    file.write_text(FILE)
    with (tmp_path / "ldirectord.log").open("w") as log:
        first.start(str(LDIRECTORD), "-d", str(file), "start", output=log)
    start_director(second, configuration(tmp_path), tmp_path)
    eventually(lambda: kernel_table(second), START_SECONDS, expected=TABLE)
    eventually(lambda: kernel_table(first), START_SECONDS, expected=TABLE)
