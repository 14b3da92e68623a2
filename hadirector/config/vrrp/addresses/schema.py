"""The keys that say what an ACTIVE instance puts on its host besides answering for itself."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, PlainValidator

from hadirector.config.keys.section import InterfaceName, Section
from hadirector.config.keys.values import choice, expected, text, virtual_address

Scope = Literal["global", "site", "link", "host"]
SCOPE: Final[tuple[Scope, ...]] = ("global", "site", "link", "host")
# IFNAMSIZ is 16 with the final zero (linux/if.h).
Label = Annotated[
    str, PlainValidator(text(r"[\x21-\x7e]{1,15}", "a label of 1 to 15 visible characters"))
]


class AddressSection(Section):
    """A virtual address, and where and how it is put."""

    address: Annotated[str, PlainValidator(virtual_address)]
    device: InterfaceName | None = None
    label: Label | None = None
    scope: Annotated[Scope, PlainValidator(choice(SCOPE))] = "global"

    @property
    def host(self) -> str:
        """The address without its prefix length."""
        return self.address.partition("/")[0]


def _address_alone(value: object) -> object:
    """Read a text as the address of a mapping that has nothing else."""
    if isinstance(value, str):
        return AddressSection(address=virtual_address(value))
    if not isinstance(value, dict):
        raise expected("a literal address, or a mapping that has one")
    return value


VirtualAddress = Annotated[AddressSection, BeforeValidator(_address_alone)]
