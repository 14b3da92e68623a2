"""Makes the TLS context of the server from the contents of its files."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from hadirector.processes.messages import ConfigureWeb


class TlsError(Exception):
    """The files of TLS cannot be used. The message is the reason."""


def make_context(message: ConfigureWeb) -> ssl.SSLContext | None:
    """Return the context, or None if the process serves without TLS. Raises TlsError."""
    tls = None if message.settings is None else message.settings.tls
    if tls is None:
        return None
    if message.certificate is None:
        raise TlsError(f"{tls.certificate} cannot be read")
    if message.key is None:
        raise TlsError(f"{tls.key} cannot be read")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        with as_file(message.certificate) as certificate, as_file(message.key.value) as key:
            context.load_cert_chain(certificate, key, password=refuse_password)
    except (ssl.SSLError, ValueError, OSError) as error:
        raise TlsError(f"{tls.certificate} and {tls.key}: {describe_error(error)}") from error
    if tls.client_ca is not None:
        _add_clients(context, tls.client_ca, message.client_ca)
    return context


def _add_clients(context: ssl.SSLContext, file: str, content: bytes | None) -> None:
    if content is None:
        raise TlsError(f"{file} cannot be read")
    try:
        context.load_verify_locations(cadata=content.decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        raise TlsError(f"{file}: {describe_error(error)}") from error
    context.verify_mode = ssl.CERT_OPTIONAL


def refuse_password() -> str:
    """Refuse a key with a password: by default, OpenSSL reads it from the terminal."""
    raise ValueError("the private key has a password (expected a key without one)")


def describe_error(error: Exception) -> str:
    """Return the reason of an error of OpenSSL in words."""
    reason = getattr(error, "reason", None)
    return str(reason).lower().replace("_", " ") if reason else str(error) or type(error).__name__


@contextmanager
def as_file(content: bytes) -> Iterator[str]:
    """Return the path of a file in memory with this content: OpenSSL reads keys from files."""
    descriptor = os.memfd_create("tls", os.MFD_CLOEXEC)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        yield f"/proc/self/fd/{descriptor}"


def certificate_names(certificate: object) -> tuple[str, ...]:
    """Return the names of a client: its alternative names, or its common name without them.

    ``certificate`` is what `ssl.SSLSocket.getpeercert` returns.
    """
    if not isinstance(certificate, dict):
        return ()
    kinds = ("DNS", "email", "URI")
    names = tuple(
        str(name) for kind, name in certificate.get("subjectAltName", ()) if kind in kinds
    )
    if names:
        return names
    return tuple(
        str(value)
        for relative in certificate.get("subject", ())
        for attribute, value in relative
        if attribute == "commonName"
    )
