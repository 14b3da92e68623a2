"""A handover that an operator has ordered. Pure."""

from __future__ import annotations

import msgspec


class Handover(msgspec.Struct, frozen=True):
    """Who has handed a VRRP instance over, and why.

    ``author`` is the proven name of the operator, and ``claimed`` the name that the client claims.
    At ``expires_at`` the handover is undone. Times are monotonic seconds of this boot.
    """

    author: str = ""
    claimed: str = ""
    reason: str = ""
    set_at: float | None = None
    expires_at: float | None = None
