"""The keys of virtual routes and rules."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hadirector.config.keys.addresses import PREFIX, Address, ip_version
from hadirector.config.keys.key import Key
from hadirector.config.keys.names import InterfaceName
from hadirector.config.keys.readers import BOOLEAN, Reader, choice, expectation_error, integer
from hadirector.config.keys.section import Section
from hadirector.config.vrrp.addresses.schema import Scope
from vrrp.model.configuration import NextHop, RouteKind

DEFAULT_ROUTE = "default"
MAIN_TABLE = 254
_TABLES = {"main": MAIN_TABLE, "default": 253}
NUMBER_MAX = 0xFFFFFFFF
WEIGHT_MAX = 256
"""The kernel stores the weight minus 1 in one byte (linux/rtnetlink.h, rtnh_hops)."""
EVERYTHING = {4: "0.0.0.0/0", 6: "::/0"}
"""The prefix of all addresses, by IP version."""


def _read_destination(value: object) -> str:
    return DEFAULT_ROUTE if value == DEFAULT_ROUTE else PREFIX(value)


def _read_table(value: object) -> int:
    if isinstance(value, str) and value in _TABLES:
        return _TABLES[value]
    if type(value) is not int or not 1 <= value <= NUMBER_MAX:
        raise expectation_error(f"main, default or a whole number from 1 to {NUMBER_MAX}")
    return value


Prefix = Annotated[str, PREFIX]
Destination = Annotated[str, Reader(_read_destination, "prefix, or `default`")]
_TABLE_FORMS = {"anyOf": [{"enum": [*_TABLES]}, integer(1, NUMBER_MAX).json_schema]}
Table = Annotated[int, Reader(_read_table, f"`main`, `default` or 1 to {NUMBER_MAX}", _TABLE_FORMS)]
Number = Annotated[int, integer(0, NUMBER_MAX)]
RouteType = Annotated[RouteKind, choice(("unicast", "blackhole", "unreachable", "prohibit"))]
RuleType = Annotated[
    Literal["blackhole", "unreachable", "prohibit"],
    choice(("blackhole", "unreachable", "prohibit")),
]


class NextHopSection(Section):
    """One of several next hops of a route."""

    model = NextHop

    gateway: Annotated[
        Address | None,
        Key("The next hop. It needs a `device` if it is link-local.", default="none"),
    ] = None
    device: Annotated[
        InterfaceName | None,
        Key("The interface that packets leave by.", default="the interface towards the gateway"),
    ] = None
    weight: Annotated[
        int,
        integer(1, WEIGHT_MAX),
        Key("The share of this next hop among the flows, relative to the other weights."),
    ] = 1
    on_link: Annotated[
        bool,
        BOOLEAN,
        Key("Treat the gateway as reachable on the device, regardless of its address."),
    ] = False


class RouteSection(Section):
    """A virtual route."""

    destination: Annotated[
        Destination,
        Key(
            "The destination; an address without a length is a /32 or a /128. `default` belongs to"
            " the address family of `gateway` or `source`, or else of the instance."
        ),
    ]
    gateway: Annotated[
        Address | None,
        Key(
            "The next hop. A route without a gateway needs a `device` or `nexthops`, and a"
            " link-local gateway needs a `device`.",
            default="none",
        ),
    ] = None
    device: Annotated[
        InterfaceName | None,
        Key("The interface that packets leave by.", default="the interface towards the gateway"),
    ] = None
    nexthops: Annotated[
        list[NextHopSection],
        Key(
            "Several next hops, among which the kernel divides the flows, in place of `gateway`,"
            " `device` and `on_link`.",
            type="list of 2 to 32 [next hops](#nexthops)",
            default="none",
        ),
    ] = []
    source: Annotated[
        Address | None,
        Key(
            "The source address of connections of the host itself. It may be a virtual address.",
            default="the kernel's choice",
        ),
    ] = None
    metric: Annotated[
        Number,
        Key(
            "Of several routes to a destination, the route with the lowest metric is used.",
            default="0; for IPv6 1024, because the kernel replaces 0 by 1024",
        ),
    ] = 0
    table: Annotated[Table, Key("The routing table.", default="`main`")] = MAIN_TABLE
    scope: Annotated[
        Scope | None,
        Key(
            "IPv4 only: the scope of the destination.",
            default="`link` without a gateway, else `global`",
        ),
    ] = None
    type: Annotated[
        RouteType,
        Key(
            "The treatment of packets: `unicast` forwards them, `blackhole` drops them, and the"
            " others refuse them with an ICMP error. A route that does not forward has no"
            " `gateway`, `device`, `nexthops`, `source`, `scope` or `on_link`.",
            field="kind",
        ),
    ] = "unicast"
    on_link: Annotated[
        bool,
        BOOLEAN,
        Key("Treat the gateway as reachable on the device, regardless of its address."),
    ] = False

    def prefix(self, family: int) -> str:
        """Return the destination as a prefix.

        The destination ``default`` becomes a prefix of the address family of its gateways
        or source, or else of ``family``.
        """
        if self.destination != DEFAULT_ROUTE:
            return self.destination
        gateways = (self.gateway, *(hop.gateway for hop in self.nexthops), self.source)
        address = next((each for each in gateways if each is not None), None)
        return EVERYTHING[family if address is None else ip_version(address)]


class RuleSection(Section):
    """A virtual rule."""

    priority: Annotated[
        int,
        integer(1, NUMBER_MAX),
        Key("Rules are tried in this order. The rule for table main has 32766."),
    ]
    origin: Annotated[
        Prefix | None, Key("The source addresses of the packets.", default="any", field="source")
    ] = Field(default=None, alias="from")
    to: Annotated[
        Prefix | None,
        Key("The destination addresses of the packets.", default="any", field="destination"),
    ] = None
    input_device: Annotated[
        InterfaceName | None,
        Key(
            "The interface that packets arrive on. `lo` stands for packets of the host itself.",
            default="any",
        ),
    ] = None
    output_device: Annotated[
        InterfaceName | None,
        Key("The interface that a socket of this host is bound to.", default="any"),
    ] = None
    fwmark: Annotated[
        Number | None, Key("The firewall mark of the packets.", default="any", field="mark")
    ] = None
    fwmask: Annotated[
        Number | None,
        Key("The bits of the mark that are compared.", default="all bits", field="mask"),
    ] = None
    table: Annotated[
        Table | None,
        Key("The routing table to use. A rule has a `table` or a `type`.", default="none"),
    ] = None
    type: Annotated[
        RuleType | None,
        Key(
            "The treatment of packets without a table, as for a route.",
            default="none",
            field="kind",
        ),
    ] = None

    def family(self, default: int) -> int:
        """Return the IP version of the prefixes, or ``default`` if the rule has no prefix."""
        prefix = self.origin or self.to
        return default if prefix is None else ip_version(prefix)
