"""Translates `lvs_method`: the forwarding method and the options of a tunnel."""

from __future__ import annotations

from typing import Final, NamedTuple

from hadirector.config.keepalived.node import Node, mapping, scalar
from hadirector.config.keepalived.syntax.statement import Statement, Word
from hadirector.config.keepalived.translate.block import Block
from hadirector.model.ipvs import ForwardingMethod

_METHODS: Final = {
    "NAT": ForwardingMethod.NAT,
    "DR": ForwardingMethod.DR,
    "TUN": ForwardingMethod.TUN,
}
_FOREIGN: Final = frozenset({"FNAT", "SNAT", "FULLNAT"})
_CHECKSUMS: Final = {"nocsum": "none", "csum": "full", "remcsum": "remote"}


class Forwarding(NamedTuple):
    """A forwarding method with its tunnel. ``statement`` is None for the default method."""

    method: ForwardingMethod
    tunnel: Node | None = None
    statement: Statement | None = None

    @property
    def node(self) -> Node | None:
        """The value of the key `forwarding`; None for the default method."""
        if self.statement is None:
            return None
        word, keyword = self.statement.arguments[0], self.statement.keyword
        return scalar(str(self.method), word.place, keyword.place)


DEFAULT: Final = Forwarding(ForwardingMethod.NAT)


def read_forwarding(block: Block, statement: Statement | None) -> Forwarding:
    """Read `lvs_method METHOD [type TYPE] [port PORT] [nocsum|csum|remcsum]`."""
    if statement is None:
        return DEFAULT
    word, *options = statement.arguments
    if word.text not in _METHODS:
        remedy = (
            "dpvs has this method; with the method fullnat of hadirector, write forwarding: fullnat"
            if word.text in _FOREIGN
            else "expected NAT, DR or TUN, in capitals"
        )
        block.fault(word.place, f"{statement.keyword.text}: unknown method {word.text} ({remedy})")
        return DEFAULT
    method = _METHODS[word.text]
    tunnel = _read_tunnel(block, statement, options) if options else None
    return Forwarding(method, tunnel, statement)


def _read_tunnel(block: Block, statement: Statement, options: list[Word]) -> Node | None:
    entries: dict[str, Node | None] = {}
    rest = iter(options)
    for option in rest:
        if option.text in _CHECKSUMS:
            entries["checksum"] = scalar(_CHECKSUMS[option.text], option.place)
            continue
        value = next(rest, None) if option.text in ("type", "port") else None
        if value is None:
            message = f"{statement.keyword.text}: unknown or incomplete option {option.text}"
            block.fault(option.place, message)
            return None
        is_port = option.text == "port" and value.text.isdecimal()
        entries[option.text] = scalar(
            int(value.text) if is_port else value.text, value.place, option.place
        )
    return mapping(options[0].place, entries)
