"""The keys of virtual routes and rules."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import Field, PlainValidator

from hadirector.config.keys.section import InterfaceName, Section
from hadirector.config.keys.values import address, boolean, choice, expected, whole
from hadirector.config.vrrp.addresses.schema import SCOPE, Scope
from vrrp.model.configuration import RouteKind

DEFAULT_ROUTE = "default"
MAIN_TABLE = 254
_TABLES = {"main": MAIN_TABLE, "default": 253}
NUMBER_MAX = 0xFFFFFFFF


def prefix(value: object) -> str:
    """Read ADDRESS/LENGTH; without a length, one address."""
    try:
        if isinstance(value, str) and "%" not in value:
            return str(ipaddress.ip_network(value))
    except ValueError:
        pass
    raise expected("a prefix such as 10.0.0.0/8, with no bit set beyond its length")


def destination(value: object) -> str:
    """Read a prefix, or the word for all of a family."""
    return DEFAULT_ROUTE if value == DEFAULT_ROUTE else prefix(value)


def table(value: object) -> int:
    """Read a routing table."""
    if isinstance(value, str) and value in _TABLES:
        return _TABLES[value]
    if type(value) is not int or not 1 <= value <= NUMBER_MAX:
        raise expected(f"main, default or a whole number from 1 to {NUMBER_MAX}")
    return value


Address = Annotated[str, PlainValidator(address)]
Prefix = Annotated[str, PlainValidator(prefix)]
Table = Annotated[int, PlainValidator(table)]
Number = Annotated[int, PlainValidator(whole(0, NUMBER_MAX))]


class RouteSection(Section):
    """A virtual route."""

    destination: Annotated[str, PlainValidator(destination)]
    gateway: Address | None = None
    device: InterfaceName | None = None
    source: Address | None = None
    metric: Number = 0
    table: Table = MAIN_TABLE
    scope: Annotated[Scope, PlainValidator(choice(SCOPE))] | None = None
    type: Annotated[
        RouteKind, PlainValidator(choice(("unicast", "blackhole", "unreachable", "prohibit")))
    ] = "unicast"
    on_link: Annotated[bool, PlainValidator(boolean)] = False


class RuleSection(Section):
    """A virtual rule."""

    priority: Annotated[int, PlainValidator(whole(1, NUMBER_MAX))]
    origin: Prefix | None = Field(default=None, alias="from")
    to: Prefix | None = None
    input_device: InterfaceName | None = None
    output_device: InterfaceName | None = None
    fwmark: Number | None = None
    fwmask: Number | None = None
    table: Table | None = None
    type: (
        Annotated[
            Literal["blackhole", "unreachable", "prohibit"],
            PlainValidator(choice(("blackhole", "unreachable", "prohibit"))),
        ]
        | None
    ) = None
