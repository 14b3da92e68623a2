"""TLS for probes: client settings, and the content of the certificates of a peer."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any, NamedTuple, TypeGuard

from checks.io.client_certificate import ClientCertificate, load
from checks.io.expiry import days_left, describe_expiry

HTTP_2 = "h2"
"""The ALPN identifier of HTTP/2 (RFC 9113, section 3.1)."""


@lru_cache(maxsize=256)
def client_context(
    ca_file: str | None,
    verify: bool,
    protocol: str | None = None,
    certificate: ClientCertificate | None = None,
) -> ssl.SSLContext:
    """Return the TLS settings of a client, from a cache, because loading authorities takes 20 ms.

    ``protocol`` is the protocol to negotiate (ALPN). After ``client_context.cache_clear()`` the
    next call reads the files again. Raises OSError if ``ca_file`` cannot be read, ssl.SSLError
    if it contains no certificate, and ClientCertificateError.
    """
    context = ssl.create_default_context(cafile=ca_file)
    context.sslobject_class = _tls_object_class()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if protocol is not None:
        context.set_alpn_protocols([protocol])
    if certificate is not None:
        load(context, certificate)
    return context


@cache
def _tls_object_class() -> type[ssl.SSLObject]:
    """Define the class at its first use, so that only checks with TLS import ``ssl``."""

    class TlsObject(ssl.SSLObject):
        """A TLS connection that reports an unreadable certificate as a fault of the peer."""

        def getpeercert(self, binary_form: bool = False) -> Any:
            """Read the certificate. Raises SSLCertVerificationError if Python cannot decode it."""
            try:
                return super().getpeercert(binary_form)
            except UnicodeDecodeError as error:
                fault = ssl.SSLCertVerificationError()
                fault.verify_message = "a name in the certificate is not UTF-8"
                raise fault from error

    return TlsObject


def is_tls_error(error: OSError) -> TypeGuard[ssl.SSLError]:
    """Return whether an error comes from TLS.

    Import ``ssl`` only if it was loaded for a connection.
    """
    return type(error).__module__ == "ssl"


def describe_error(error: ssl.SSLError) -> str:
    """Describe a fault that OpenSSL found, in one line."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate: {error.verify_message}"
    return f"TLS: {(error.reason or str(error)).lower().replace('_', ' ')}"


def expiry_warning(connection: ssl.SSLObject, within: float) -> str:
    """Return a warning if the verified certificate expires in less than ``within`` seconds."""
    certificate = connection.getpeercert()
    if not certificate:  # Python returns no content of a certificate that it has not verified
        return ""
    return describe_expiry("the certificate", str(certificate["notAfter"]), within)


def expiry(connection: ssl.SSLObject) -> float | None:
    """Return when the verified certificate expires, in seconds since the epoch."""
    certificate = connection.getpeercert()
    # Python returns no content of a certificate that it has not verified.
    return ssl.cert_time_to_seconds(str(certificate["notAfter"])) if certificate else None


class Certificate(NamedTuple):
    """A summary of a certificate. The dates are in the format of OpenSSL.

    ``days_left`` is the number of whole days, negative after the certificate has expired.
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: str
    not_after: str
    days_left: int


def chain(connection: ssl.SSLObject) -> Iterator[Certificate | None]:
    """Return the certificates that the server sent, its own first. They are not verified.

    None stands for an unreadable certificate, for example with a name that is not UTF-8.
    """
    # The public method of Python 3.13 returns certificates without their content.
    untyped: Any = connection
    for sent in untyped._sslobj.get_unverified_chain() or ():  # noqa: SLF001 - see above
        try:
            certificate = _certificate(sent.get_info())
        except (ValueError, ssl.SSLError):
            certificate = None
        yield certificate


def _certificate(content: dict[str, Any]) -> Certificate:
    return Certificate(
        subject=_distinguished_name(content["subject"]),
        issuer=_distinguished_name(content["issuer"]),
        names=tuple(name for _, name in content.get("subjectAltName", ())),
        not_before=content["notBefore"],
        not_after=content["notAfter"],
        days_left=days_left(content["notAfter"]),
    )


def _distinguished_name(name: Any) -> str:
    return ", ".join(f"{key}={value}" for part in name for key, value in part)
