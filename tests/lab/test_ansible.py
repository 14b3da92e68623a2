"""The Ansible collection against a pair of directors: a rolling upgrade, the role, the module."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.control_node import PROGRAMS, ControlNode
from tests.lab.paired_directors import VIRTUAL_ADDRESS, PairedDirector, build_pair, run_python
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.timeout(180)]

WEB_ADDRESSES: Final = {"web1": "10.99.0.11", "web2": "10.99.0.12", "web3": "10.99.0.13"}
CONFIGURATION: Final = """\
director: {{dataplane: userspace, log: json}}
pair:
  name: edge
  peers:
{peers}
hosts:
  lb1:
    director: {{runtime_directory: {directory}/lb1}}
    pair: {{listen: "10.99.0.1:9471", certificate: {directory}/lb1.pem, key: {directory}/lb1.key}}
    vrrp: {{web: {{priority: 200}}}}
  lb2:
    director: {{runtime_directory: {directory}/lb2}}
    pair: {{listen: "10.99.0.2:9471", certificate: {directory}/lb2.pem, key: {directory}/lb2.key}}
    vrrp: {{web: {{priority: 100}}}}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    advert_interval: 200ms
    virtual_addresses: [10.99.0.100]
virtual_servers:
  - name: web
    address: 10.99.0.100:80
    scheduler: rr
    forwarding: nat
    check: {{type: http, path: /healthz, interval: 300ms, timeout: 1s, rise: 1, fall: 2}}
    real_servers: [{{address: 10.99.0.11}}, {{address: 10.99.0.12}}, {{address: 10.99.0.13}}]
"""
CLIENT: Final = """
import collections, json, signal, sys, threading, urllib.request

ended = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: ended.set())
answers = collections.Counter()

def ask():
    while not ended.is_set():
        try:
            with urllib.request.urlopen(f"http://{sys.argv[1]}/", timeout=5) as answer:
                answers[answer.read().decode().strip()] += 1
        except OSError as error:
            answers[f"failed: {error}"] += 1

threads = [threading.Thread(target=ask) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps(answers), flush=True)
"""
HOLD: Final = """
import socket, sys, time
held = [socket.create_connection((sys.argv[1], 80), 5.0) for _ in range(3)]
print(len(held), "connections", flush=True)
time.sleep(60.0)
"""
UPGRADE: Final = """
- name: Restart the web server in another version
  ansible.builtin.shell: |
    kill {{ pid }}
    while ip netns exec {{ namespace }} ss -Hlt | grep -q .; do sleep 0.05; done
    ip netns exec {{ namespace }} setsid {{ ansible_python_interpreter }} -m hadirector.demo.web \
      --address 0.0.0.0 --port 80 --name {{ inventory_hostname }}-new --delay 50 >{{ log }} 2>&1 &
    until grep -q ready {{ log }}; do sleep 0.05; done
"""
ORDERS: Final = """
- hosts: lb1
  gather_facts: false
  module_defaults:
    hadirector.director.hadirector_override:
      socket: "{{ hadirector_socket }}"
      timeout: 1
  vars: {web1: {real_server: 10.99.0.11, state: drained, reason: kernel}}
  tasks:
    - hadirector.director.hadirector_override: {}
      args: "{{ web1 }}"
      check_mode: true
      register: previewed
    - hadirector.director.hadirector_override: {}
      args: "{{ web1 }}"
      register: busy
      ignore_errors: true
    - hadirector.director.hadirector_override: {wait: false}
      args: "{{ web1 }}"
      register: again
    - hadirector.director.hadirector_override: {real_server: "*:80", state: disabled}
      register: disabled
    - hadirector.director.hadirector_override: {}
      args: "{{ web1 }}"
      register: out
    - hadirector.director.hadirector_override:
        {real_server: 10.99.0.11, state: absent, action: drain}
      register: kept
    - hadirector.director.hadirector_override: {real_server: "*", state: absent, timeout: 20}
      register: returned
    - hadirector.director.hadirector_override: {virtual_server: wbe, real_server: x, state: drained}
      register: unknown
      ignore_errors: true
    - hadirector.director.hadirector_override: {real_server: 10.99.0.111, state: absent}
      register: missing
      ignore_errors: true
    - ansible.builtin.copy:
        dest: "{{ results }}"
        content: "{{ dict(names | zip(names | map('extract', vars))) | to_json }}"
      vars:
        names: [previewed, busy, again, disabled, out, kept, returned, unknown, missing]
