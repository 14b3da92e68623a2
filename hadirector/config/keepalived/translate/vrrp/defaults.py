"""The values of global_defs that instances, scripts and sync groups inherit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from hadirector.config.keepalived.keywords.global_defs import GLOBAL_DEFS
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.report import Report
from hadirector.config.keepalived.syntax.statement import Statement, Word
from hadirector.config.keepalived.translate.block import Block, read_block
from hadirector.config.keepalived.translate.vrrp.users import ScriptUser, read_user
from hadirector.config.keepalived.translate.vrrp.values import decimal


class Defaults(Struct, frozen=True):
    """The values of the global_defs blocks above a statement. None stands for no value."""

    version: int | None = None
    strict: Word | None = None
    checksum_as_v2: bool = False
    down_timer_adverts: Word | None = None
    script_user: ScriptUser | None = None
    macvlan_prefix: str = "vrrp"
    start_delay: Word | None = None
    interface: Word | None = None
    """The interface of static addresses without another one."""
    groups: tuple[Word | None, Word | None] = (None, None)
    """The multicast groups of IPv4 and IPv6."""


class Ordered(Struct, frozen=True):
    """A top-level statement, and the defaults that apply at its place in the file.

    keepalived copies some values when an instance begins, so a global_defs block below the
    instance does not affect it.
    """

    statement: Statement
    defaults: Defaults


class Globals(Struct, frozen=True):
    """The global_defs blocks of a file, the defaults at its end, and the other statements."""

    blocks: tuple[Block, ...]
    defaults: Defaults
    statements: tuple[Ordered, ...]

    def find(self, *keywords: str) -> list[Ordered]:
        """Return the statements with one of these keywords."""
        return [each for each in self.statements if each.statement.keyword.text in keywords]


def read_globals(statements: Iterable[Statement], report: Report, options: Options) -> Globals:
    """Read the global_defs blocks of a file."""
    defaults = Defaults()
    blocks: list[Block] = []
    others: list[Ordered] = []
    for statement in statements:
        if statement.keyword.text == "global_defs":
            block = read_block(statement, GLOBAL_DEFS, "global_defs", report, options)
            blocks.append(block)
            defaults = _add(defaults, block)
        else:
            others.append(Ordered(statement, defaults))
    return Globals(tuple(blocks), defaults, tuple(others))


def _add(defaults: Defaults, block: Block) -> Defaults:
    """Return the defaults after a global_defs block."""
    found: dict[str, object] = {}
    if (version := block.last("vrrp_version")) is not None:
        found["version"] = block.number(version, 2, 3)
    if (strict := block.last("vrrp_strict")) is not None:
        found["strict"] = strict.keyword if block.flag("vrrp_strict") else None
    if block.last("v3_checksum_as_v2") is not None:
        found["checksum_as_v2"] = block.flag("v3_checksum_as_v2")
    found["down_timer_adverts"] = block.word("vrrp_down_timer_adverts")
    found["interface"] = block.word("default_interface")
    found["macvlan_prefix"] = prefix.text if (prefix := block.word("vmac_prefix")) else None
    if (user := block.last("script_user")) is not None:
        words = [word.text for word in user.arguments]
        found["script_user"] = read_user(words, user.arguments[0].place)
    found["start_delay"] = max(
        (word for word in (defaults.start_delay, *_start_delays(block)) if word is not None),
        key=_seconds,
        default=None,
    )
    group4, group6 = (block.word(f"vrrp_mcast_group{family}") for family in (4, 6))
    found["groups"] = (group4 or defaults.groups[0], group6 or defaults.groups[1])
    if strict is not None and found["strict"] is None:
        defaults = replace(defaults, strict=None)
    return replace(defaults, **{key: each for key, each in found.items() if each is not None})


def _start_delays(block: Block) -> Iterator[Word]:
    """Yield the delays before the first election. keepalived uses the longest delay."""
    for keyword in ("vrrp_startup_delay", "vrrp_delay_after_boot"):
        word = block.word(keyword)
        if word is None:
            continue
        if keyword == "vrrp_delay_after_boot":
            message = "the delay counts from every start of the director, not from the boot"
            block.note("start_delay", word.place, f"{keyword}: {message}")
        yield word


def _seconds(word: Word) -> Decimal:
    seconds = decimal(word)
    return Decimal(0) if seconds is None else seconds
