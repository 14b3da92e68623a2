"""TLS as probes use it: settings, and what a peer's certificates say."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

DAY_SECONDS = 86400

HTTP_2 = "h2"
"""What HTTP/2 is called when protocols are agreed on (ALPN; RFC 9113, section 3.1)."""


@lru_cache(maxsize=256)
def client_context(
    ca_file: str | None, verify: bool, protocol: str | None = None
) -> ssl.SSLContext:
    """Make the settings of a client; made once, as loading the authorities takes 20 ms.

    ``protocol`` is what to go on with (ALPN).
    ``client_context.cache_clear()`` has the files of authorities read again. Raises OSError when
    ``ca_file`` cannot be read, ssl.SSLError when no certificate is in it.
    """
    context = ssl.create_default_context(cafile=ca_file)
    context.sslobject_class = _Peer
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if protocol is not None:
        context.set_alpn_protocols([protocol])
    return context


class _Peer(ssl.SSLObject):
    """One whose certificate may be anything at all."""

    def getpeercert(self, binary_form: bool = False) -> Any:
        """Read the certificate; one that Python cannot read is a fault of the peer's."""
        try:
            return super().getpeercert(binary_form)
        except UnicodeDecodeError as error:
            fault = ssl.SSLCertVerificationError()
            fault.verify_message = "a name in it is not UTF-8"
            raise fault from error


def describe_error(error: ssl.SSLError) -> str:
    """Say in one line what OpenSSL found wrong."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate: {error.verify_message}"
    return f"TLS: {(error.reason or str(error)).lower().replace('_', ' ')}"


def expiry_warning(connection: ssl.SSLObject, within: float) -> str:
    """Warn of a verified certificate that expires in less than ``within`` seconds."""
    certificate = connection.getpeercert()
    if not certificate:  # not verified: Python then does not tell
        return ""
    not_after = str(certificate["notAfter"])
    if _seconds_left(not_after) >= within:
        return ""
    days = _days_left(not_after)
    return f"the certificate expires in {days} day{'s' * (days != 1)} ({not_after})"


class Certificate(NamedTuple):
    """What a person wants to know of a certificate. Dates are as OpenSSL writes them.

    ``days_left`` are whole days, negative when its last date is past.
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: str
    not_after: str
    days_left: int


def chain(connection: ssl.SSLObject) -> Iterator[Certificate | None]:
    """Read the certificates that the peer has sent, verified or not, its own first.

    None stands for one that cannot be read, such as by a name that is not UTF-8.
    """
    # Public only from Python 3.13 on, and then without what is in the certificates.
    beneath: Any = connection
    for each in beneath._sslobj.get_unverified_chain() or ():  # noqa: SLF001 - see above
        try:
            certificate = _certificate(each.get_info())
        except (ValueError, ssl.SSLError):
            certificate = None
        yield certificate


def _certificate(read: dict[str, Any]) -> Certificate:
    return Certificate(
        subject=_distinguished_name(read["subject"]),
        issuer=_distinguished_name(read["issuer"]),
        names=tuple(name for _, name in read.get("subjectAltName", ())),
        not_before=read["notBefore"],
        not_after=read["notAfter"],
        days_left=_days_left(read["notAfter"]),
    )


def _distinguished_name(name: Any) -> str:
    return ", ".join(f"{key}={value}" for part in name for key, value in part)


def _days_left(not_after: str) -> int:
    return int(_seconds_left(not_after) // DAY_SECONDS)


def _seconds_left(not_after: str) -> float:
    return ssl.cert_time_to_seconds(not_after) - datetime.now(UTC).timestamp()
