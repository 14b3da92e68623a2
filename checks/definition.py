"""What a check is: a target, a probe, and its timing. Validated by whoever reads it from a file.

None can be part of a cycle, so the garbage collector need not know them (``gc=False``).
"""

from __future__ import annotations

import msgspec


class Timing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """When to probe and how to judge. Durations are seconds.

    ``timeout`` is a hard deadline for one whole probe, whatever the target does.
    ``rise`` passes in a row bring a failed target back; ``fall`` failures in a row fail it.
    """

    interval: float = 2.0
    timeout: float = 1.0
    rise: int = 2
    fall: int = 2


class TcpProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="tcp"):
    """Passes when a TCP connection is established."""


class HttpProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="http"):
    """Passes when a GET is answered with an expected status and, if given, an expected body.

    ``host`` is sent as Host and, over TLS, as SNI, and is the name the certificate must carry.
    ``expect_body`` is a regular expression searched for in the first 64 KiB of the body.
    ``tls`` makes it HTTPS; the certificate is verified unless ``tls_verify`` is false.
    ``tls_ca_file`` replaces the system's certificate authorities.
    """

    path: str = "/"
    host: str | None = None
    expect_status: tuple[int, ...] = (200,)
    expect_body: str | None = None
    tls: bool = False
    tls_verify: bool = True
    tls_ca_file: str | None = None


Probe = TcpProbe | HttpProbe


class CheckDefinition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One check. ``identity`` names it in reports; equal definitions may share one identity."""

    identity: str
    address: str
    port: int
    probe: Probe
    timing: Timing = Timing()
