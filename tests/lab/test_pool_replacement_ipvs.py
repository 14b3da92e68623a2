"""A reload and a restart that replace all real servers of a pool in the kernel, under traffic."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hadirector.cli import main
from hadirector.lab.topology import Host, Network
from tests.lab.experiment import CLIENT_ADDRESS, FORWARDS, kernel_table, start_director
from tests.waiting import eventually

pytestmark = [pytest.mark.ipvs, pytest.mark.timeout(300)]

DIRECTOR, VIRTUAL_ADDRESS = "192.168.122.30", "192.168.122.22"
COLORS = {"blue": ("192.168.122.45", "192.168.122.46"), "green": ("192.168.122.47",)}
ANSWER_MILLISECONDS = 300
"""Each answer takes this time, and so does the first probe of a new real server."""
CONFIGURATION = """\
director: {{name: lb1, runtime_directory: {directory}/run, on_stop: keep}}
virtual_servers:
  - name: web
    address: 192.168.122.22:80
    scheduler: rr
    forwarding: nat
    check: {{type: http, interval: 2s, timeout: 1900ms}}
    real_servers: [{real_servers}]
"""
START_SECONDS = 60.0


def text(directory: Path, color: str) -> str:
    servers = ", ".join(f"{{address: {address}}}" for address in COLORS[color])
    return CONFIGURATION.format(directory=directory, real_servers=servers)


def table(color: str) -> list[str]:
    return [
        "-A -t 192.168.122.22:80 -s rr",
        *(f"-a -t 192.168.122.22:80 -r {address}:80 -m -w 1" for address in COLORS[color]),
    ]


def serve(network: Network) -> None:
    """Start the web servers, whose replies to the client return through the director."""
    for color, addresses in COLORS.items():
        routes = [f"{CLIENT_ADDRESS}/32 via {DIRECTOR}"]
        host = network.host(color, *(f"{address}/24" for address in addresses), routes=routes)
        web = [sys.executable, "-m", "hadirector.demo.web", "--address", "0.0.0.0"]
        web += ["--port", "80", "--name", color, "--delay", str(ANSWER_MILLISECONDS)]
        process = host.start(*web, output=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"


def start_client(client: Host) -> subprocess.Popen[str]:
    words = ["--address", VIRTUAL_ADDRESS, "--interval", "50", "--timeout", "5000", "--summary"]
    return client.start(
        sys.executable, "-m", "hadirector.demo.client", *words, output=subprocess.PIPE
    )


def test_a_reload_and_a_restart_that_replace_a_pool_fail_no_request(
    network: Network, tmp_path: Path
) -> None:
    """From blue to green by a reload, and back to blue by a restart with another file."""
    client = network.host("client", f"{CLIENT_ADDRESS}/24")
    director = network.host("director", f"{DIRECTOR}/24", f"{VIRTUAL_ADDRESS}/32", sysctls=FORWARDS)
    serve(network)
    start_director(director, text(tmp_path, "blue"), tmp_path)
    eventually(lambda: kernel_table(director), START_SECONDS, "blue", expected=table("blue"))
    requests = start_client(client)
    file, socket = tmp_path / "director.yaml", f"{tmp_path}/run/api.sock"
    for color, command in (("green", "reload"), ("blue", "restart")):
        file.write_text(text(tmp_path, color))
        assert main([command, "--socket", socket]) == 0
        eventually(lambda: kernel_table(director), START_SECONDS, color, expected=table(color))
    requests.terminate()
    output, _ = requests.communicate(timeout=60)
    summary = json.loads(output)
    assert summary["failures"] == {}
    assert set(summary["servers"]) == {"blue", "green"}
