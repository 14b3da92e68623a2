"""Makes files in the form of keepalived.conf from a seed, for two hosts of the lab.

A file has one to three instances. keepalived 2.2.7 and hadirector accept every file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final, TypeVar

OWN: Final = {("eth0", 4): "10.99.0.1", ("eth1", 4): "10.98.0.1"} | {
    ("eth0", 6): "fe80::1",
    ("eth1", 6): "fe80::2",
}
"""The first address of each interface of a host, by IP version."""
NEIGHBORS: Final = {("eth0", 4): "10.99.0.9", ("eth1", 4): "10.98.0.9"} | {
    ("eth0", 6): "fe80::9",
    ("eth1", 6): "fe80::a",
}
"""Addresses of which a host knows the MAC. Nobody has them."""
_INTERFACES: Final = ("eth0", "eth1")
_SCOPES: Final = ("link", "global", "site", "200", "253")
_Value = TypeVar("_Value")


def generate(seed: int) -> str:
    """Return the text of the file of a seed."""
    return _File(Random(seed)).text()


class _File:
    """One file: the numbers and addresses in use are counted, so that they are unique."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._used = 0
        self._version = self._one_of(None, None, 2, 3)

    def text(self) -> str:
        """Return the text of the file."""
        self._priority = self._random.randint(1, 254)
        names = [f"VI_{number}" for number in range(1, self._random.randint(1, 3) + 1)]
        lines = []
        if self._version is not None:
            lines += ["global_defs {", f"vrrp_version {self._version}", "}"]
        self._grouped = len(names) > 1 and self._chance(0.4)
        if self._grouped:
            lines += ["vrrp_sync_group G {", "group {", *names, "}", "}"]
        for number, name in enumerate(names):
            lines += self._instance(name, 10 * number + self._random.randint(1, 10))
        return _indent(lines)

    def _instance(self, name: str, vrid: int) -> list[str]:
        family = self._one_of(4, 4, 6)
        interface = self._one_of(*_INTERFACES)
        own = self._one_of(None, None, 2, 3) if family == 4 else self._one_of(None, 3)
        version = 3 if family == 6 else own or self._version or 2
        lines = [f"vrrp_instance {name} {{", f"interface {interface}", f"virtual_router_id {vrid}"]
        lines += [] if own is None else [f"version {own}"]
        lines += self._maybe(f"state {self._one_of('MASTER', 'BACKUP')}")
        # All members of a sync group have the same priority.
        priority = self._priority if self._grouped else self._random.randint(1, 254)
        lines += self._maybe(f"priority {priority}", 1.0 if self._grouped else 0.5)
        lines += [f"advert_int {1 if version == 2 else self._one_of('0.2', '0.35', '0.5')}"]
        if version == 2 and self._chance(0.6):
            password = self._one_of("secret", "12345678", "x", "a-b_c.d")
            lines += ["authentication {", "auth_type PASS", f"auth_pass {password}", "}"]
        lines += self._transport(interface, family)
        lines += self._addresses(interface, family)
        lines += self._routes(family) if self._chance(0.5) else []
        lines += self._rules(family) if self._chance(0.5) else []
        return [*lines, "}"]

    def _transport(self, interface: str, family: int) -> list[str]:
        self._macvlan = self._chance(0.25)
        lines = ["use_vmac"] if self._macvlan else []
        if self._chance(0.35):
            neighbor = NEIGHBORS[interface, family]
            source = OWN[interface, family]
            lines += self._maybe(f"unicast_src_ip {source}", 0.7)
            return [*lines, "unicast_peer {", neighbor, "}"]
        if family == 4:
            lines += self._maybe(f"mcast_src_ip {OWN[interface, family]}", 0.2)
        return lines

    def _addresses(self, interface: str, family: int) -> list[str]:
        advertised = [self._address(family, interface) for _ in range(self._random.randint(1, 4))]
        if family == 6 and self._chance(0.8):
            self._used += 1
            advertised.insert(0, f"fe80::99:{self._used:x}")
        lines = ["virtual_ipaddress {", *advertised, "}"]
        if self._chance(0.4):
            families = [self._one_of(4, 6) for _ in range(self._random.randint(1, 3))]
            excluded = [self._address(each, interface) for each in families]
            lines += ["virtual_ipaddress_excluded {", *excluded, "}"]
        return lines

    def _address(self, family: int, interface: str) -> str:
        device = self._one_of(None, None, *_INTERFACES)
        words = [] if device is None else [f"dev {device}"]
        if family == 6:
            length = self._one_of("", "/64", "/128")
            return " ".join([f"2001:db8:{self._number():x}::100{length}", *words])
        if self._chance(0.3):
            words += [f"scope {self._one_of(*_SCOPES)}"]
        # The importer leaves out the label of an address on a macvlan.
        if device is not None and not self._macvlan and self._chance(0.5):
            words += [f"label {device}:{self._one_of('web', '0', 'v1')}"]
        if self._chance(0.3):
            words += [self._one_of("brd +", "brd 10.255.255.255")]
        self._random.shuffle(words)
        return " ".join([self._inet(device or interface), *words])

    def _inet(self, interface: str) -> str:
        """Return an address with its length.

        Two instances share no other network than that of the interface. Otherwise, the first one
        that is ACTIVE would have the primary address.
        """
        number = self._number()
        near = OWN[interface, 4].rpartition(".")[0]
        return self._one_of(
            f"{near}.{100 + number}" + self._one_of("", "/32", "/24"),
            f"10.{number}.0.100" + self._one_of("", "/32", "/24", "/16"),
        )

    def _routes(self, family: int) -> list[str]:
        lines = [self._route(family) for _ in range(self._random.randint(1, 3))]
        return ["virtual_routes {", *lines, "}"]

    def _route(self, family: int) -> str:
        numbers = [
            *self._maybe(f"metric {self._random.randint(1, 2000)}", 0.4),
            *self._maybe(f"table {self._random.randint(100, 110)}", 0.4),
        ]
        if self._chance(0.2):
            kind = self._one_of("blackhole", "unreachable", "prohibit")
            return " ".join([kind, self._network(family), *numbers])
        interface = self._one_of(*_INTERFACES)
        words = [self._network(family)]
        if self._chance(0.25):
            words += ["scope link"] if family == 4 else []
        else:
            words += [f"via {NEIGHBORS[interface, family]}"]
        if family == 4:
            words += self._maybe(f"src {OWN[interface, family]}", 0.2)
        return " ".join([*words, f"dev {interface}", *numbers])

    def _network(self, family: int) -> str:
        number = self._number()
        if family == 6:
            return self._one_of(f"2001:db8:{number:x}:1::/64", f"2001:db8:{number:x}:2::7")
        return self._one_of(f"192.168.{number}.0/24", f"192.168.{number}.7", f"172.{number}.0.0/16")

    def _rules(self, family: int) -> list[str]:
        lines = [self._rule(family) for _ in range(self._random.randint(1, 3))]
        return ["virtual_rules {", *lines, "}"]

    def _rule(self, family: int) -> str:
        words = [self._one_of("from", "to") + " " + self._network(family)]
        words += self._maybe(f"iif {self._one_of(*_INTERFACES)}", 0.3)
        words += self._maybe(f"fwmark {self._one_of('7', '0x10', '0x10/0xff')}", 0.3)
        table = f"table {self._random.randint(100, 110)}"
        words += [self._one_of(table, "blackhole", "lookup main")]
        words += self._maybe(f"priority {1000 + self._number()}", 0.6)
        return " ".join(words)

    def _number(self) -> int:
        """Return a number from 1 that no other address has."""
        self._used += 1
        return self._used

    def _maybe(self, line: str, chance: float = 0.5) -> list[str]:
        return [line] if self._chance(chance) else []

    def _chance(self, chance: float) -> bool:
        return self._random.random() < chance

    def _one_of(self, *values: _Value) -> _Value:
        return self._random.choice(values)


def _indent(lines: Sequence[str]) -> str:
    return "\n".join(_indented(lines)) + "\n"


def _indented(lines: Sequence[str]) -> Iterator[str]:
    depth = 0
    for line in lines:
        depth -= line == "}"
        yield "    " * depth + line
        depth += line.endswith("{")
