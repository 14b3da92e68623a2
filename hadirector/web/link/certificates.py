"""The certificates of the pair link: TLS 1.3, and exactly one valid certificate per director.

The file of a peer is the only trust anchor. OpenSSL also accepts certificates that this one has
signed, so each connection compares the certificate itself.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from hadirector.model.pair import Pair
from hadirector.processes.messages import PairFiles
from hadirector.web.tls import TlsError, as_file, describe_error, refuse_password

_HEADER: Final = b"-----BEGIN CERTIFICATE-----"
_FOOTER: Final = b"-----END CERTIFICATE-----"


def server_context(pair: Pair, files: PairFiles, certificates: Iterable[bytes]) -> ssl.SSLContext:
    """Return the context for peers with these certificates (DER). Raises TlsError."""
    context = _own_context(ssl.PROTOCOL_TLS_SERVER, pair, files)
    # A ticket would let a peer continue a session from before its certificate was replaced.
    context.num_tickets = 0
    for certificate in certificates:
        context.load_verify_locations(cadata=certificate)
    return context


def client_context(pair: Pair, files: PairFiles, certificate: bytes) -> ssl.SSLContext:
    """Return the context for connections to the peer with this certificate. Raises TlsError."""
    context = _own_context(ssl.PROTOCOL_TLS_CLIENT, pair, files)
    context.check_hostname = False  # the certificate itself is compared
    context.load_verify_locations(cadata=certificate)
    return context


def looking_context() -> ssl.SSLContext:
    """Return a context that accepts any certificate, only to learn which one a peer presents."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def read_certificate(file: str, content: bytes | None) -> bytes:
    """Return the one certificate (DER) in the content of a file (PEM). Raises TlsError."""
    if content is None:
        raise TlsError(f"{file} cannot be read")
    begin, end = content.find(_HEADER), content.find(_FOOTER)
    if content.count(_HEADER) != 1 or end < begin:
        raise TlsError(f"{file}: expected exactly one certificate (PEM)")
    try:
        certificate = ssl.PEM_cert_to_DER_cert(content[begin : end + len(_FOOTER)].decode("ascii"))
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=certificate)
    except (ssl.SSLError, ValueError) as error:
        raise TlsError(f"{file}: {describe_error(error)}") from error
    return certificate


def fingerprint(certificate: bytes) -> str:
    """Return the SHA-256 fingerprint of a certificate (DER), as openssl prints it."""
    return sha256(certificate).digest().hex(":").upper()


def _own_context(protocol: ssl._SSLMethod, pair: Pair, files: PairFiles) -> ssl.SSLContext:
    if files.certificate is None:
        raise TlsError(f"{pair.certificate} cannot be read")
    if files.key is None:
        raise TlsError(f"{pair.key} cannot be read")
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    # An authority may have signed the pinned certificate.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        with as_file(files.certificate) as certificate, as_file(files.key.value) as key:
            context.load_cert_chain(certificate, key, password=refuse_password)
    except (ssl.SSLError, ValueError, OSError) as error:
        raise TlsError(f"{pair.certificate} and {pair.key}: {describe_error(error)}") from error
    return context
