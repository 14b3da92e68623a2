"""What a check is: a target, a probe, and its timing. Validated by whoever reads it from a file.

None can be part of a cycle, so the garbage collector need not know them (``gc=False``).
"""

from __future__ import annotations

import msgspec

from checks.definition.options import Probe


class Timing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """When to probe and how to judge. Durations are seconds.

    ``timeout`` is a hard deadline for one whole probe, whatever the target does.
    ``rise`` passes in a row bring a failed target back; ``fall`` failures in a row fail it.
    ``interval`` holds unless one of these is given: ``fast_interval`` while the latest results
    contradict the verdict, ``slow_interval`` while the target is failing. A probe begins up to
    ``jitter`` after it is due. ``weight_step`` is how far the weight that a target asks for moves
    in one probe, in percent of the configured one; None is all the way.
    """

    interval: float = 2.0
    timeout: float = 1.0
    rise: int = 2
    fall: int = 2
    fast_interval: float | None = None
    slow_interval: float | None = None
    jitter: float = 0.0
    weight_step: int | None = None

    @property
    def longest_interval(self) -> float:
        """Seconds that may pass between two probes of a target, jitter included."""
        return max(self.interval, self.slow_interval or 0.0) + self.jitter


class Route(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How probes leave this host: all as the kernel decides unless said otherwise.

    ``source`` is an address of this host, ``interface`` a device (SO_BINDTODEVICE), ``mark`` the
    firewall mark of the probe's packets (SO_MARK), 0 for none. ``destination`` is the address that
    they are sent to in place of the target's: what takes marked ones to the target is set up
    elsewhere. ``hop_limit`` is how many routers they may pass and one more, 0 for the usual.
    """

    source: str | None = None
    interface: str | None = None
    mark: int = 0
    destination: str | None = None
    hop_limit: int = 0


class Limits(msgspec.Struct, frozen=True, gc=False):
    """How many probes may begin in a second: of all checks together, and of those that share a
    target's address and port. None is no limit.
    """

    probes_per_second: int | None = None
    target_probes_per_second: int | None = None


class CheckDefinition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One check. ``identity`` names it in reports; equal definitions may share one identity.

    With ``idle_connection`` an idle TCP connection to the target is kept, whose end causes a probe.
    """

    identity: str
    address: str
    port: int
    probe: Probe
    timing: Timing = Timing()
    route: Route = Route()
    idle_connection: bool = False

    @property
    def destination(self) -> str:
        """The address that probes are sent to."""
        return self.route.destination or self.address
