"""The pair as this director sees it."""

from __future__ import annotations

import msgspec

from hadirector.api.problems import Code, ProblemError, unknown_object
from hadirector.api.route import Call, Nothing, Reply
from hadirector.director.peer_configurations import mask_running_text
from hadirector.pair.report import PairReport
from hadirector.status.problems import judge_director


class PairTexts(msgspec.Struct, frozen=True):
    """The configurations of this director and of a peer, without their secrets."""

    peer: str
    here: str
    there: str


async def read_texts(call: Call[Nothing, Nothing]) -> Reply[PairTexts]:
    """Answer with the text of this director and of a peer, which sends it over the link."""
    director, peer = call.context.director, call.names["peer"]
    if peer not in director.pairing.peers:
        raise unknown_object("peer", peer, director.pairing.peers)
    there = await director.peer_configurations.request(peer)
    return Reply(PairTexts(peer, await mask_running_text(director.applications), there))


async def read_pair(call: Call[Nothing, Nothing]) -> Reply[PairReport]:
    """Answer with the directors of the pair, and the verdict on the pair."""
    snapshot = await call.context.snapshots.current()
    verdict = snapshot.status.verdict or judge_director(snapshot.status)
    report = call.context.director.pairing.view.report(verdict)
    if report is None:
        raise ProblemError(Code.NOT_FOUND, "this director has no pair link (section pair)")
    return Reply(report)
