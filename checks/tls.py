"""TLS as probes use it: settings, and what a peer's certificate says."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from functools import lru_cache

DAY_SECONDS = 86400


@lru_cache(maxsize=256)
def client_context(ca_file: str | None, verify: bool) -> ssl.SSLContext:
    """Make the settings of a client; made once, as loading the authorities takes 20 ms.

    ``client_context.cache_clear()`` has the files of authorities read again. Raises OSError when
    ``ca_file`` cannot be read, ssl.SSLError when no certificate is in it.
    """
    context = ssl.create_default_context(cafile=ca_file)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


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
    not_after = certificate["notAfter"]
    assert isinstance(not_after, str)
    left = ssl.cert_time_to_seconds(not_after) - datetime.now(UTC).timestamp()
    if left >= within:
        return ""
    days = int(left // DAY_SECONDS)
    return f"the certificate expires in {days} day{'s' * (days != 1)} ({not_after})"
