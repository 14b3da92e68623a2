"""`hadirector convert --from-kernel` prints the live state of IPVS."""

from __future__ import annotations

import subprocess

import pytest
import yaml

from hadirector.cli import main

pytestmark = [pytest.mark.ipvs, pytest.mark.usefixtures("own_namespace")]


def command(*arguments: str, text: str | None = None) -> None:
    subprocess.run(arguments, input=text, text=True, check=True)


def test_the_table_with_thresholds_timeouts_and_the_sync_daemon(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = "link add d0 type dummy\naddress add 10.0.0.1/24 dev d0\nlink set d0 up multicast on\n"
    command("ip", "-batch", "-", text=lines)
    command("ipvsadm", "-A", "-t", "192.0.2.1:80", "-s", "wlc")
    server = ("-t", "192.0.2.1:80", "-r", "198.51.100.1:8080", "-m", "-w", "5")
    command("ipvsadm", "-a", *server, "-x", "100", "-y", "60")
    command("ipvsadm", "--set", "60", "0", "0")
    command("ipvsadm", "--start-daemon", "master", "--mcast-interface", "d0", "--syncid", "51")
    assert main(["convert", "--from-kernel"]) == 0
    found = yaml.safe_load(capsys.readouterr().out)
    assert found["connection_timeouts"] == {"tcp": "60s"}
    assert found["sync_daemon"]["interface"] == "d0"
    assert (found["sync_daemon"]["role"], found["sync_daemon"]["id"]) == ("both", 51)
    assert found["virtual_servers"] == [
        {
            "address": "192.0.2.1:80",
            "scheduler": "wlc",
            "forwarding": "nat",
            "check": {"type": "tcp"},
            "real_servers": [
                {
                    "address": "198.51.100.1:8080",
                    "weight": 5,
                    "upper_threshold": 100,
                    "lower_threshold": 60,
                }
            ],
        }
    ]
