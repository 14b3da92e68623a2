"""A real server on the way to its weight, gathering the reasons for it."""

from __future__ import annotations

import msgspec

from hadirector.model.configuration import RealServer


class Step(msgspec.Struct, frozen=True, gc=False):
    """One reason for a weight, and the weight after it; None keeps a server out of the table."""

    weight: int | None
    words: str


Derivation = tuple[Step, ...]
"""How a weight comes about; the last step says what it is."""


class Candidate:
    """What is known so far.

    ``worth`` is its weight while it serves, ``failed_at`` when it began to fail having passed
    before, in monotonic seconds, and ``unseen`` that this is no fault of its own; ``unknown`` says
    that no probe has ended yet, ``ordered_out`` that an operator took it out, ``weight_ordered``
    that one gave it its weight.
    """

    __slots__ = (
        "failed_at",
        "ordered_out",
        "real_server",
        "serving",
        "steps",
        "unknown",
        "unseen",
        "weight_ordered",
        "worth",
    )

    def __init__(self, real_server: RealServer) -> None:
        self.real_server = real_server
        self.steps = [Step(real_server.weight, "configured")]
        self.worth = real_server.weight
        self.failed_at: float | None = None
        self.unseen = False
        self.ordered_out = False
        self.unknown = False
        self.weight_ordered = False
        self.serving = True

    @property
    def weight(self) -> int:
        """Its weight after the last step."""
        return self.steps[-1].weight or 0

    def revalue(self, weight: int, words: str) -> None:
        """Give it another weight to serve with."""
        self.worth = weight
        self._step(weight, words)

    def stay(self, words: str) -> None:
        """Let it serve, or go on serving."""
        self._step(self.worth, words)
        self.serving = True

    def grow(self, weight: int, words: str) -> None:
        """Let it serve with less than it is worth, for now."""
        self._step(weight, words)

    def leave(self, weight: int | None, words: str) -> None:
        """Let it serve no more."""
        self._step(weight, words)
        self.serving = False

    def _step(self, weight: int | None, words: str) -> None:
        self.steps.append(Step(weight, words))
