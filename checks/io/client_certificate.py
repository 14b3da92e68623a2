"""The certificate with which a probe identifies this host to a TLS server."""

from __future__ import annotations

import os
import ssl
import stat
from functools import lru_cache
from typing import Any, NamedTuple

from checks.io.errors import describe
from checks.io.expiry import describe_expiry, seconds_left


class ClientCertificateError(Exception):
    """The certificate cannot be used. The message names the option, the file and the fault."""


class ClientCertificate(NamedTuple):
    """The files of a certificate with its chain and of its private key, as PEM.

    ``version`` differs after a change of a file, so that the change makes new TLS settings.
    """

    file: str
    key_file: str
    version: tuple[int, ...]


class Validity(NamedTuple):
    """The end of the validity of a certificate, in the date format of OpenSSL.

    ``exposure`` is a warning that other users can read the private key, or empty.
    """

    not_after: str
    exposure: str


def find_certificate(file: str, key_file: str | None) -> ClientCertificate:
    """Return the current version of a certificate. Its private key may be in the same file.

    Raises ClientCertificateError if a file is not accessible.
    """
    key_file = key_file or file
    version = (*_version("tls_certificate_file", file), *_version("tls_key_file", key_file))
    return ClientCertificate(file, key_file, version)


def load(context: ssl.SSLContext, certificate: ClientCertificate) -> None:
    """Add the client certificate to TLS settings, so that all connections with them send it.

    Raises ClientCertificateError if a file is not usable.
    """
    try:
        # Without a password, OpenSSL would read the password of the key from the terminal.
        context.load_cert_chain(certificate.file, certificate.key_file, password="")
    except OSError as error:  # ssl.SSLError is an OSError
        files = f"tls_certificate_file {certificate.file}, tls_key_file {certificate.key_file}"
        raise ClientCertificateError(f"{files}: {_describe(error)}") from error


@lru_cache(maxsize=256)
def read_validity(certificate: ClientCertificate) -> Validity:
    """Read the end of the validity. Raises ClientCertificateError if a file is not usable."""
    untyped: Any = ssl
    try:
        # Python has no public function that reads a certificate which is not a peer's.
        content = untyped._ssl._test_decode_cert(certificate.file)  # noqa: SLF001 - see above
        mode = stat.S_IMODE(os.stat(certificate.key_file).st_mode)
    except (OSError, ValueError) as error:  # ValueError: a name in the certificate is not UTF-8
        raise ClientCertificateError(
            f"tls_certificate_file {certificate.file}: {_describe(error)}"
        ) from error
    exposure = ""
    if mode & stat.S_IRWXO:
        exposure = f"other users may read tls_key_file {certificate.key_file} (mode {mode:04o})"
    return Validity(str(content["notAfter"]), exposure)


def find_warning(certificate: ClientCertificate, within: float) -> str:
    """Return a warning about an expiry in less than ``within`` seconds or an exposed private key.

    Raises ClientCertificateError if the certificate has expired. The server would refuse it,
    and the probe would fail although the server works.
    """
    validity = read_validity(certificate)
    if seconds_left(validity.not_after) <= 0:
        raise ClientCertificateError(
            f"tls_certificate_file {certificate.file} has expired ({validity.not_after})"
        )
    expiry = describe_expiry("the client certificate", validity.not_after, within)
    return "; ".join(warning for warning in (expiry, validity.exposure) if warning)


def _version(option: str, file: str) -> tuple[int, ...]:
    try:
        status = os.stat(file)
    except OSError as error:
        raise ClientCertificateError(f"{option} {file}: {describe(error)}") from error
    return status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode


def _describe(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        # The error of `read_validity` has no reason.
        return str(getattr(error, "reason", None) or error.args[-1]).lower().replace("_", " ")
    return describe(error) if isinstance(error, OSError) else str(error)
