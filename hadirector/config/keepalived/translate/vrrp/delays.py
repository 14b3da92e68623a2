"""Translates interface_up_down_delays: how long a change of an interface must last."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from hadirector.config.keepalived.node import Node, mapping, scalar
from hadirector.config.keepalived.syntax.statement import Statement, Word
from hadirector.config.keepalived.translate.block import Block
from hadirector.config.keepalived.translate.vrrp.defaults import Globals
from hadirector.config.keepalived.translate.vrrp.facts import Facts
from hadirector.config.keepalived.translate.vrrp.values import decimal, duration, whole


class InterfaceDelays(Struct, frozen=True):
    """The lines IF DOWN [UP] of interface_up_down_delays, by interface."""

    lines: Mapping[str, Statement]

    def of_instance(self, facts: Facts) -> Node | None:
        """Return the delay for the instance's own interface."""
        down = self._down(facts.interface or "")
        seconds = decimal(down) if down else None
        if down is None or seconds is None or facts.block.last("dont_track_primary") is not None:
            return None
        adverts = facts.block.word("down_timer_adverts") or facts.here.down_timer_adverts
        most = facts.interval * (((whole(adverts) if adverts else None) or 3) - 1)
        if seconds >= most:
            message = (
                f"interface_up_down_delays: {down.text} has no effect, as in keepalived: the"
                " delay is not less"
                f" than {duration(most)}"
            )
            facts.block.note("flap_delay", facts.place, message)
            return None
        self._note_up(facts.interface or "", facts.block)
        return scalar(duration(seconds), down.place)

    def add(self, track: Node, block: Block) -> Node:
        """Return a tracked interface with the delay for this interface."""
        keys = dict(track.value) if isinstance(track.value, dict) else {}
        interface = str(keys["interface"].value) if "interface" in keys else ""
        down = self._down(interface)
        if down is None:
            return track
        self._note_up(interface, block)
        seconds = decimal(down)
        text = down.text if seconds is None else duration(seconds)
        return mapping(track.place, {**keys, "flap_delay": scalar(text, down.place)})

    def _down(self, interface: str) -> Word | None:
        line = self.lines.get(interface)
        if line is None or not line.arguments or decimal(line.arguments[0]) == Decimal(0):
            return None
        return line.arguments[0]

    def _note_up(self, interface: str, block: Block) -> None:
        words = self.lines[interface].arguments
        if len(words) > 1 and words[1].text != words[0].text:
            message = (
                f"interface_up_down_delays: the down delay of {interface} is also the up delay"
            )
            block.note("flap_delay", words[1].place, message)


def read_delays(globals_: Globals) -> InterfaceDelays:
    """Read the delays of all interfaces.

    Of several lines for an interface, the last line applies.
    """
    found = globals_.find("interface_up_down_delays")
    return InterfaceDelays(
        {line.keyword.text: line for each in found for line in each.statement.block or ()}
    )
