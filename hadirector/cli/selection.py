"""The arguments that name real servers: one, all of a virtual server, or all of a host."""

from __future__ import annotations

import argparse
from typing import Final, NamedTuple
from urllib.parse import quote

HOST: Final = "host"
EXPECTED: Final = "expected VS/RS, the name of a virtual server, or the word host and an address"


class Selection(NamedTuple):
    """One real server, or patterns of virtual servers and real servers (``*`` is any text)."""

    virtual_server: str
    real_server: str
    several: bool

    @property
    def route(self) -> str:
        """The route of the override of one real server."""
        server, member = quote(self.virtual_server, ""), quote(self.real_server, "")
        return f"/v1/virtual-servers/{server}/real-servers/{member}/override"

    @property
    def words(self) -> str:
        """The words on the command line that select the same real servers."""
        if not self.several:
            return f"{self.virtual_server}/{self.real_server}"
        return self.virtual_server if self.real_server == "*" else f"{HOST} {self.real_server}"

    @property
    def patterns(self) -> dict[str, str]:
        """The patterns, as a request for several real servers has them."""
        return {"virtual_server": self.virtual_server, "real_server": self.real_server}


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Declare the argument."""
    parser.add_argument(
        "name",
        nargs="+",
        metavar="NAME",
        help="VS/RS, a real server such as web/192.0.2.45:80; VS, all real servers of a virtual"
        " server; or host ADDRESS, the real servers of all pools at this address",
    )


def select(words: list[str]) -> Selection | None:
    """Return the selected real servers, or None if the words select nothing."""
    match words:
        case ["host", address] if address:
            return Selection("*", address, several=True)
        case [name]:
            virtual_server, slash, real_server = name.partition("/")
            if virtual_server and real_server:
                return Selection(virtual_server, real_server, several=False)
            if virtual_server and not slash:
                return Selection(virtual_server, "*", several=True)
    return None


def address_of(name: str) -> str:
    """Return the address in the name of a real server: 192.0.2.45:80, [fd00::45]:80, fd00::45."""
    if name.startswith("["):
        return name[1:].partition("]")[0]
    address, _, port = name.rpartition(":")
    return address if address and port.isdecimal() and ":" not in address else name
