"""The hash tables of this director, compared with those of its peers."""

from __future__ import annotations

from msgspec.structs import replace

from hadirector.director.announcing import HashTables
from hadirector.model.ipvs import (
    Destination,
    DestinationKey,
    ForwardingMethod,
    Service,
    ServiceEntry,
)
from hadirector.pair.state import PairState
from tests.builders import WEB

ONE = DestinationKey("192.0.2.1", 80)
TABLE = {
    WEB: ServiceEntry(Service("mh"), {ONE: Destination(1, ForwardingMethod.DR)}, {ONE: 1}),
}


async def test_only_a_peer_that_announces_with_another_digest_differs() -> None:
    tables = HashTables("12")
    peer = PairState(name="lb2", announced=("web", "dns"), hash_tables="ab")
    tables.peers = lambda: [peer]
    assert tables.find_differing() == {}, "the own digest is not known yet"
    own = await tables.digest(TABLE)
    assert tables.find_differing() == {
        "web": "lb2 announces web with other hash tables",
        "dns": "lb2 announces dns with other hash tables",
    }
    for same in (
        replace(peer, hash_tables=own),
        replace(peer, hash_tables=""),
        replace(peer, announced=()),
    ):
        tables.peers = lambda same=same: [same]  # type: ignore[misc]  # bound at once
        assert tables.find_differing() == {}
