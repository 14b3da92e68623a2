"""One health checker of a real server, and the keys that all types of checks have."""

from __future__ import annotations

from typing import Final, NamedTuple

from hadirector.config.keepalived.node import Node, scalar, text
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.syntax.statement import Place, Statement
from hadirector.config.keepalived.translate.block import Block
from hadirector.config.keepalived.translate.timing import Chain
from hadirector.config.keepalived.translate.vrrp.users import ScriptUser

Keys = dict[str, Node | None]

_PORT_MAX: Final = 65535
_MARK_MAX: Final = 2**32 - 1


class Context(NamedTuple):
    """Facts from outside the virtual server: the options, and values of global_defs and SSL.

    ``user`` is the user of scripts that name no user. ``certificate`` has the keys of the
    client certificate of SSL_GET.
    """

    options: Options
    user: ScriptUser | None
    certificate: Keys


class Target(NamedTuple):
    """The port of a real server as written, None if it has none.

    ``differs`` is True if the destination in the kernel has another port. ``protocol`` is the
    protocol of the virtual server, None for a firewall mark.
    """

    port: int | None
    differs: bool
    protocol: str | None


class Member(NamedTuple):
    """One probe of a checker.

    If a checker has several, ``route`` has keys of the check around them.
    """

    place: Place
    keys: Keys
    route: Keys


class Checker(NamedTuple):
    """A checker with the blocks in which its keywords may occur. The innermost is its own block."""

    statement: Statement
    chain: Chain
    target: Target
    context: Context

    @property
    def block(self) -> Block:
        """The block of the checker itself."""
        return self.chain[0]

    @property
    def place(self) -> Place:
        """The place of the keyword of the checker."""
        return self.statement.keyword.place

    def member(
        self, kind: str, keys: Keys, *, transport: str | None, host: Block | None = None
    ) -> Member:
        """Build one probe of this checker.

        ``transport`` is the protocol of the probed port, None if the probe has no port.
        ``host`` is the block with the target of the probe, if that is not the block of the
        checker.
        """
        block = host or self.block
        target: Keys = {"type": scalar(kind, self.place), "address": _text(block, "connect_ip")}
        if transport is not None:
            target["port"] = self._port(block, transport)
        return Member(self.place, {**target, **keys}, _route(block))

    def _port(self, block: Block, transport: str) -> Node | None:
        statement = block.last("connect_port")
        if statement is not None:
            port = block.number(statement, 1, _PORT_MAX)
            return None if port is None else scalar(port, *_places(statement))
        needed = self.target.differs or self.target.protocol not in (None, transport)
        if not needed or self.target.port is None:
            return None
        return scalar(self.target.port, self.place)


def _route(block: Block) -> Keys:
    mark = block.last("fwmark")
    number = block.number(mark, 0, _MARK_MAX) if mark else None
    return {
        "source": _text(block, "bindto"),
        "interface": _text(block, "bind_if"),
        "mark": scalar(number, *_places(mark)) if mark and number else None,
    }


def _text(block: Block, name: str) -> Node | None:
    statement = block.last(name)
    return text(statement.arguments[0], statement.keyword) if statement else None


def _places(statement: Statement) -> tuple[Place, Place]:
    return statement.arguments[0].place, statement.keyword.place
