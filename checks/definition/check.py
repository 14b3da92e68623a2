"""The definition of a check: a target, a probe and its timing.

The configuration reader validates the values before it creates these structs. They cannot form
reference cycles, so they are excluded from garbage collection (``gc=False``).
"""

from __future__ import annotations

import msgspec

from checks.definition.options import Probe

REQUESTED_WEIGHT_MAX = 1000
"""The largest weight that a target can request, in percent of its configured weight."""

EXIT_WEIGHT_MAX = 253
"""The largest weight that the exit status of a script can request."""


class Timing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The intervals, the deadline and the thresholds of a check. Durations are in seconds.

    ``timeout`` is the deadline of a whole probe. ``rise`` successive passes make a failing
    target pass, and ``fall`` successive failures make a passing target fail. ``fast_interval``
    replaces ``interval`` while the latest results contradict the verdict, and ``slow_interval``
    replaces it while the target is failing. A probe begins up to ``jitter`` after it is due.

    A target may request a weight through its check. ``weight_step`` is the largest change of
    that weight per probe, in percent of the configured weight (None: unlimited). ``weight_max``
    is the largest weight that counts, in percent; a larger request is lowered to it. For a
    script with ``exit_weight``, ``weight_max`` is a weight and not a percentage.
    """

    interval: float = 2.0
    timeout: float = 1.0
    rise: int = 2
    fall: int = 2
    fast_interval: float | None = None
    slow_interval: float | None = None
    jitter: float = 0.0
    weight_step: int | None = None
    weight_max: int = 100

    @property
    def longest_interval(self) -> float:
        """The longest time between two probes of a target, including jitter, in seconds.

        A probe that takes longer than the interval delays the next one.
        """
        return max(self.interval, self.slow_interval or 0.0, self.timeout) + self.jitter


class Route(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The source, interface, mark and destination of probes; by default the kernel decides.

    ``source`` is an address of this host, ``interface`` a device (SO_BINDTODEVICE), and
    ``mark`` a firewall mark (SO_MARK), 0 for none. With ``destination``, the packets go to that
    address instead of the target's, and IPVS or a routing rule must forward them to the target
    by their mark. ``hop_limit`` is the TTL or hop limit, 0 for the default.
    """

    source: str | None = None
    interface: str | None = None
    mark: int = 0
    destination: str | None = None
    hop_limit: int = 0


class Limits(msgspec.Struct, frozen=True, gc=False):
    """The maximum numbers of probes per second: for all checks, and for the checks of one target.

    In this class, a target is an address and port. None means unlimited.
    """

    probes_per_second: int | None = None
    target_probes_per_second: int | None = None


class CheckDefinition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The complete definition of one check.

    ``identity`` names the check in reports. Real servers with equal definitions share one check
    and its identity. With ``idle_connection``, the checker keeps an idle TCP connection to the
    target. The end of this connection causes a probe at once.
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
        """The destination address of the probe's packets."""
        return self.route.destination or self.address

    @property
    def endpoint(self) -> tuple[str, int]:
        """The address and port of the target."""
        return self.address, self.port
