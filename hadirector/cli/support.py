"""Write a bundle with the facts that a report about a fault needs, without secrets."""

from __future__ import annotations

import argparse
import os
import sys
import tarfile
import time
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from hadirector import __version__
from hadirector.api.endpoint import EndpointError, Remote, read_token
from hadirector.cli import api_socket
from hadirector.cli.support_parts import HOST, Part, PartError, director_parts, host_parts

MEMBER_BYTES_MAX: Final = 8 * 1024 * 1024
TOTAL_BYTES_MAX: Final = 64 * 1024 * 1024
MODE: Final = 0o600
_HIDDEN: Final = b"[a secret that is not shown]"


class Member(msgspec.Struct, frozen=True):
    """An entry of the manifest: a file of the bundle, or the reason why it is missing."""

    name: str
    bytes: int = 0
    truncated: bool = False
    missing: str = ""


class Manifest(msgspec.Struct, frozen=True):
    """The content of the bundle. ``created`` is in seconds since the epoch."""

    version: str
    director: str
    created: float
    members: tuple[Member, ...]


class File(NamedTuple):
    """A file for the bundle."""

    member: Member
    content: bytes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Write a bundle (tar.gz) with the facts that a report about a fault needs: the status, the"
        " events, the overrides, the metrics, the configuration without its secrets, and facts of"
        " this host. It has no secrets. Exit with 1 if the director does not answer; the bundle"
        " then has the facts of this host."
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="the bundle; it must not exist (default: a new name)"
    )
    parser.add_argument("--json", action="store_true", help="print the manifest as JSON")
    api_socket.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the bundle.

    Return 1 if the director does not answer a part, and 2 if the bundle cannot be written.
    """
    now = time.time()  # noqa: TID251  # the name and the manifest have a date
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    path = Path(arguments.output or f"hadirector-support-{stamp}.tar.gz")
    endpoint = arguments.socket
    parts = [*director_parts(endpoint)]
    if not isinstance(endpoint, Remote):
        parts += host_parts()
    files = [*collect(parts, known_secrets(endpoint))]
    manifest = Manifest(__version__, str(endpoint), now, tuple(file.member for file in files))
    try:
        write_bundle(path, f"hadirector-support-{stamp}", manifest, files, now)
    except OSError as error:
        print(f"hadirector: {path}: {error.strerror}", file=sys.stderr)
        return 2
    missing = [member for member in manifest.members if member.missing]
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(manifest)).decode())
    else:
        print(f"{path}: {len(files) - len(missing)} parts, {path.stat().st_size} bytes")
        for member in missing:
            print(f"hadirector: {member.name} is missing: {member.missing}", file=sys.stderr)
    return 1 if any(not member.name.startswith(HOST) for member in missing) else 0


def known_secrets(endpoint: object) -> list[bytes]:
    """Return the secrets of the client. The secrets of the configuration stay in the director."""
    if not isinstance(endpoint, Remote) or endpoint.token_file is None:
        return []
    try:
        return [read_token(endpoint.token_file).encode()]
    except EndpointError:
        return []


def collect(parts: Iterable[Part], secrets: Iterable[bytes]) -> Iterator[File]:
    """Yield a file for each part, without these secrets.

    A file has at most 8 MiB, and all files together at most 64 MiB.
    """
    left = TOTAL_BYTES_MAX
    for part in parts:
        try:
            content = part.read()
        except PartError as error:
            yield File(Member(part.name, missing=str(error)), b"")
            continue
        for secret in secrets:
            content = content.replace(secret, _HIDDEN)
        limit = min(MEMBER_BYTES_MAX, left)
        kept = content[:limit]
        left -= len(kept)
        yield File(Member(part.name, len(kept), len(kept) < len(content)), kept)


def write_bundle(
    path: Path, folder: str, manifest: Manifest, files: Iterable[File], now: float
) -> None:
    """Write the bundle, which only its owner can read. Raises OSError if the file exists."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, MODE)
    with (
        open(descriptor, "wb") as output,
        tarfile.open(fileobj=output, mode="w:gz") as bundle,
    ):
        described = File(
            Member("manifest.json"), msgspec.json.format(msgspec.json.encode(manifest))
        )
        for file in (described, *files):
            if file.member.missing:
                continue
            entry = tarfile.TarInfo(f"{folder}/{file.member.name}")
            entry.size, entry.mode, entry.mtime = len(file.content), MODE, int(now)
            bundle.addfile(entry, BytesIO(file.content))