"""


@dataclass
class Site:
    """A running pair, three web servers, a client, and a control node with the collection."""

    network: Network
    directory: Path
    directors: tuple[PairedDirector, PairedDirector]
    webs: dict[str, tuple[Host, subprocess.Popen[str]]]
    client: Host

    @cached_property
    def control(self) -> ControlNode:
        """The control node, made for its first use."""
        return ControlNode(self.directory / "ansible", self.inventory)

    @property
    def inventory(self) -> dict[str, Any]:
        return {
            "all": {
                "vars": {
                    "ansible_connection": "local",
                    "ansible_python_interpreter": sys.executable,
                    "hadirector_program": str(PROGRAMS / "hadirector"),
                    "hadirector_service": "",
                    "hadirector_owner": "root",
                    "hadirector_group": "root",
                },
                "children": {
                    "directors": {
                        "hosts": {
                            each.host.name: {
                                "hadirector_socket": each.socket,
                                "hadirector_configuration_file": str(self.file(each)),
                            }
                            for each in self.directors
                        }
                    },
                    "real_servers": {
                        "hosts": {
                            name: {
                                "ansible_host": WEB_ADDRESSES[name],
                                "namespace": host.namespace,
                                "pid": process.pid,
                                "log": str(self.directory / f"{name}.log"),
                            }
                            for name, (host, process) in self.webs.items()
                        }
                    },
                },
            }
        }

    def file(self, director: PairedDirector) -> Path:
        """Return the configuration of a director on its host."""
        return self.directory / "etc" / director.host.name / "hadirector.yaml"


def start_web(host: Host) -> subprocess.Popen[str]:
    """Start a web server that takes 50 ms for an answer, its name; return when it listens."""
    arguments = ["--address", "0.0.0.0", "--port", "80", "--name", host.name, "--delay", "50"]
    command = (sys.executable, "-m", "hadirector.demo.web", *arguments)
    process = host.start(*command, output=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def start(site: Site, director: PairedDirector, text: str) -> None:
    """Start a director with the file that serves both."""
    file = site.file(director)
    file.parent.mkdir(parents=True)
    file.write_text(text)
    arguments = ("-m", "hadirector", "run", "-c", str(file), "--host", director.host.name)
    with (site.directory / f"{director.host.name}.log").open("a") as log:
        director.process = director.host.start(sys.executable, *arguments, output=log)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site for all tests of this module, because a start takes seconds."""
    directory = tmp_path_factory.mktemp("ansible")
    with Network() as network:
        directors = build_pair(network, directory)
        hosts = {
            name: network.host(name, f"{address}/24") for name, address in WEB_ADDRESSES.items()
        }
        webs = {name: (host, start_web(host)) for name, host in hosts.items()}
        client = network.host("client", "10.99.0.70/24")
        site = Site(network, directory, directors, webs, client)
        text = CONFIGURATION.format(directory=directory, peers="\n".join(directors[0].peers))
        for director in directors:
            start(site, director, text)
        for director in directors:
            director.wait_for("pair_peer_reached")
            director.wait_for("quorum_reached")
        lb1 = directors[0].host
        eventually(lambda: lb1.holds(VIRTUAL_ADDRESS), 20.0, "lb1 ACTIVE")
        yield site


def changes(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """Return the number of changes of each host."""
    found = re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+)", done.stdout, re.MULTILINE)
    return {host: int(number) for host, number in found}


def test_a_rolling_upgrade_fails_no_request(site: Site) -> None:
    tasks = site.directory / "upgrade.yml"
    tasks.write_text(UPGRADE)
    client = run_python(site.client, CLIENT, VIRTUAL_ADDRESS)
    try:
        done = site.control.play("rolling_upgrade", "-e", f"upgrade_tasks={tasks}")
        client.send_signal(signal.SIGTERM)
        output, _ = client.communicate(timeout=10.0)
    finally:
        site.client.stop(client)
    assert done.returncode == 0, done.stdout + done.stderr
    answers = json.loads(output)
    assert {name for name in answers if name.endswith("-new")} == {
        "web1-new",
        "web2-new",
        "web3-new",
    }
    assert [name for name in answers if name.startswith("failed")] == []


