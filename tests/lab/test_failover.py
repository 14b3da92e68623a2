"""How long a client gets no answer after the loss of the active director, on this kernel.

The directors only elect. Each has its own web server behind the virtual address, so an answer shows
which director received the request. The pair with IPVS is in test_pair.py.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.experiment import (
    CLIENT_ADDRESS,
    DIRECTOR_ADDRESSES,
    start_director,
    start_web,
)
from tests.waiting import eventually

CONFIGURATION = """\
director: {{name: {name}, dataplane: dry-run, runtime_directory: {directory}/{name}}}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    priority: {priority}
    advert_interval: 1s
    virtual_addresses: [192.168.122.22]
"""

# RFC 9568 6.1: three intervals of 1 s, and a skew time of 156/256 s for priority 100.
DOWN_SECONDS = 3.609
# For detection, announcement and answer on a busy machine.
SLACK_SECONDS = 0.4

FAILURES: dict[str, Callable[[Host], None]] = {
    "power loss": Host.lose_power,
    "all processes killed": Host.kill_processes,
    "link cut": Host.link_down,
}


def samples(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines(keepends=True) if "\n" in line]


def served_by(file: Path, name: str) -> bool:
    return any(sample["server"] == name for sample in samples(file))


@pytest.mark.netns
@pytest.mark.parametrize("failure", FAILURES)
def test_the_client_is_served_again_within_the_window(
    network: Network, tmp_path: Path, failure: str
) -> None:
    """From the failure to the other director's first answer: at most the active-down interval."""
    client = network.host("client", f"{CLIENT_ADDRESS}/24")
    first, second = (
        network.host(f"director{number}", f"{address}/24")
        for number, address in enumerate(DIRECTOR_ADDRESSES, start=1)
    )
    for host, priority in ((first, 200), (second, 100)):
        text = CONFIGURATION.format(name=host.name, priority=priority, directory=tmp_path)
        start_web(host, host.name)
        start_director(host, text, tmp_path)
    eventually(
        lambda: first.holds("192.168.122.22") and not second.holds("192.168.122.22"),
        20.0,
        "the first director alone has the address",
    )
    file = tmp_path / "samples"
    with file.open("w") as output:
        arguments = ["--address", "192.168.122.22", "--interval", "10"]
        client.start(sys.executable, "-m", "hadirector.demo.client", *arguments, output=output)
    eventually(lambda: served_by(file, "director1"), 10.0, "an answer of director1")

    began = time.monotonic()
    FAILURES[failure](first)
    eventually(lambda: served_by(file, "director2"), 10.0, "an answer of director2")

    answered = min(each["ended"] for each in samples(file) if each["server"] == "director2")
    assert answered - began <= DOWN_SECONDS + SLACK_SECONDS
