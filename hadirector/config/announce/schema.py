"""The keys of the section ``announce``."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated

from hadirector.config.keys.addresses import Address
from hadirector.config.keys.key import Key
from hadirector.config.keys.names import FilePath, InterfaceName, Name
from hadirector.config.keys.readers import PERCENTAGE, choice, duration, whole_seconds
from hadirector.config.keys.section import Placed, Section, place_items
from hadirector.model.announcement import EngineName, Hold, PassingMarks, WhenShort


class HoldSection(Section):
    """How long a director that leaves still takes packets."""

    model = Hold

    quiet: Annotated[
        float,
        duration("100ms", "1m"),
        Key("The time without a packet after which the director leaves."),
    ] = 1.0
    most: Annotated[
        float,
        duration("1s", "5m"),
        Key("The time after which the director leaves in any case."),
    ] = 10.0


class PassingMarksSection(Section):
    """The two marks that decide whether a pool is short."""

    model = PassingMarks

    low: Annotated[
        int,
        PERCENTAGE,
        Key(
            "The pool becomes short if the passing real servers have less than this part of the"
            " configured weight.",
            default="`30%`",
        ),
    ] = 30
    high: Annotated[
        int,
        PERCENTAGE,
        Key(
            "A pool that is short stays short until it reaches this part. At the first start, a"
            " pool needs it too.",
            type="`1%` to `100%`, at least `low`",
            default="`50%`",
        ),
    ] = 50


class GroupSection(Section):
    """Addresses that are announced together."""

    name: Annotated[Name, Key("The name of the group.")]
    addresses: Annotated[
        list[Address],
        Key(
            "The addresses, without a prefix length: each is announced as a /32 or a /128.",
            type="list of addresses",
        ),
    ]
    pools: Annotated[
        list[Name] | None,
        Key(
            "The virtual servers whose pools decide the announcement.",
            type="list of names of virtual servers",
            default="the virtual servers on these addresses",
        ),
    ] = None
    passing: Annotated[
        PassingMarksSection,
        Key(
            "The share of passing real servers below which a pool is short.",
            type="[passing](#passing)",
            default="`{low: 30%, high: 50%}`",
        ),
    ] = PassingMarksSection()
    when_short: Annotated[
        WhenShort,
        choice(WhenShort),
        Key(
            "The effect of a pool that is short. `reluctant`: other directors are"
            " preferred, and the last ones still get traffic. `withdraw`: no traffic. `announce`:"
            " nothing changes."
        ),
    ] = WhenShort.RELUCTANT
    rise: Annotated[
        float,
        duration("0s", "1h"),
        Key("How long all conditions must hold before the group is announced."),
    ] = 5.0


class AnnounceSection(Section):
    """The addresses that a routing engine announces."""

    engine: Annotated[
        EngineName,
        choice(("bird", "frr", "none")),
        Key(
            "The routing engine, whose sessions `status` shows. The director only reads its state"
            " (birdc or vtysh) and never configures it. `none`: its state is not read."
        ),
    ] = "none"
    engine_socket: Annotated[
        FilePath | None,
        Key(
            "The control socket of BIRD, or the directory with the sockets of FRR.",
            default="`/run/bird/bird.ctl`, or `/run/frr`",
        ),
    ] = None
    device: Annotated[
        InterfaceName,
        Key(
            "The dummy interface whose addresses the engine announces. The director creates it.",
        ),
    ] = "hadirector0"
    reluctant_device: Annotated[
        InterfaceName,
        Key("The dummy interface whose addresses the engine announces with a worse metric."),
    ] = "hadirector1"
    lifetime: Annotated[
        int,
        whole_seconds("2s", "60s"),
        Key(
            "The lifetime of each address in the kernel. The director renews it; after its death"
            " the kernel removes the addresses at the end of this time.",
            default="`3s`",
        ),
    ] = 3
    hold: Annotated[
        HoldSection,
        Key(
            "How long a director that leaves still takes packets.",
            type="[hold](#hold)",
            default="`{quiet: 1s, most: 10s}`",
        ),
    ] = HoldSection()
    groups: Annotated[
        list[GroupSection | None],
        Key("The groups of addresses.", type="list of [groups](#groups)"),
    ]

    @cached_property
    def placed_groups(self) -> tuple[Placed[GroupSection], ...]:
        """The groups with their paths."""
        return place_items(("announce", "groups"), self.groups)
