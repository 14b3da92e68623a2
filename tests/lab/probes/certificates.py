"""Certificates made for a test, good and bad."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

GOOD_NAMES = "DNS:web.example,IP:127.0.0.1"
ODD_NAMES = f"{GOOD_NAMES},DNS:b\xfcro.example"
"""A certificate may contain any bytes, here Latin-1, although RFC 5280 allows only ASCII."""


@dataclass(frozen=True)
class Authority:
    """A certificate authority made for the test."""

    folder: Path

    @property
    def file(self) -> str:
        return str(self.folder / "ca.pem")

    def server(self, name: str, names: str, days: int = 1) -> ssl.SSLContext:
        """Return TLS settings of a server, with a new certificate for ``names``."""
        return server_context(*self.sign(name, "server", names, days))

    def sign(self, name: str, subject: str, names: str, days: int = 1) -> tuple[Path, Path]:
        """Return the files of a new certificate and of its key."""
        key, request, certificate = (self.folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
        extensions = self.folder / f"{name}.ext"
        text = f"subjectAltName={names}\nauthorityKeyIdentifier=keyid\n"
        extensions.write_text(text, encoding="latin-1")
        openssl("req", "-new", *new_key(key), "-subj", f"/CN={subject}", "-out", request)
        signing = ("-CA", self.file, "-CAkey", self.folder / "ca.key", "-CAcreateserial")
        validity = ("-days", str(days), "-extfile", extensions)
        openssl("x509", "-req", "-in", request, *signing, *validity, "-out", certificate)
        return certificate, key

    def self_signed(self) -> ssl.SSLContext:
        """Return TLS settings of a server with a self-signed certificate."""
        key, certificate = self.folder / "self.key", self.folder / "self.pem"
        names = ("-addext", f"subjectAltName={GOOD_NAMES}")
        openssl("req", "-x509", *new_key(key), "-subj", "/CN=server", *names, "-out", certificate)
        return server_context(certificate, key)


def new_key(file: Path) -> tuple[str | Path, ...]:
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
    return (*curve, "-nodes", "-keyout", file)


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=20)


def made_in(folder: Path) -> Authority:
    """Create an authority with its files in a folder."""
    key, certificate = folder / "ca.key", folder / "ca.pem"
    openssl("req", "-x509", *new_key(key), "-subj", "/CN=authority", "-out", certificate)
    return Authority(folder)
