"""Interfaces that do not exist when the director starts, or that disappear for a time."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import msgspec
import pytest

from hadirector.api.client import ApiError, request
from hadirector.lab.topology import Host, Network
from hadirector.status.report import Status
from tests.lab.experiment import start_director
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.timeout(90)]

HEAD = """\
director: {{name: lb1, dataplane: dry-run, runtime_directory: {directory}/lb1}}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    advert_interval: 100ms
    virtual_addresses: [10.99.0.100]
"""
LATER = """\
  - name: later
    interface: eth7
    virtual_router_id: 52
    advert_interval: 100ms
    virtual_addresses: [10.97.0.100]
    virtual_mac: {virtual_mac}
"""
CREATE = (
    "link add {name} type veth peer name far",
    "address add 10.97.0.1/24 dev {name}",
    "link set far up",
    "link set {name} up",
)
MISSING = "INITIALIZE interface_missing"


class Lab:
    """A director on a host, whose interface eth7 comes later."""

    def __init__(self, host: Host, directory: Path) -> None:
        self.host = host
        self._directory = directory
        self._socket = f"{directory}/lb1/api.sock"

    def start(self, text: str) -> None:
        start_director(self.host, text.format(directory=self._directory), self._directory)

    def reload(self, text: str) -> str:
        """Return the answer, or the faults of a reload that was refused."""
        file = self._directory / "lb1.yaml"
        file.write_text(text.format(directory=self._directory))
        try:
            return request(self._socket, "POST", "/v1/reload").decode()
        except ApiError as error:
            return str(error)

    def create(self, name: str = "eth7") -> None:
        self.host.ip(*(line.format(name=name) for line in CREATE))

    def status(self) -> Status | None:
        with contextlib.suppress(ApiError):
            return msgspec.json.decode(request(self._socket, "GET", "/v1/status"), type=Status)
        return None

    def states(self) -> dict[str, str]:
        """Return the state of each instance, with its fault."""
        status = self.status()
        instances = () if status is None else status.instances
        return {each.instance: f"{each.state} {each.fault or ''}".strip() for each in instances}

    def wait_for(self, state: str) -> None:
        expected = {"web": "ACTIVE", "later": state}
        eventually(self.states, 15.0, "the states", expected=expected)

    def warnings(self) -> tuple[str, ...]:
        status = self.status()
        assert status is not None
        return status.warnings

    def events(self) -> list[str]:
        """Return the events about the interface: "interface_missing" or "interface_usable".

        A new interface may be seen before it is up and has its address, which is left out.
        """
        events = json.loads(request(self._socket, "GET", "/v1/events?after=0"))["events"]
        told = [
            event["fields"].get("reason", event["name"])
            for event in events
            if event["fields"].get("interface") == "eth7"
        ]
        return [each for each in told if each in ("interface_missing", "interface_usable")]


@pytest.fixture
def lab(network: Network, tmp_path: Path) -> Lab:
    return Lab(network.host("lb1", "10.99.0.1/24"), tmp_path)


@pytest.mark.parametrize("virtual_mac", ["false", "true"])
def test_an_instance_waits_for_its_interface(lab: Lab, tmp_path: Path, virtual_mac: str) -> None:
    """It is told once. The other instance is not disturbed, also not by a new interface."""
    lab.start(HEAD + LATER.replace("{virtual_mac}", virtual_mac))
    lab.wait_for(MISSING)
    assert lab.warnings() == (
        f"{tmp_path}/lb1.yaml:9:16: VRRP instance later: interface eth7 does not exist (there are:"
        " eth0, lo)",
    )
    lab.create()
    lab.wait_for("ACTIVE")
    assert lab.warnings() == ()
    assert lab.events() == ["interface_missing", "interface_usable"]
    first = lab.host.run("ip", "-oneline", "link", "show", "eth7").stdout.split(":")[0]
    lab.host.ip("link delete eth7")
    lab.wait_for(MISSING)
    lab.host.ip("link add spare type veth peer name spare-far")
    lab.create()
    lab.wait_for("ACTIVE")
    assert lab.host.run("ip", "-oneline", "link", "show", "eth7").stdout.split(":")[0] != first
    lab.host.ip("link set eth7 name eth9")
    lab.wait_for(MISSING)
    lab.host.ip("link set eth9 name eth7")
    lab.wait_for("ACTIVE")
    eventually(lambda: lab.host.holds("10.97.0.100"), 5.0, "the address")
    assert lab.events() == ["interface_missing", "interface_usable"] * 3
    log = (tmp_path / "lb1.log").read_text().splitlines()
    undisturbed = [json.loads(line) for line in log if '"instance": "web"' in line]
    changes = [line["state"] for line in undisturbed if line["event"] == "vrrp_state_changed"]
    assert changes == ["BACKUP", "ACTIVE"]


def test_a_reload_adds_an_instance_that_waits_but_takes_no_interface_away(
    lab: Lab, tmp_path: Path
) -> None:
    """A wrong name would make the running instance give up its addresses."""
    lab.start(HEAD)
    eventually(lab.states, 15.0, expected={"web": "ACTIVE"})
    missing = f"{tmp_path}/lb1.yaml:4:16: VRRP instance web: interface eht0 does not exist"
    assert missing in lab.reload(HEAD.replace("eth0", "eht0"))
    tracked = f"{HEAD}    track: [{{{{interface: eth7}}}}]\n"
    assert "VRRP instance web: interface eth7 does not exist" in lab.reload(tracked)
    assert lab.states() == {"web": "ACTIVE"}
    assert "VRRP instance later" in lab.reload(HEAD + LATER.replace("{virtual_mac}", "false"))
    lab.wait_for(MISSING)
    lab.create()
    lab.wait_for("ACTIVE")
