"""The definition of a check: a target, a probe and its timing.

The reader of a configuration validates the values. No struct can be part of a reference cycle, so
the garbage collector does not need to track any (``gc=False``).
"""

from __future__ import annotations

import msgspec

from checks.definition.options import Probe

REQUESTED_WEIGHT_MAX = 1000
"""The largest weight that a target can request, in percent of its configured weight."""

EXIT_WEIGHT_MAX = 253
"""The largest weight that the exit status of a script can request."""


class Timing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """When to probe and how to decide the verdict. Durations are seconds.

    ``timeout`` is the deadline of a whole probe. ``rise`` successive passes make a failing target
    pass, and ``fall`` successive failures make a passing target fail. ``fast_interval`` replaces
    ``interval`` while the latest results contradict the verdict, and ``slow_interval`` replaces it
    while the target is failing. A probe begins up to ``jitter`` after it is due. ``weight_step`` is
    the largest change of the requested weight per probe, in percent of the configured weight
    (None: unlimited). A request for more than ``weight_max`` percent counts as that. For a script
    with ``exit_weight``, ``weight_max`` is a weight and not a percentage.
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
    """How the packets of probes leave this host. The kernel decides by default.

    ``source`` is an address of this host, ``interface`` a device (SO_BINDTODEVICE), and ``mark`` a
    firewall mark (SO_MARK), 0 for none. ``destination`` replaces the address of the target in the
    packets; IPVS or another mechanism must forward marked packets to the target. ``hop_limit`` is
    the TTL or hop limit, 0 for the default.
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
    """One check. ``identity`` names it in reports. Equal definitions may share one identity.

    With ``idle_connection``, the checker keeps an idle TCP connection to the target. The end of
    this connection causes a probe.
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
