"""Translates virtual addresses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from hadirector.config.document.errors import quote
from hadirector.config.keepalived.node import Node, mapping, scalar, sequence
from hadirector.config.keepalived.syntax.statement import Place, Statement, Word
from hadirector.config.keepalived.translate.block import Block
from hadirector.config.keepalived.translate.vrrp.facts import Facts
from hadirector.config.keepalived.translate.vrrp.values import lines

ADVERTISED_MAX: Final = {4: 255, 6: 89}
"""The addresses in an advertisement, by IP version (MTU 1500)."""
_VALUES: Final = {"dev": "device", "label": "label", "scope": "scope"}
_SCOPES: Final = {"0": "global", "200": "site", "253": "link", "254": "host"}
_REFUSED: Final = frozenset(
    {"peer", "home", "mngtmpaddr", "autojoin", "noprefixroute", "use_vmac", "track_group"}
)


class VirtualAddress(Struct, frozen=True):
    """A virtual or static address, and the device that must exist for it.

    ``keys`` are the keys of the address. ``group`` is the track_group of a static address.
    """

    keys: dict[str, Node]
    place: Place
    text: str
    device: Word | None
    tracked: bool
    group: Word | None = None

    @property
    def node(self) -> Node:
        """The address, as a mapping if it has further keys."""
        return self.keys["address"] if len(self.keys) == 1 else mapping(self.place, self.keys)

    @property
    def family(self) -> int:
        """The IP version."""
        return 6 if ":" in self.text else 4


class Addresses(Struct, frozen=True):
    """The virtual addresses of an instance: advertised addresses, and unadvertised addresses."""

    advertised: list[VirtualAddress]
    excluded: list[VirtualAddress]

    @property
    def all(self) -> list[VirtualAddress]:
        """All addresses."""
        return [*self.advertised, *self.excluded]


def read_addresses(facts: Facts) -> Addresses:
    """Read the virtual addresses of an instance. An address that keepalived ignores is left out."""
    found = Addresses([], [])
    for address in _read_lines(facts, "virtual_ipaddress"):
        place = address.place
        if address.family != facts.family:
            message = f"{address.text} is left out, as in keepalived: it is not IPv{facts.family}"
            facts.block.note("address family", place, f"{message} like the first address")
        elif _is_new(address, found, facts):
            found.advertised.append(address)
    for address in _read_lines(facts, "virtual_ipaddress_excluded"):
        if _is_new(address, found, facts):
            found.excluded.append(address)
    most = ADVERTISED_MAX[facts.family]
    if len(found.advertised) > most:
        message = f"only {most} addresses are advertised, as in keepalived; the rest are held too"
        facts.block.note("many addresses", facts.place, message)
        return Addresses(found.advertised[:most], [*found.advertised[most:], *found.excluded])
    return found


def address_keys(facts: Facts, addresses: Addresses) -> dict[str, Node | None]:
    """Return ``virtual_addresses`` and ``unadvertised_addresses`` of an instance.

    The second is None if there are no unadvertised addresses.
    """
    first = facts.block.last("virtual_ipaddress")
    place = first.keyword.place if first else facts.place
    excluded = facts.block.last("virtual_ipaddress_excluded")
    return {
        "virtual_addresses": sequence(place, [each.node for each in addresses.advertised]),
        "unadvertised_addresses": sequence(
            excluded.keyword.place if excluded else place,
            [each.node for each in addresses.excluded],
        )
        if addresses.excluded
        else None,
    }


def _is_new(address: VirtualAddress, found: Addresses, facts: Facts) -> bool:
    for other in found.all:
        if other.text.partition("/")[0] == address.text.partition("/")[0] and _device(
            address
        ) == _device(other):
            message = f"{address.text} is left out, as in keepalived: the instance has it already"
            facts.block.note("second address", address.place, message)
            return False
    return True


def _device(address: VirtualAddress) -> str | None:
    return address.device.text if address.device else None


def _read_lines(facts: Facts, keyword: str) -> Iterator[VirtualAddress]:
    for line in lines(facts.block, keyword):
        address = read_address(line, facts.block)
        if facts.block.last("use_vmac") is not None:
            _place_beside_macvlan(address.keys, facts)
        yield address


def read_address(line: Statement, block: Block, *, static: bool = False) -> VirtualAddress:
    """Read the line of an address. A ``static`` address may have a track_group."""
    text = line.keyword.text
    keys: dict[str, Node] = {"address": scalar(text, line.keyword.place)}
    device: Word | None = None
    group: Word | None = None
    tracked = True
    words = iter(line.arguments)
    for word in words:
        value = next(words, None) if word.text in _WITH_VALUE else None
        if word.text in _WITH_VALUE and value is None:
            block.fault(word.place, f"{text}: {word.text} has no value (add it)")
        elif value is not None and word.text in _VALUES:
            device = value if word.text == "dev" else device
            _add_value(keys, word, value, block)
        elif word.text == "no_track":
            tracked = False
        elif static and word.text == "track_group":
            group = value
        else:
            _read_rest(text, word, value, block)
    return VirtualAddress(keys, line.keyword.place, text, device, tracked, group)


def _add_value(keys: dict[str, Node], word: Word, value: Word, block: Block) -> None:
    text, key = keys["address"].value, _VALUES[word.text]
    if ":" in str(text) and word.text != "dev":
        message = f"{text}: an IPv6 address has no {word.text}"
        block.note("IPv6 address", word.place, message)
        return
    named = _SCOPES.get(value.text, value.text) if key == "scope" else value.text
    keys[key] = scalar(named, value.place, word.place)


def _place_beside_macvlan(keys: dict[str, Node], facts: Facts) -> None:
    """Set the device of an address of an instance with use_vmac.

    For keepalived, the interface of the instance means the macvlan. The macvlan has no address of
    the other IP version.
    """
    address = keys["address"]
    device = keys.get("device")
    is_other = (":" in str(address.value)) != (facts.family == 6)
    if device is None and is_other and facts.interface is not None:
        keys["device"] = scalar(facts.interface, address.place)
    elif device is not None and device.value == facts.interface and not is_other:
        del keys["device"]
    label = keys.get("label")
    if label is not None and "device" not in keys:
        message = f"{address.value}: label {label.value} is left out: the address is on the macvlan"
        facts.block.note("label", label.place, message)
        del keys["label"]


_WITH_VALUE = frozenset({*_VALUES, "brd", "broadcast", "preferred_lft", "peer", "track_group"})


def _read_rest(text: str, word: Word, value: Word | None, block: Block) -> None:
    """Note or refuse a word that has no key."""
    if word.text in ("brd", "broadcast"):
        message = f"{text}: hadirector adds the address without a broadcast address"
        block.note("broadcast", word.place, message)
    elif word.text == "-nodad":
        message = f"{text}: the address is added without duplicate address detection"
        block.note("nodad", word.place, message)
    elif word.text == "preferred_lft" and value is not None:
        single = ":" in text and text.partition("/")[2] in ("", "128")
        if value.text != ("0" if single else "forever"):
            message = (
                f"{text}: hadirector does not support preferred_lft {value.text} (leave it out)"
            )
            block.fault(word.place, message)
    elif word.text in _REFUSED:
        block.fault(word.place, f"{text}: {word.text} is not possible here (leave it out)")
    else:
        block.fault(word.place, f"{text}: unknown word {quote(word.text)}")
