"""The compared routers, a whole director and keepalived, with equal settings.

Both routers of a pair have priority 100: the ACTIVE router stays ACTIVE when the other returns, and
every takeover waits for the same skew time. Both are scheduled in real time: at 10 ms an ordinary
process would wait for the processor, on either side.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hadirector.api.client import request
from hadirector.lab.topology import Host, Network
from tests.lab.experiment import start_director
from tests.lab.routers import VIRTUAL_ADDRESS, Keepalived
from tests.waiting import eventually

PRIORITY, LOWERED = 100, 50

_DIRECTOR = """\
director: {{name: {name}, dataplane: dry-run, realtime: true, runtime_directory: {directory}}}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    priority: 100
    advert_interval: {interval:g}
    virtual_addresses: [10.99.0.100]
"""


# Its default limit of 10 ms without sleeping kills it at a takeover on a busy machine.
_KEEPALIVED_REALTIME = """\
global_defs {
    vrrp_rt_priority 10
    vrrp_rlimit_rttime 1000000
    vrrp_no_swap
}
"""


class ComparedRouter(Protocol):
    """What every event of the benchmark needs of a router."""

    host: Host

    def start(self) -> None:
        """Start it. It becomes BACKUP, or ACTIVE if it is alone."""

    def terminate(self) -> None:
        """Send it SIGTERM."""

    def finish(self) -> None:
        """Wait for its end after `terminate`."""

    def hand_over(self) -> None:
        """Give the address to the other router and run on."""

    def take_part_again(self) -> None:
        """Undo `hand_over`."""

    def restart(self) -> None:
        """Restart the program as its operators do; the restart may end a little later."""

    def backups(self) -> int:
        """Return how often it has become BACKUP since it was made."""


class Director:
    """``hadirector run`` with all its processes, and nothing to balance.

    ``python`` is the command that runs it (see ``start_director``). ``keys`` are further keys of
    the instance.
    """

    def __init__(
        self,
        host: Host,
        directory: Path,
        interval: float,
        python: Sequence[str] = (sys.executable,),
        keys: Sequence[str] = (),
    ) -> None:
        self.host = host
        self._python = python
        self._directory = directory
        runtime = directory / host.name
        self._api = str(runtime / "api.sock")
        text = _DIRECTOR.format(name=host.name, directory=runtime, interval=interval)
        self._configuration = text + "".join(f"    {key}\n" for key in keys)

    def start(self) -> None:
        self._process = start_director(
            self.host, self._configuration, self._directory, self._python
        )

    def terminate(self) -> None:
        self._process.terminate()

    def finish(self) -> None:
        self.host.stop(self._process)

    def hand_over(self) -> None:
        request(self._api, "PUT", "/v1/handover")

    def take_part_again(self) -> None:
        request(self._api, "DELETE", "/v1/handover")

    def restart(self) -> None:
        request(self._api, "POST", "/v1/restart")

    def backups(self) -> int:
        log = self._directory / f"{self.host.name}.log"
        return log.read_text().count('"state": "BACKUP"') if log.exists() else 0


class KeepalivedRouter:
    """keepalived, VRRP only."""

    def __init__(self, host: Host, directory: Path, interval: float) -> None:
        self.host = host
        self._directory = directory
        self._interval = interval
        self._earlier_backups = 0
        self._running: Keepalived | None = None

    def start(self) -> None:
        self._earlier_backups = self.backups()
        # A killed process whose parent has not reaped it would count as a running one.
        for stale in self._directory.glob(f"{self.host.namespace}*.pid"):
            stale.unlink()
        self._running = Keepalived(
            self.host,
            self._directory,
            priority=PRIORITY,
            advert_interval=self._interval,
            heading=_KEEPALIVED_REALTIME,
        )

    def terminate(self) -> None:
        assert self._running is not None
        self._running.process.terminate()

    def finish(self) -> None:
        assert self._running is not None
        self._running.stop()

    def hand_over(self) -> None:
        """Lower the priority and reload: keepalived has no command for a handover."""
        self._set_priority(LOWERED)

    def take_part_again(self) -> None:
        self._set_priority(PRIORITY)

    def restart(self) -> None:
        self.terminate()
        self.finish()
        self.start()

    def backups(self) -> int:
        if self._running is None:
            return 0
        return self._earlier_backups + self._running.log.read_text().count("Entering BACKUP STATE")

    def _set_priority(self, priority: int) -> None:
        assert self._running is not None
        configuration = self._running.log.with_suffix(".conf")
        lines = configuration.read_text().splitlines(keepends=True)
        changed = [
            f"    priority {priority}\n" if each.startswith("    priority ") else each
            for each in lines
        ]
        configuration.write_text("".join(changed))
        self._running.process.send_signal(signal.SIGHUP)


Kind = Callable[[Host, Path, float], ComparedRouter]


@dataclass(frozen=True)
class Pair:
    """Two routers and a client on a bridge of their own."""

    network: Network
    client: Host
    routers: tuple[ComparedRouter, ComparedRouter]

    def roles(self) -> tuple[ComparedRouter, ComparedRouter]:
        """Return the router that holds the address, and the other one."""
        first, second = self.routers
        return (first, second) if first.host.holds(VIRTUAL_ADDRESS) else (second, first)

    def settle(self) -> None:
        """Wait until exactly one router holds the address."""

        def settled() -> bool:
            return [each.host.holds(VIRTUAL_ADDRESS) for each in self.routers].count(True) == 1

        eventually(settled, 20.0, "one router with the address")


def build(network: Network, directory: Path, kinds: tuple[Kind, Kind], interval: float) -> Pair:
    """Build a pair. The first router is ACTIVE before the second one starts.

    The client never verifies its neighbors: probes of its kernel would fall into some runs and not
    into others.
    """
    certain = {
        "net.ipv4.neigh.eth0.base_reachable_time_ms": "86400000",
        "net.ipv4.neigh.eth0.delay_first_probe_time": "86400",
    }
    client = network.host("client", "10.99.0.70/24")
    client.sysctl(certain)
    directory.mkdir()
    first, second = (
        kind(network.host(f"router{number}", f"10.99.0.{number}/24"), directory, interval)
        for number, kind in enumerate(kinds, start=1)
    )
    first.start()
    eventually(lambda: first.host.holds(VIRTUAL_ADDRESS), 30.0, "the first router ACTIVE")
    second.start()
    eventually(lambda: second.backups() > 0, 30.0, "the second router BACKUP")
    return Pair(network, client, (first, second))
