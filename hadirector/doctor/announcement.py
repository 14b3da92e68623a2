"""Gathers the facts about announced addresses: from the routing engine, /proc/sys and /sys."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Final

from hadirector.announce.engine import ask_engine, run_program
from hadirector.announce.frr_answers import read_frr_graceful, read_frr_origins
from hadirector.doctor.diagnosis.announcement import AnnouncementFacts
from hadirector.host.kernel_options import MH_TABLE_BITS, read_kernel_option
from hadirector.model.announcement import Announcement

_CONNECTION_TABLE_BITS: Final = Path("/sys/module/ip_vs/parameters/conn_tab_bits")
_SETTINGS: Final = Path("/proc/sys/net/ipv4/conf")


async def examine_announcement(announcement: Announcement | None) -> AnnouncementFacts:
    """Gather the facts. Nothing is changed, and an engine that does not answer is a fact."""
    if announcement is None:
        return AnnouncementFacts()
    engine = None if announcement.engine == "none" else await ask_engine(announcement)
    graceful, origins = await _examine_frr(announcement)
    return AnnouncementFacts(
        engine=engine,
        graceful=graceful,
        origins={name: each for name, each in origins.items() if name in announcement.addresses},
        strict=_strict_interfaces(announcement),
        connection_table_bits=_read_number(_CONNECTION_TABLE_BITS),
        mh_table_bits=await asyncio.to_thread(read_kernel_option, MH_TABLE_BITS),
    )


async def _examine_frr(announcement: Announcement) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return neighbors with graceful restart, and the origins of addresses, from FRR.

    The file of BIRD decides both, and BIRD uses the origin IGP by default.
    """
    if announcement.engine != "frr":
        return (), {}
    vtysh = ("vtysh", "--vty_socket", announcement.engine_socket or "", "-c")
    graceful: tuple[str, ...] = ()
    origins: dict[str, str] = {}
    with suppress(OSError, TimeoutError):  # a finding about the sessions reports it
        graceful = read_frr_graceful(await run_program(*vtysh, "show bgp neighbors json"))
        for family in ("ipv4", "ipv6"):
            text = await run_program(*vtysh, f"show bgp {family} unicast json")
            origins |= read_frr_origins(text)
    return graceful, origins


def _strict_interfaces(announcement: Announcement) -> tuple[str, ...]:
    """Return the interfaces with rp_filter 1. The kernel uses the maximum of "all" and its own."""
    everywhere = _read_number(_SETTINGS / "all" / "rp_filter") or 0
    own = ("all", "default", "lo", announcement.device, announcement.reluctant_device)
    return tuple(
        sorted(
            each.name
            for each in _SETTINGS.iterdir()
            if each.name not in own and max(everywhere, _read_number(each / "rp_filter") or 0) == 1
        )
    )


def _read_number(path: Path) -> int | None:
    with suppress(OSError, ValueError):
        return int(path.read_text("ascii"))
    return None
