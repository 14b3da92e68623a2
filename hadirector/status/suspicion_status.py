"""The suspicions that a director exchanges with its peers, as the status has them. Pure."""

from __future__ import annotations

import msgspec


class SuspicionStatus(msgspec.Struct, frozen=True):
    """The numbers of suspicions since the start.

    ``sent`` went to the peers. ``probed`` came from peers and caused a probe, and ``refused`` came
    from peers and caused none: the target is not known, or the peer sends too many.
    """

    sent: int = 0
    probed: int = 0
    refused: int = 0
