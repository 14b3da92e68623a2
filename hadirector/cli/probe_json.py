"""The result of one probe as JSON."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from checks.definition.result import Result
from checks.io.attempt import TimedProgress
from checks.io.tls import chain


def encode_result(kind: str, target: str, result: Result, progress: TimedProgress) -> str:
    """Return the result with its stages, the digests of the body, and the certificates as sent.

    Times are in seconds.
    """
    content = {
        "type": kind,
        "target": target,
        "passed": result.passed,
        **msgspec.to_builtins(result),
        "stages": _stages(progress, result),
        "body": _digests(progress.body),
        "tls": _tls(progress),
    }
    return msgspec.json.encode(content).decode()


def _stages(progress: TimedProgress, result: Result) -> list[dict[str, Any]]:
    """Return the start and the duration of each stage. Composite probes have no stages."""
    if not progress.stages:
        return []
    began = progress.stages[0][1]
    ends = [at for _, at in progress.stages[1:]] + [began + result.duration]
    return [
        {"stage": str(stage), "began": at - began, "duration": end - at}
        for (stage, at), end in zip(progress.stages, ends, strict=True)
    ]


def _digests(body: bytes | None) -> dict[str, Any] | None:
    """Return the values that expect_sha256 and expect_md5 compare."""
    if body is None:
        return None
    return {
        "size": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "md5": hashlib.md5(body, usedforsecurity=False).hexdigest(),
    }


def _tls(progress: TimedProgress) -> dict[str, Any] | None:
    if progress.tls is None:
        return None
    cipher = progress.tls.cipher()
    certificates = [each._asdict() if each else None for each in chain(progress.tls)]
    return {
        "version": progress.tls.version(),
        "cipher": cipher[0] if cipher else None,
        "certificates": certificates,
    }
