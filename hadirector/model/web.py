"""The configuration of the web process. Pure."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from hadirector.model.ipvs import endpoint

Role = Literal["read", "operate", "admin"]
ROLES: Final[tuple[Role, ...]] = ("read", "operate", "admin")
"""The roles, each with the rights of the roles before it."""
Public = Literal["health", "roles", "metrics"]
"""A part of the API that is answered without a proof of identity."""


class CertificateClient(msgspec.Struct, frozen=True, kw_only=True):
    """The role of clients whose certificate has this name, and the objects that they may change.

    ``only`` is a pattern of object names such as ``web/*``. Without it, the role applies to
    every object.
    """

    name: str
    role: Role
    only: str | None = None


class TlsFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The certificate files of the web process, and the clients with a certificate of their own."""

    certificate: str
    key: str
    client_ca: str | None = None
    clients: tuple[CertificateClient, ...] = ()


class WebSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The address of the web process, the clients that may connect, and the user that it runs as.

    Without ``tls``, the address is of the loopback interface. Without ``user``, the process
    chooses its user itself (`hadirector.runtime.privileges`).
    """

    address: str
    port: int
    tls: TlsFiles | None = None
    tokens_file: str | None = None
    host_names: tuple[str, ...] = ()
    public: tuple[Public, ...] = ()
    user: str | None = None

    @property
    def where(self) -> str:
        """The address and the port as a text."""
        return endpoint(self.address, self.port)
