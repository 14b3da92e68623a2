"""Builds the announced groups."""

from __future__ import annotations

from collections.abc import Sequence

from hadirector.config.announce.rules import pools_of
from hadirector.config.announce.schema import AnnounceSection
from hadirector.config.keys.build import build_struct
from hadirector.config.keys.section import Placed
from hadirector.config.services.schema import VirtualServerSection
from hadirector.model.announcement import DEFAULT_SOCKETS, AnnouncedGroup, Announcement


def announcement(
    section: AnnounceSection | None, servers: Sequence[Placed[VirtualServerSection]]
) -> Announcement | None:
    """Return the announced groups; None if the file has none."""
    if section is None:
        return None
    return build_struct(
        Announcement,
        section,
        engine_socket=section.engine_socket or DEFAULT_SOCKETS.get(section.engine),
        groups=[
            build_struct(AnnouncedGroup, group, pools=pools_of(group, servers))
            for _, group in section.placed_groups
        ],
    )
