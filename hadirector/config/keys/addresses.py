"""Readers of addresses, ports and prefixes. Addresses are converted to their canonical form."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, NamedTuple

from pydantic_core import PydanticCustomError

from hadirector.config.keys.readers import Reader, expectation_error, integer

_BRACKETED = re.compile(r"\[([^\]]*)\](?::(.*))?", re.DOTALL)
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_MULTICAST = (ipaddress.ip_network("224.0.0.0/4"), ipaddress.ip_network("ff02::/16"))
_SUCH_AS = 'such as 192.0.2.1:80 or "[2001:db8::1]:80"; host names are not resolved'


class Endpoint(NamedTuple):
    """An address, and the port if the file gives one."""

    address: str
    port: int | None

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return self.address if self.port is None else f"{host}:{self.port}"


class PortRange(NamedTuple):
    """An address with all ports from ``first`` to ``last``."""

    address: str
    first: int
    last: int


def _read_address(value: object) -> str:
    found = _parse_address(value)
    if found is None:
        raise expectation_error("a literal IPv4 or IPv6 address; host names are not resolved")
    return found


def _read_endpoint(value: object) -> Endpoint:
    found, port = _split_endpoint(value)
    return Endpoint(found, None if port is None else _parse_port(port))


def _read_endpoint_with_port(value: object) -> Endpoint:
    found, port = _split_endpoint(value)
    if port is None:
        raise expectation_error(f"an address with its port, {_SUCH_AS}")
    return Endpoint(found, _parse_port(port))


def _read_service_endpoint(value: object) -> Endpoint:
    found, port = _split_endpoint(value)
    if port is None:
        raise expectation_error(f"an address with its port, {_SUCH_AS}")
    return Endpoint(found, 0 if port == "0" else _parse_port(port))


def _read_port_range(value: object) -> PortRange:
    found, ports = _split_endpoint(value)
    if ports is None:
        raise expectation_error(f"an address with its port or ports (80-89), {_SUCH_AS}")
    first, dash, last = ports.partition("-")
    port_range = PortRange(found, _parse_port(first), _parse_port(last if dash else first))
    if port_range.last < port_range.first:
        raise expectation_error("the lower port first")
    return port_range


def _read_virtual_address(value: object) -> str:
    host, slash, length = value.partition("/") if isinstance(value, str) else ("", "", "")
    found = _parse_address(host)
    if found is None:
        raise expectation_error("a literal address, with or without /PREFIX-LENGTH")
    longest = 128 if ":" in found else 32
    if not slash:
        return f"{found}/{longest}"
    if not re.fullmatch(r"[1-9][0-9]{0,2}", length) or int(length) > longest:
        raise expectation_error(f"a prefix length from 1 to {longest}")
    return f"{found}/{length}"


def _read_prefix(value: object) -> str:
    try:
        if isinstance(value, str) and "%" not in value:
            return str(ipaddress.ip_network(value))
    except ValueError:
        pass
    raise expectation_error("a prefix such as 10.0.0.0/8, with no bit set beyond its length")


def _read_multicast_group(value: object) -> str:
    try:
        found = ipaddress.ip_address(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or not any(found in network for network in _MULTICAST):
        raise expectation_error("a multicast address in 224.0.0.0/4 or ff02::/16")
    return str(found)


ADDRESS = Reader(_read_address, "address")
ENDPOINT = Reader(_read_endpoint, "address, with or without port")
"""ADDRESS or ADDRESS:PORT. An IPv6 address with a port is in brackets."""
ENDPOINT_WITH_PORT = Reader(_read_endpoint_with_port, "address with port")
"""ADDRESS:PORT, with a port of its own."""
SERVICE_ENDPOINT = Reader(_read_service_endpoint, "address with port")
"""ADDRESS:PORT. Port 0 stands for all ports."""
PORT_RANGE = Reader(_read_port_range, "address with port or ports")
"""ADDRESS:PORT or ADDRESS:FIRST-LAST."""
VIRTUAL_ADDRESS = Reader(_read_virtual_address, "address, with or without `/PREFIX-LENGTH`")
"""The default prefix length is that of a single address (/32 or /128)."""
PREFIX = Reader(_read_prefix, "prefix")
"""ADDRESS/LENGTH. The default length is that of a single address."""

MULTICAST_GROUP = Reader(_read_multicast_group, "multicast address")
"""An address in 224.0.0.0/4 or ff02::/16 (the link, RFC 4291 2.7)."""

Address = Annotated[str, ADDRESS]
MulticastGroup = Annotated[str, MULTICAST_GROUP]
Port = Annotated[int, integer(1, 65535)]


def ip_version(address: str) -> int:
    """Return the IP version of an address or a prefix: 4 or 6."""
    return 6 if ":" in address else 4


def _split_endpoint(value: object) -> tuple[str, str | None]:
    """Split an endpoint into its address, in canonical form, and the text of its port."""
    if not isinstance(value, str):
        raise _endpoint_error()
    if bracketed := _BRACKETED.fullmatch(value):
        host, port = bracketed.groups()
        if ":" not in host:
            raise _endpoint_error()
    elif value.count(":") == 1:
        host, port = value.split(":")
    else:
        host, port = value, None
    found = _parse_address(host)
    if found is None:
        raise _endpoint_error()
    return found, port


def _endpoint_error() -> PydanticCustomError:
    return expectation_error(f"ADDRESS:PORT, {_SUCH_AS}")


def _parse_port(text: str) -> int:
    if not _PORT.fullmatch(text) or not 1 <= int(text) <= 65535:
        raise expectation_error("a port from 1 to 65535 after the address")
    return int(text)


def _parse_address(value: object) -> str | None:
    """Return the canonical form of an address that one host can have; None for other values."""
    # IPVS and VRRP messages have no field for a scope (fe80::1%eth0).
    if not isinstance(value, str) or "%" in value:
        return None
    try:
        found = ipaddress.ip_address(value)
    except ValueError:
        return None
    if found.is_unspecified or found.is_multicast or str(found) == "255.255.255.255":
        return None
    return str(found)
