"""Two directors of a pair are upgraded one after the other, and a client loses nothing."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hadirector import __version__
from hadirector.api.client import ApiError, request
from hadirector.cli import main
from hadirector.lab.topology import Host, Network
from tests.lab.experiment import start_director
from tests.lab.paired_directors import VIRTUAL_ADDRESS, PairedDirector, build_pair, run_python
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
EARLIER = "0.0.9"
"""The version that the directors run before the upgrade. Only its number is another one."""
CLIENT = """
import asyncio, signal, sys
from hadirector.director.drill_client import DrillClient

async def main():
    end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    client = DrillClient({sys.argv[1]: ("eth0",)})
    async with client.probing():
        await end.wait()
    print(client.measurement.sent, client.measurement.lost, flush=True)

asyncio.run(main())
"""


class Installation:
    """A copy of the program with a version of its own. It has its own Python command."""

    def __init__(self, directory: Path) -> None:
        self._tree = directory / "tree"
        for package in ("hadirector", "checks", "vrrp"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / package, self._tree / package, ignore=ignored)
        self.install(EARLIER)
        environment = directory / "python"
        venv.create(environment, symlinks=True)
        [packages] = environment.glob("lib/*/site-packages")
        libraries = [path for path in sys.path if path.endswith("site-packages")]
        (packages / "paths.pth").write_text("\n".join([str(self._tree), *libraries]))
        self.python = str(environment / "bin" / "python")

    def install(self, version: str) -> None:
        """Replace the program by one of another version."""
        file = self._tree / "hadirector/__init__.py"
        text = (ROOT / "hadirector/__init__.py").read_text()
        file.write_text(re.sub(r'__version__ = ".*"', f'__version__ = "{version}"', text))


def versions(director: PairedDirector) -> set[str]:
    """Return the versions of the director and of its vrrp process."""
    with suppress(ApiError):
        status = json.loads(request(director.socket, "GET", "/v1/status"))
        processes = {each["version"] for each in status["processes"] if each["name"] == "vrrp"}
        return {status["version"], *processes}
    return set()


@pytest.fixture
def client(network: Network) -> Iterator[tuple[Host, list[subprocess.Popen[str]]]]:
    started: list[subprocess.Popen[str]] = []
    yield network.host("client", "10.99.0.9/24"), started
    for process in started:
        process.kill()


def test_an_upgrade_loses_no_probe(
    network: Network,
    tmp_path: Path,
    client: tuple[Host, list[subprocess.Popen[str]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The BACKUP director is first. Meanwhile the two versions run together."""
    pair = build_pair(network, tmp_path)
    lb1, lb2 = pair
    installed = {}
    for director in pair:
        where = tmp_path / f"installation-{director.host.name}"
        installed[director.host.name] = found = Installation(where)
        director.process = start_director(
            director.host, director.text, tmp_path, (found.python, "-I")
        )
    for director in pair:
        director.wait_for("pair_peer_reached")
    eventually(lambda: versions(lb1) | versions(lb2), 20.0, expected={EARLIER})
    eventually(lambda: lb1.host.holds(VIRTUAL_ADDRESS), 20.0, "lb1 ACTIVE")
    eventually(lambda: main(["wait", "ready", "--socket", lb2.socket]), 20.0, expected=0)
    host, started = client
    probing = run_python(host, CLIENT, VIRTUAL_ADDRESS)
    started.append(probing)

    def upgrade(director: PairedDirector) -> None:
        installed[director.host.name].install(__version__)
        assert main(["restart", "--vrrp", "--socket", director.socket]) == 0
        eventually(lambda: versions(director), 30.0, director.host.name, expected={__version__})
        eventually(lambda: main(["wait", "ready", "--socket", director.socket]), 20.0, expected=0)

    upgrade(lb2)
    hand_over = ["handover", "--reason", "upgrade", "--socket", lb1.socket]
    eventually(lambda: main(hand_over), 20.0, "the handover", expected=0)
    assert lb2.host.holds(VIRTUAL_ADDRESS)
    upgrade(lb1)
    assert main(["handover", "--undo", "--socket", lb1.socket]) == 0
    eventually(lambda: lb1.host.holds(VIRTUAL_ADDRESS), 20.0, "lb1 ACTIVE again")
    eventually(lambda: lb2.host.holds(VIRTUAL_ADDRESS), 20.0, "lb2 BACKUP", expected=False)

    probing.send_signal(signal.SIGTERM)
    output, _ = probing.communicate(timeout=10.0)
    sent, lost = map(int, output.split())
    assert sent > 100
    assert lost == 0
    assert not lb2.events("pair_peer_refused")
