"""A status with many real servers is encoded and summed up in small steps."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from checks.definition.result import Verdict
from hadirector.api.exchange import PIECE_BYTES, encode_status
from hadirector.api.snapshots import Snapshots
from hadirector.status.overview import MemberCounts
from hadirector.status.report import Status
from tests.loop_turns import count_pauses
from tests.unit.status.test_verdict import BAD, GOOD, with_members


async def test_the_encoded_status_has_every_field_and_pauses_at_each_real_server() -> None:
    status = with_members(*[replace(GOOD, active_connections=each) for each in range(300)])
    empty = replace(status.virtual_servers[0], name="empty", real_servers=())
    status = replace(status, virtual_servers=(*status.virtual_servers, empty))
    pieces, pauses = await count_pauses(encode_status(status))
    assert msgspec.json.decode(b"".join(pieces), type=Status) == status
    assert max(map(len, pieces)) < 2 * PIECE_BYTES < sum(map(len, pieces))
    assert pauses == 300


async def test_a_status_without_virtual_servers_is_encoded() -> None:
    status = replace(with_members(GOOD), virtual_servers=())
    assert msgspec.json.decode(b"".join(await encode_status(status)), type=Status) == status


async def test_the_rows_of_an_overview_are_counted_with_a_pause_at_each_real_server() -> None:
    status = with_members(*[GOOD] * 200, *[BAD] * 100)

    async def read() -> Status:
        return status

    snapshot, pauses = await count_pauses(Snapshots(read).current())
    [row] = snapshot.rows.values()
    assert (row.real_servers, row.passing) == (300, 200)
    assert pauses == 300


def test_members_are_counted_by_their_states() -> None:
    counts = MemberCounts()
    for member in (
        replace(GOOD, actual_weight=1),
        replace(GOOD, actual_weight=0, override="drain"),
        replace(BAD, actual_weight=None, verdict=Verdict.FAILING),
        replace(BAD, absent=True, actual_weight=1),
    ):
        counts.add(member)
    assert (counts.all, counts.passing, counts.serving, counts.overridden) == (3, 2, 1, 1)
