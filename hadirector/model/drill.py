"""A drill that runs, as it is stored for the next start. Pure."""

from __future__ import annotations

import msgspec


class Drill(msgspec.Struct, frozen=True, kw_only=True):
    """A failover on purpose, after which the instances return to this director.

    ``ends_at`` is when this director takes the addresses back, in monotonic seconds of this boot.
    With ``crash``, the vrrp process is killed and nothing is handed over.
    """

    number: int
    instances: tuple[str, ...]
    started_at: float
    ends_at: float
    crash: bool = False
    author: str = ""
    reason: str = ""
