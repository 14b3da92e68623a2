"""Facts about an instance on which several keys depend, derived as keepalived derives them."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from typing import Final

from msgspec import Struct

from hadirector.config.document.errors import quote
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.syntax.statement import Place, Statement
from hadirector.config.keepalived.translate.block import Block
from hadirector.config.keepalived.translate.vrrp.defaults import Defaults, Ordered
from hadirector.config.keepalived.translate.vrrp.values import decimal, lines, whole

OWNER: Final = 255
_UNIT: Final = {2: Decimal(1), 3: Decimal("0.01")}
_LONGEST: Final = {2: Decimal(255), 3: Decimal("40.95")}


class Facts(Struct, frozen=True):
    """An instance, with facts about it.

    ``here`` are the defaults at the place of the instance, and ``anywhere`` the defaults of the
    whole file. ``master`` is True if the instance starts as MASTER in keepalived.
    """

    block: Block
    statement: Statement
    here: Defaults
    anywhere: Defaults
    options: Options
    name: str
    family: int
    version: int
    priority: int | None
    strict: bool
    master: bool

    @property
    def place(self) -> Place:
        """The place of the instance."""
        return self.statement.keyword.place

    @property
    def interface(self) -> str | None:
        """The name of the interface."""
        word = self.block.word("interface")
        return word.text if word else None

    @property
    def is_owner(self) -> bool:
        """Whether the instance is the address owner."""
        return self.priority == OWNER

    @property
    def has_peers(self) -> bool:
        """Whether the instance sends unicast advertisements to peers."""
        return next(lines(self.block, "unicast_peer"), None) is not None

    @property
    def interval(self) -> Decimal:
        """The advertisement interval in seconds. It is rounded as in keepalived."""
        word = self.block.word("advert_int")
        given = decimal(word) if word else None
        if given is None:
            return Decimal(1)
        unit = _UNIT[self.version]
        rounded = (given / unit + Decimal("0.5")).to_integral_value(ROUND_FLOOR) * unit
        return min(max(rounded, unit), _LONGEST[self.version])


def read_facts(
    each: Ordered, block: Block, name: str, anywhere: Defaults, options: Options
) -> Facts:
    """Derive the facts of an instance."""
    family = _family(block)
    strict = block.flag("strict_mode")
    is_strict = anywhere.strict is not None if strict is None else strict
    priority = _priority(block, options)
    wants_master = _state(block)
    # In strict mode, only the address owner begins as MASTER.
    is_owner = priority == OWNER
    master = is_owner if wants_master is None or is_strict else wants_master
    version = _version(block, family, anywhere)
    if version is None:
        # A password exists only in version 2.
        has_password = block.last("authentication") is not None
        version = 3 if options.own_defaults and not has_password else 2
    return Facts(
        block=block,
        statement=each.statement,
        here=each.defaults,
        anywhere=anywhere,
        options=options,
        name=name,
        family=family,
        version=version,
        priority=priority,
        strict=is_strict,
        master=master,
    )


def _family(block: Block) -> int:
    """Return the IP version: that of the first address in the instance."""
    if block.last("native_ipv6") is not None:
        return 6
    lists = ("unicast_peer", "virtual_ipaddress")
    for statement in block.statements:
        word = None
        if statement.keyword.text in ("unicast_src_ip", "mcast_src_ip", "mcast_dst_ip"):
            word = statement.arguments[0]
        elif statement.keyword.text in lists and statement.block:
            word = statement.block[0].keyword
        if word is not None:
            return 6 if ":" in word.text else 4
    return 4


def _state(block: Block) -> bool | None:
    """Return whether the state is MASTER; None without a state. MASTER is never taken back."""
    states = [statement.arguments[0] for statement in block.all("state")]
    for word in states:
        if word.text not in ("MASTER", "BACKUP"):
            message = f"state: {quote(word.text)} means BACKUP, as in keepalived"
            block.note("state", word.place, message)
    return any(word.text == "MASTER" for word in states) if states else None


def _priority(block: Block, options: Options) -> int | None:
    """Return the priority; None if it is missing or wrong."""
    word = block.word("priority")
    if word is not None:
        return whole(word)
    if options.own_defaults:
        return None
    return OWNER if any(each.arguments[0].text == "MASTER" for each in block.all("state")) else 100


def _version(block: Block, family: int, anywhere: Defaults) -> int | None:
    """Return the version; None if the file has no version."""
    found = block.last("version")
    version = block.number(found, 2, 3) if found is not None else None
    if family == 6:
        if version == 2 and found is not None:
            message = "version: IPv6 exists only in version 3"
            block.note("version", found.keyword.place, message)
        return 3
    return version or anywhere.version
