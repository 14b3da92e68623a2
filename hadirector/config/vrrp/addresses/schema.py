"""The keys of a virtual address."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BeforeValidator

from hadirector.config.keys.addresses import VIRTUAL_ADDRESS
from hadirector.config.keys.key import Key
from hadirector.config.keys.names import InterfaceName
from hadirector.config.keys.readers import expectation_error, mapping, text
from hadirector.config.keys.section import Section
from vrrp.model.configuration import Placement

SCOPES: Final = {"global": 0, "site": 200, "link": 253, "host": 254}
"""The numbers of the kernel (rtnetlink(7), rtm_scope)."""
Scope = Annotated[int, mapping(SCOPES)]
# IFNAMSIZ is 16 with the final zero (linux/if.h).
Label = Annotated[
    str,
    text(
        r"[\x21-\x7e]{1,15}",
        "a label of 1 to 15 visible characters",
        "at most 15 characters that begin with the name of the device",
    ),
]
# The keys that virtual and static addresses share.
OptionalLabel = Annotated[
    Label | None,
    Key("IPv4 only: the name of the address in older tools, such as `eth1:web`.", default="none"),
]
AddressScope = Annotated[
    Scope,
    Key("IPv4 only: where the address is valid, as in ip-address(8).", default="`global`"),
]


class AddressSection(Section):
    """A virtual address, with its device, label and scope."""

    other_form = VIRTUAL_ADDRESS.json_schema

    model = Placement

    address: Annotated[
        str,
        VIRTUAL_ADDRESS,
        Key(
            "Without a prefix length, the address is a /32 or a /128. A /128 is never the source"
            " of connections of the host itself. For an IPv4 prefix length below 32,"
            " `promote_secondaries` of the device is set, so that the removal of one address"
            " leaves the other addresses of its subnet in place."
        ),
    ]
    device: Annotated[
        InterfaceName | None,
        Key(
            "The interface that holds and announces the address. If this device is down or"
            " missing, the instance reports it, adds the address as soon as possible, and keeps"
            " its state. If the instance must fail with the device, `track` the interface.",
            default="`interface`, or the interface of `virtual_mac`",
        ),
    ] = None
    label: OptionalLabel = None
    scope: AddressScope = SCOPES["global"]

    @property
    def host(self) -> str:
        """The address without its prefix length."""
        return self.address.partition("/")[0]


def _read_address(value: object) -> object:
    """Read a text as a mapping that has only the address."""
    if isinstance(value, str):
        return AddressSection(address=VIRTUAL_ADDRESS(value))
    if not isinstance(value, dict):
        raise expectation_error("a literal address, or a mapping that has one")
    return value


VirtualAddress = Annotated[AddressSection, BeforeValidator(_read_address)]
