"""The files of the web process are read again when they, or the names of the peers, change."""

from pathlib import Path

from msgspec.structs import replace

from hadirector.director.web_files import read_files
from hadirector.model.pair import Pair, PairPeer


def test_files_are_read_again_when_a_peer_has_another_name(tmp_path: Path) -> None:
    for name in ("lb1.pem", "lb1.key", "lb2.pem"):
        (tmp_path / name).write_bytes(name.encode())
    peer = PairPeer(
        name="lb2", address="192.0.2.2", port=9471, certificate=str(tmp_path / "lb2.pem")
    )
    pair = Pair(
        name="edge",
        address="192.0.2.1",
        port=9471,
        certificate=str(tmp_path / "lb1.pem"),
        key=str(tmp_path / "lb1.key"),
        peers=(peer,),
    )
    first = read_files(None, pair)
    assert read_files(None, pair, first) is first
    renamed = replace(pair, peers=(replace(peer, name="lb9"),))
    second = read_files(None, renamed, first)
    assert second.contents["pair_files"].peers == {"lb9": b"lb2.pem"}
