"""Writes an OCI image layout with one layer (OCI image specification, image-layout.md)."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_TYPES: Final = "application/vnd.oci.image"
_BLOCK_BYTES: Final = 1 << 20
_LEFT_OUT: Final = (
    *("./dev/*", "./proc/*", "./sys/*", "./tmp/*"),  # a runtime fills them
    *("./var/lib/apt/lists/*", "./var/cache/*/*", "./var/log/*"),
    # The image debian:12-slim has no documents either.
    *("./usr/share/doc/*/changelog*", "./usr/share/info/*", "./usr/share/locale/*"),
    *("./usr/share/man/*", "./usr/share/doc/hadirector/*.gz"),
)


def write_layout(
    directory: Path, root: Path, config: Mapping[str, object], moment: int, tag: str
) -> str:
    """Write the image of a root file system, and return the digest of its manifest.

    Equal trees give equal digests: no file is newer than ``moment`` (seconds since 1970), and the
    names are sorted.
    """
    shutil.rmtree(directory, ignore_errors=True)
    blobs = directory / "blobs/sha256"
    blobs.mkdir(parents=True)
    tree = directory / "layer.tar"
    _pack(root, tree, moment)
    layer, contents = _compress(tree, blobs)
    image = {
        "created": datetime.fromtimestamp(moment, UTC).isoformat(),
        "architecture": _architecture(),
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{contents}"]},
        "history": [{"created_by": "packaging/image/Dockerfile"}],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{_TYPES}.manifest.v1+json",
        "config": _store(blobs, image, "config"),
        "layers": [_describe(blobs / layer, "layer.v1.tar+gzip")],
    }
    described = _store(blobs, manifest, "manifest")
    described["annotations"] = {"org.opencontainers.image.ref.name": tag}
    index = {"schemaVersion": 2, "mediaType": f"{_TYPES}.index.v1+json", "manifests": [described]}
    (directory / "index.json").write_bytes(_encode(index))
    (directory / "oci-layout").write_bytes(_encode({"imageLayoutVersion": "1.0.0"}))
    return str(described["digest"])


def _pack(root: Path, tree: Path, moment: int) -> None:
    """Write a tar archive with file capabilities and without access times (tar(1))."""
    subprocess.run(
        [
            "tar",
            "--create",
            f"--file={tree}",
            f"--directory={root}",
            "--sort=name",
            "--numeric-owner",
            f"--mtime=@{moment}",
            "--clamp-mtime",
            "--format=pax",
            "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
            "--xattrs",
            "--xattrs-include=security.capability",
            *(f"--exclude={each}" for each in _LEFT_OUT),
            ".",
        ],
        check=True,
        timeout=300,
    )


def _compress(tree: Path, blobs: Path) -> tuple[str, str]:
    """Replace a tar archive by a compressed blob. Return the digests of both."""
    contents, unfinished = hashlib.sha256(), blobs / "unfinished"
    with tree.open("rb") as source, gzip.GzipFile(unfinished, "wb", 6, mtime=0) as target:
        while block := source.read(_BLOCK_BYTES):
            contents.update(block)
            target.write(block)
    tree.unlink()
    with unfinished.open("rb") as packed:
        digest = hashlib.file_digest(packed, "sha256").hexdigest()
    unfinished.rename(blobs / digest)
    return digest, contents.hexdigest()


def _store(blobs: Path, document: object, kind: str) -> dict[str, object]:
    """Write a document as a blob, and return its descriptor."""
    encoded = _encode(document)
    blob = blobs / hashlib.sha256(encoded).hexdigest()
    blob.write_bytes(encoded)
    return _describe(blob, f"{kind}.v1+json")


def _describe(blob: Path, kind: str) -> dict[str, object]:
    return {
        "mediaType": f"{_TYPES}.{kind}",
        "digest": f"sha256:{blob.name}",
        "size": blob.stat().st_size,
    }


def _encode(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _architecture() -> str:
    """Return the name of the architecture; Debian and OCI agree on amd64 and arm64."""
    asked = ["dpkg", "--print-architecture"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
