"""A real FRR vrrpd on a lab host, with the zebra that it needs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from hadirector.lab.topology import Host
from tests.lab.routers import VIRTUAL_ROUTER_ID
from tests.waiting import eventually

DAEMONS = Path("/usr/lib/frr")
"""The directory of the daemons in Debian's package frr. It is not in the search path."""

_MACVLAN = "vrrp"
_OWNER = "frr"


class Frr:
    """FRR's vrrpd, version 3 over multicast, for addresses of one family.

    It needs an interface with the virtual MAC (RFC 9568 7.3) and the virtual addresses, which an
    administrator creates. While it is BACKUP, it takes the carrier from this interface. Over IPv6
    it advertises from the first link-local address of the interface: ``link_local``. Its daemons
    run as their own user and own ``directory``: choose a directory whose parents every user may
    enter.
    """

    def __init__(
        self,
        host: Host,
        directory: Path,
        *,
        priority: int,
        addresses: Sequence[str],
        advert_interval: float = 0.1,
        link_local: str = "",
    ) -> None:
        self.host = host
        self._directory = directory
        shutil.chown(directory, _OWNER, _OWNER)
        family = 6 if ":" in addresses[0] else 4
        self._make_interface(family, [each for each in (*addresses, link_local) if each])
        word = "ipv6" if family == 6 else "ip"
        listed = (
            f" vrrp {VIRTUAL_ROUTER_ID} {word} {each.partition('/')[0]}" for each in addresses
        )
        settings = [
            "interface eth0",
            f" vrrp {VIRTUAL_ROUTER_ID} version 3",
            f" vrrp {VIRTUAL_ROUTER_ID} priority {priority}",
            f" vrrp {VIRTUAL_ROUTER_ID} advertisement-interval {round(advert_interval * 1000)}",
            *listed,
        ]
        self.log = directory / f"{host.name}.frr.log"
        self.log.touch()
        self._zebra = self._start("zebra", [])
        eventually((directory / "zebra.socket").exists, 10.0, "zebra listens")
        self._vrrpd = self._start("vrrpd", settings)

    def holds(self) -> bool:
        """Return whether its interface with the virtual addresses has a carrier."""
        return "LOWER_UP" in self.host.run("ip", "link", "show", _MACVLAN).stdout

    def entered(self, state: Literal["BACKUP", "ACTIVE"]) -> int:
        """Return the number of transitions to a state."""
        word = "Master" if state == "ACTIVE" else "Backup"
        return self.log.read_text().count(f" -> {word}\n")

    def wait_for_backup(self) -> None:
        """Wait until it is BACKUP."""
        eventually(lambda: self.entered("BACKUP") > 0, 10.0, "FRR is BACKUP")

    def stop(self) -> None:
        """Stop vrrpd with SIGTERM. zebra stays, because it takes the carrier away."""
        self.host.stop(self._vrrpd)

    def crash(self) -> None:
        """Kill its processes with SIGKILL; its host runs on."""
        self.host.kill_processes()

    def _make_interface(self, family: int, addresses: Sequence[str]) -> None:
        mac = f"00:00:5e:00:{family // 5 + 1:02x}:{VIRTUAL_ROUTER_ID:02x}"
        self.host.ip(f"link add {_MACVLAN} link eth0 address {mac} type macvlan mode bridge")
        # RFC 9568 7.4: no interface identifier is derived from the virtual MAC.
        self.host.sysctl({f"net.ipv6.conf.{_MACVLAN}.addr_gen_mode": "1"})
        self.host.ip(
            *(f"address add {each} dev {_MACVLAN}" for each in addresses), f"link set {_MACVLAN} up"
        )

    def _start(self, daemon: str, settings: Sequence[str]) -> subprocess.Popen[str]:
        file = self._directory / f"{daemon}.conf"
        file.write_text("\n".join(("log stdout", *settings, "")))
        with self.log.open("a") as output:
            return self.host.start(
                *(str(DAEMONS / daemon), "--config_file", str(file)),
                *("--pid_file", str(self._directory / f"{daemon}.pid")),
                *("--socket", str(self._directory / "zebra.socket")),
                *("--vty_socket", str(self._directory), "--vty_port", "0"),
                output=output,
            )
