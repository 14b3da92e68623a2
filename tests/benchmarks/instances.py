"""What 500 VRRP instances cost: ``python -m tests.benchmarks.instances``, as root.

One director is ACTIVE for all of them at an interval of 1 s on two interfaces. The figure is the
processor time of its vrrp process, in percent of one core. Exit 1 when it is 30 or more.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import msgspec

from hadirector.api.client import request
from hadirector.lab.topology import Network
from hadirector.status.report import Status
from tests.lab.experiment import start_director
from tests.processor_time import processor_seconds
from tests.waiting import eventually
from vrrp.model.report import State

INSTANCES = 500
SECONDS = 20.0
BAR_PERCENT = 30.0

_HEAD = "director: {{name: many, dataplane: dry-run, runtime_directory: {directory}}}\nvrrp:\n"
_INSTANCE = """\
  - name: web{number}
    interface: eth{interface}
    virtual_router_id: {virtual_router_id}
    virtual_addresses: [10.98.{interface}.{virtual_router_id}]
"""


def configuration(directory: Path) -> str:
    """Return a configuration with half of the instances on each interface."""
    half = INSTANCES // 2
    return _HEAD.format(directory=directory) + "".join(
        _INSTANCE.format(
            number=number, interface=number // half, virtual_router_id=number % half + 1
        )
        for number in range(INSTANCES)
    )


def main() -> int:
    """Measure and print; return 1 if the bar is missed."""
    with Network() as network, tempfile.TemporaryDirectory() as directory:
        host = network.host("director", "10.99.0.1/24")
        host.ip(
            "link add eth1 type veth peer name other",
            "address add 10.99.1.1/24 dev eth1",
            "link set eth1 up",
            "link set other up",
        )
        runtime = Path(directory, "run")
        start_director(host, configuration(runtime), Path(directory))
        socket = str(runtime / "api.sock")

        def status() -> Status:
            return msgspec.json.decode(request(socket, "GET", "/v1/status"), type=Status)

        eventually((runtime / "api.sock").exists, 30.0, "the director answers")
        eventually(
            lambda: [each.state for each in status().instances].count(State.ACTIVE),
            30.0,
            f"{INSTANCES} instances ACTIVE",
            expected=INSTANCES,
        )
        time.sleep(6.0)  # after the second volley of announcements
        pid = next(each.pid for each in status().processes if each.name == "vrrp")
        assert pid is not None
        before, began = processor_seconds(pid), time.monotonic()
        time.sleep(SECONDS)
        used = processor_seconds(pid) - before
        percent = 100 * used / (time.monotonic() - began)
        longest = max(each.advertisement_lateness.longest for each in status().instances)
    print(f"{INSTANCES} instances at 1 s: {percent:.1f} % of one core (bar: {BAR_PERCENT:g} %)")
    print(f"latest advertisement of all: {longest * 1000:.1f} ms late")
    return 0 if percent < BAR_PERCENT else 1


if __name__ == "__main__":
    sys.exit(main())
