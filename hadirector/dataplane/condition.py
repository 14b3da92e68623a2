"""The condition of the table after a round of the reconciler. Pure."""

from __future__ import annotations

import msgspec


class TableCondition(msgspec.Struct, frozen=True):
    """The result of the latest round: what is missing from the wanted table.

    - ``failing``: the number of operations that failed at their last attempt; ``error`` is the
      error of the first one, or why the table could not be read.
    - ``wanted``, ``present``: the number of wanted services, and the number of existing ones.
    """

    failing: int = 0
    error: str = ""
    wanted: int = 0
    present: int = 0

    @property
    def good(self) -> bool:
        """Whether the table is as wanted."""
        return not self.error
