"""Keys of virtual servers and real servers that have a shape of their own."""

from __future__ import annotations

from typing import Annotated

from pydantic import PlainValidator

from hadirector.config.keys.section import Section
from hadirector.config.keys.values import choice, whole
from hadirector.model.ipvs import Tunnel, TunnelChecksum, TunnelType


class TunnelSection(Section):
    """How packets are wrapped on their way to a real server."""

    type: Annotated[TunnelType, PlainValidator(choice(TunnelType))] = TunnelType.IPIP
    port: Annotated[int, PlainValidator(whole(1, 65535))] | None = None
    checksum: Annotated[TunnelChecksum, PlainValidator(choice(TunnelChecksum))] = (
        TunnelChecksum.NONE
    )

    @property
    def tunnel(self) -> Tunnel:
        """The tunnel that it describes."""
        return Tunnel(self.type, self.port or 0, self.checksum)
