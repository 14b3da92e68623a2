"""The condition of the IPVS table after a reconciliation: what is missing. Pure."""

from __future__ import annotations

import msgspec


class TableCondition(msgspec.Struct, frozen=True):
    """The condition of the table after the latest reconciliation.

    - ``failing``: the number of operations that failed at their last attempt. ``error`` is the
      error of the first such operation, or why the table could not be read.
    - ``wanted``, ``present``: the numbers of wanted services and of existing services.
    """

    failing: int = 0
    error: str = ""
    wanted: int = 0
    present: int = 0

    @property
    def good(self) -> bool:
        """Whether the table is equal to the wanted table."""
        return not self.error
