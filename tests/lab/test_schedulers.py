"""Each scheduler of configs/schedulers.yaml chooses in its way, with connections that stay open."""

from __future__ import annotations

import re
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from hadirector.lab.topology import Network
from tests.lab.answering import Answering, connect
from tests.lab.experiment import FORWARDS, kernel_table, start_director
from tests.waiting import eventually

EXAMPLE = Path(__file__).parents[2] / "configs/schedulers.yaml"
CLIENT, VIRTUAL = "192.168.122.70", "192.168.122.22"
START_SECONDS = 60.0

# From ip_vs_SCHEDULER.c in Linux 6.1, for weights 1 and 2 in this order. Of two equal servers, the
# kernel chooses the one that was added last.
CHOSEN = {
    "lc": "212121",
    "wlc": "211211",
    "sed": "121121",
    "nq": "211121",
    "fo": "111111",
    "ovf": "11122",
    "lblc": "22111111",
    "lblcr": "22111112",
}
"""The server that gets each of successive connections."""
SHARED = {"rr": ("111222", "121212|212121"), "wrr": ("111122", ".*")}
"""Which answers are sorted, and their order where it is defined. The kernel may begin anywhere."""
BY_HASH = ("dh", "sh", "mh")
BY_PORT = ("sh_port", "mh_port")
SPREAD = 24
"""The chance that these connections of one client all reach one server is 1 in 10,000."""


@pytest.mark.ipvs
@pytest.mark.timeout(200)
def test_every_scheduler_chooses_in_its_way(network: Network, tmp_path: Path) -> None:
    """Thirteen schedulers, by their traffic.

    This kernel does not have twos; other tests cover that.
    """
    client = network.host("client", f"{CLIENT}/24")
    director = network.host("director", "192.168.122.30/24", f"{VIRTUAL}/32", sysctls=FORWARDS)
    text = EXAMPLE.read_text().replace("lb1", f"lb1\n  runtime_directory: {tmp_path}/run")
    text = re.sub(
        "check: .*", "check: none", text
    )  # the server that passes first would be added first
    ports = dict(re.findall(r"name: (\w+)\n    address: [0-9.]+:(\d+)", text))
    assert ports.keys() == {*CHOSEN, *SHARED, *BY_HASH, *BY_PORT}
    with Answering() as servers, ExitStack() as connections:
        servers.hold(80)
        for name, number in (("1", 45), ("2", 46)):
            back = [f"{CLIENT}/32 via 192.168.122.30"]
            web = network.host(f"web{name}", f"192.168.122.{number}/24", routes=back)
            servers.listen(web, (80,))
        start_director(director, text, tmp_path)
        eventually(lambda: len(kernel_table(director)), START_SECONDS, expected=3 * len(ports))

        def chosen(scheduler: str, count: int = 6) -> str:
            made = (connect(client, CLIENT, VIRTUAL, int(ports[scheduler])) for _ in range(count))
            return "".join(_who(connections.enter_context(each)) for each in made)

        assert {name: chosen(name, len(expected)) for name, expected in CHOSEN.items()} == CHOSEN
        for name, (parts, order) in SHARED.items():
            answers = chosen(name)
            assert "".join(sorted(answers)) == parts
            assert re.fullmatch(order, answers)
        assert all(len(set(chosen(name))) == 1 for name in BY_HASH)
        assert all(set(chosen(name, SPREAD)) == {"1", "2"} for name in BY_PORT)


def _who(connection: socket.socket) -> str:
    return connection.recv(100).decode().removeprefix("web")
