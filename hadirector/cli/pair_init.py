"""Make the key and the certificate of this director for the pair link.

The certificate is signed by its own key, and is no authority. The peers pin it: they accept this
certificate and no other.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Final

from hadirector.web.link.certificates import fingerprint

DIRECTORY: Final = "/etc/hadirector/pair"
DAYS: Final = 3650
DAYS_MAX: Final = 36500
OPENSSL_SECONDS_MAX: Final = 20.0
_NAME: Final = re.compile(r"[A-Za-z0-9_.:@\[\]-]{1,64}", re.ASCII)
_SETTINGS: Final = """\
[req]
distinguished_name = subject
x509_extensions = extensions
prompt = no
string_mask = utf8only
[subject]
commonName = {name}
[extensions]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
"""
_NEXT: Final = """\

Store this certificate as {certificate} on each peer, and the certificate of each peer here:

{content}
The configuration of this director:

pair:
  name: edge                    # the same on all directors of the pair
  listen: 192.0.2.1:9471        # an address of this host
  certificate: {certificate}
  key: {key}
  peers:                        # the same list on all directors of the pair
    - {{name: {name}, address: "192.0.2.1:9471", certificate: {certificate}}}
"""


class InitError(Exception):
    """The files cannot be made. The message is the reason."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "--name",
        type=_name,
        default=socket.gethostname(),
        help="director.name of this director (default: the name of the host)",
    )
    parser.add_argument(
        "--directory",
        type=Path,
        default=Path(DIRECTORY),
        metavar="DIRECTORY",
        help=f"where the files are made (default: {DIRECTORY})",
    )
    parser.add_argument(
        "--days",
        type=_days,
        default=DAYS,
        metavar="DAYS",
        help=f"how long the certificate is valid (default: {DAYS})",
    )


def run(arguments: argparse.Namespace) -> int:
    """Make the files, and print what the peers need. Return 1 if they cannot be made."""
    directory: Path = arguments.directory
    name = arguments.name
    certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
    try:
        _make(certificate, key, name, arguments.days)
    except InitError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1
    content = certificate.read_text(encoding="ascii")
    shown = fingerprint(ssl.PEM_cert_to_DER_cert(content))
    print(f"key          {key} (it stays on this host)")
    print(f"certificate  {certificate} (valid for {arguments.days} days)")
    print(f"fingerprint  {shown} (SHA-256)")
    print(_NEXT.format(name=name, certificate=certificate, key=key, content=content), end="")
    return 0


def _make(certificate: Path, key: Path, name: str, days: int) -> None:
    """Make both files. Existing files stay, because the peers know this certificate."""
    for file in (certificate, key):
        if file.exists():
            raise InitError(f"{file} exists already (remove it to make a new identity)")
    new = certificate.with_suffix(".pem.new"), key.with_suffix(".key.new")
    try:
        key.parent.mkdir(mode=0o750, exist_ok=True)
        before = os.umask(0o077)
        try:
            _run_openssl(*new, name, days)
        finally:
            os.umask(before)
        group = key.parent.parent.stat().st_gid  # of the user that the director runs as
        for path, mode in ((key.parent, 0o750), (new[0], 0o644), (new[1], 0o640)):
            path.chmod(mode)
            os.chown(path, -1, group)
        os.rename(new[1], key)
        os.rename(new[0], certificate)
    except OSError as error:
        raise InitError(f"{error.filename or key.parent}: {error.strerror}") from error
    finally:
        for file in new:
            if file.exists():
                file.unlink()


def _run_openssl(certificate: Path, key: Path, name: str, days: int) -> None:
    command = (
        *("openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", str(days)),
        *("-config", "/dev/stdin", "-keyout", str(key), "-out", str(certificate)),
    )
    try:
        subprocess.run(
            command,
            input=_SETTINGS.format(name=name),
            check=True,
            capture_output=True,
            text=True,
            timeout=OPENSSL_SECONDS_MAX,
        )
    except FileNotFoundError as error:
        raise InitError("the program openssl is missing (apt-get install openssl)") from error
    except subprocess.TimeoutExpired as error:
        raise InitError(f"openssl took more than {OPENSSL_SECONDS_MAX:g} s") from error
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines()
        raise InitError(f"openssl: {lines[-1] if lines else error}") from error


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= DAYS_MAX):
        raise argparse.ArgumentTypeError(f"expected 1 to {DAYS_MAX}")
    return int(text)


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError("expected 1 to 64 letters, digits and _.:@[]-")
    return text