def installed(site: Site) -> dict[str, str]:
    """Return the content of all files beside the configurations of the directors."""
    files = sorted((site.directory / "etc").rglob("*"))
    return {str(file): file.read_text() for file in files if file.is_file()}


def reloads(site: Site) -> list[int]:
    return [len(director.events("configuration_reloaded")) for director in site.directors]


def test_the_role_configures_the_backup_director_first(site: Site) -> None:
    before = installed(site)
    text = next(iter(before.values())).replace("scheduler: rr", "scheduler: lc")
    previewed = site.control.configure(text, "--check", "--diff", "--limit", "lb2")
    assert previewed.returncode == 0, previewed.stdout + previewed.stderr
    assert "+    scheduler: lc" in previewed.stdout
    assert (installed(site), reloads(site)) == (before, [0, 0])
    done = site.control.configure(text)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(installed(site).values()) == {text}
    eventually(lambda: reloads(site), 10.0, expected=[1, 1])
    first, second = re.findall(r"^changed: \[(lb.)\]$", done.stdout, re.MULTILINE)[::2]
    assert (first, second) == ("lb2", "lb1")
    again = site.control.configure(text)
    assert again.returncode == 0, again.stdout + again.stderr
    assert changes(again) == {"lb1": 0, "lb2": 0}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("forwarding: nat", "forwarding: nut", "virtual_servers[0].forwarding: wrong value"),
        (
            "dataplane: userspace",
            "dataplane: dry-run",
            "dataplane cannot change from userspace to dry-run without a restart",
        ),
    ],
    ids=["by check-config", "by the director"],
)
def test_a_refused_configuration_changes_nothing(
    site: Site, old: str, new: str, reason: str
) -> None:
    """The directors after the refusing director are not asked."""
    before, count = installed(site), reloads(site)
    [text] = set(before.values())
    done = site.control.configure(text.replace(old, new))
    assert done.returncode == 2
    assert reason in done.stdout
    assert (installed(site), reloads(site)) == (before, count)
    assert "lb1" not in done.stdout.split("PLAY RECAP")[0].rpartition("PLAY [")[2]


def test_the_module_sets_and_removes_overrides(site: Site) -> None:
    playbook, results = site.directory / "orders.yml", site.directory / "results.json"
    playbook.write_text(ORDERS)
    holding = run_python(site.client, HOLD, VIRTUAL_ADDRESS)
    try:
        assert holding.stdout is not None
        assert holding.stdout.readline() == "3 connections\n"
        done = site.control.run("ansible-playbook", str(playbook), "-e", f"results={results}")
    finally:
        site.client.stop(holding)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(results.read_text())
    assert {name: each["changed"] for name, each in found.items()} == {
        "previewed": True,
        "busy": True,
        "again": False,
        "disabled": True,
        "out": False,
        "kept": False,
        "returned": True,
        "unknown": False,
        "missing": False,
    }
    assert found["previewed"]["diff"] == {
        "before": {},
        "after": {"web/10.99.0.11:80": {"action": "drain", "reason": "kernel"}},
    }
    assert found["busy"]["msg"] == (
        "web/10.99.0.11:80 is not drained: 1 connection is left; the drain goes on (after 1 s)"
    )
    assert [each["state"] for each in found["again"]["overrides"]] == ["draining"]
    assert [each["state"] for each in found["out"]["overrides"]] == ["disabled"]
    assert found["returned"]["overrides"] == []
    assert found["unknown"]["msg"] == ("no virtual server wbe (there are: web); did you mean web?")
    assert found["missing"]["msg"] == (
        "no real server */10.99.0.111 (there are: web/10.99.0.11:80, web/10.99.0.12:80,"
        " web/10.99.0.13:80); did you mean web/10.99.0.11:80?"
    )
