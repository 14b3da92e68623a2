"""A real server while its weight is being decided, with the reasons for each change. Pure."""

from __future__ import annotations

import msgspec

from hadirector.model.configuration import RealServer


class Step(msgspec.Struct, frozen=True, gc=False):
    """One step of a decision: the new weight (None: not in the table) and the reason for it."""

    weight: int | None
    reason: str


Derivation = tuple[Step, ...]
"""The steps to a weight. The weight of the last step is the result."""


class Candidate:
    """A real server while the weights of its pool are being decided.

    ``full_weight`` is its weight without slow start. ``failed_at`` is when it began to fail
    after it had passed, in monotonic seconds. ``unseen`` marks a failure that began while the
    director was blind. ``unknown`` marks a real server without a verdict. An operator can take
    it out of the pool (``overridden_out``) or set its weight (``weight_overridden``).
    """

    __slots__ = (
        "failed_at",
        "full_weight",
        "overridden_out",
        "real_server",
        "serving",
        "steps",
        "unknown",
        "unseen",
        "weight_overridden",
    )

    def __init__(self, real_server: RealServer) -> None:
        self.real_server = real_server
        self.steps = [Step(real_server.weight, "configured")]
        self.full_weight = real_server.weight
        self.failed_at: float | None = None
        self.unseen = False
        self.overridden_out = False
        self.unknown = False
        self.weight_overridden = False
        self.serving = True

    def set_weight(self, weight: int, reason: str) -> None:
        """Change the full weight."""
        self.full_weight = weight
        self._step(weight, reason)

    def keep(self, reason: str) -> None:
        """Let the real server serve with its full weight."""
        self._step(self.full_weight, reason)
        self.serving = True

    def reserve(self) -> None:
        """Keep the real server in the table with weight 0. It is no member of the pool."""
        self.overridden_out = True
        self.full_weight = 0
        self.remove(0, "in reserve")

    def ramp(self, weight: int, reason: str) -> None:
        """Let the real server serve with less than its full weight, because of its slow start."""
        self._step(weight, reason)

    def remove(self, weight: int | None, reason: str) -> None:
        """Take the real server out of use, with weight 0 or out of the table (None)."""
        self._step(weight, reason)
        self.serving = False

    def _step(self, weight: int | None, reason: str) -> None:
        self.steps.append(Step(weight, reason))
