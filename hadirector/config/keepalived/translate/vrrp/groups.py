"""Reads sync groups."""

from __future__ import annotations

from collections.abc import Iterator, Set

from msgspec import Struct

from hadirector.config.keepalived.keywords.sync_group import VRRP_SYNC_GROUP
from hadirector.config.keepalived.node import Node, mapping, sequence
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.report import Report
from hadirector.config.keepalived.syntax.statement import Word
from hadirector.config.keepalived.translate.block import Block, name, read_block
from hadirector.config.keepalived.translate.vrrp.defaults import Globals, Ordered
from hadirector.config.keepalived.translate.vrrp.names import native_name
from hadirector.config.keepalived.translate.vrrp.notify import read_notify
from hadirector.config.keepalived.translate.vrrp.tracked import Definitions
from hadirector.config.keepalived.translate.vrrp.tracks import Track, read_tracks


class Group(Struct, frozen=True):
    """A sync group, its members, and the keys that apply to all members."""

    name: Node
    block: Block
    members: list[Word]
    notify: Node | None
    tracks: list[Track]
    counts_weights: bool


def read_groups(
    globals_: Globals,
    instances: Set[str],
    definitions: Definitions,
    report: Report,
    options: Options,
) -> list[Group]:
    """Read the sync groups. A group without members is left out, as in keepalived."""
    found: dict[str, Group] = {}
    taken: set[str] = set()
    for each in globals_.find("vrrp_sync_group"):
        statement = each.statement
        title = statement.arguments[0].text
        if title in found:
            message = (
                "another group has this name already: this group is left out, as in keepalived"
            )
            report.note(
                "second name", statement.keyword.place, f"{name(statement.words)}: {message}"
            )
            continue
        group = _read(each, (instances, taken), definitions, report, options)
        if group is not None:
            found[title] = group
            taken |= {word.text for word in group.members}
    return list(found.values())


def _read(
    each: Ordered,
    names: tuple[Set[str], Set[str]],
    definitions: Definitions,
    report: Report,
    options: Options,
) -> Group | None:
    """Read a group. ``names`` are the instances, and the instances in earlier groups."""
    statement = each.statement
    instances, taken = names
    # Members without the keyword group are an old form, which keepalived ignores.
    inner = tuple(line for line in statement.block or () if line.keyword.text not in instances)
    block = read_block(
        statement._replace(block=inner), VRRP_SYNC_GROUP, name(statement.words), report, options
    )
    if block.last("global_tracking") is not None:
        message = "global_tracking means sync_group_tracking_weight, as in keepalived"
        block.note("old words", statement.keyword.place, message)
    members = list(_members(block, instances, taken))
    if not members:
        message = "the group has no members in a block group, and is left out, as in keepalived"
        block.note("no members", statement.keyword.place, message)
        return None
    title = native_name(statement.arguments[0], block)
    return Group(
        name=title,
        block=block,
        members=members,
        notify=read_notify(block, each.defaults, options),
        tracks=read_tracks(block, definitions),
        counts_weights=bool(block.all("sync_group_tracking_weight", "global_tracking")),
    )


def _members(block: Block, instances: Set[str], taken: Set[str]) -> Iterator[Word]:
    found = block.last("group")
    for line in (found.block or ()) if found is not None else ():
        for word in line.words:
            if word.text not in instances:
                message = f"{word.text} is not a vrrp_instance, and is left out, as in keepalived"
                block.note("no instance", word.place, message)
            elif word.text in taken:
                message = (
                    f"{word.text} is in another group already, and is left out here, as in"
                    " keepalived"
                )
                block.note("two groups", word.place, message)
            else:
                yield word


def group_node(group: Group) -> Node:
    """Make the node of a group."""
    place = group.name.place
    members = [native_name(word, group.block, silent=True) for word in group.members]
    return mapping(
        place,
        {
            "name": group.name,
            "instances": sequence(group.members[0].place, members),
            "notify": group.notify,
        },
    )
