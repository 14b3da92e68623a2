"""A real FRR vrrpd on a host of a lab, with the zebra it needs."""

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
"""Where Debian's package frr has them: in nobody's search path."""

_MACVLAN = "vrrp"
_OWNER = "frr"


class Frr:
    """FRR's version 3, multicast, for addresses of one family.

    It wants an interface with the virtual MAC (RFC 9568 7.3) and the virtual addresses on it, made
    by its administrator, and lets that have no carrier while it is BACKUP. Over IPv6 it advertises
    from the first link-local address there: ``link_local``. Its daemons run as a user of their own,
    to whom ``directory`` is given: let it be in a place that everybody may enter.
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
        """Say whether its interface with the virtual addresses has a carrier."""
        return "LOWER_UP" in self.host.run("ip", "link", "show", _MACVLAN).stdout

    def entered(self, state: Literal["BACKUP", "ACTIVE"]) -> int:
        """How often it has gone into this state."""
        word = "Master" if state == "ACTIVE" else "Backup"
        return self.log.read_text().count(f" -> {word}\n")

    def wait_for_backup(self) -> None:
        """Wait until it takes part in the election."""
        eventually(lambda: self.entered("BACKUP") > 0, 10.0, "FRR is BACKUP")

    def stop(self) -> None:
        """Stop it in good order; zebra stays, to take the carrier away."""
        self.host.stop(self._vrrpd)

    def crash(self) -> None:
        """Kill its processes with SIGKILL on a host that lives on."""
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
