"""The keys of a pool: its policies, its real servers and its sorry server.

To add a policy, add a key here and a field of the same name to `PoolPolicy` or `RealServer` in the
model. The reference and the value of the model come from the key.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated

from pydantic import Field

from hadirector.config.checks.schema import Check
from hadirector.config.keys.addresses import ENDPOINT, Endpoint
from hadirector.config.keys.key import Key
from hadirector.config.keys.names import Name
from hadirector.config.keys.readers import (
    BOOLEAN,
    HEALTHY_MINIMUM,
    choice,
    integer,
    mapping,
)
from hadirector.config.keys.section import Placed, Section, place_items, switch
from hadirector.config.pools.policies import FlapDampingSection, SlowStart
from hadirector.config.scripts.schema import PoolNotifySection
from hadirector.config.services.tunnel import TunnelSection
from hadirector.config.sources.schema import AdmissionSection
from hadirector.model import policy
from hadirector.model.configuration import OnFailure
from hadirector.model.ipvs import DestinationKey, ForwardingMethod

# ip_vs keeps a connection threshold in 32 bits.
Threshold = Annotated[int, integer(1, 0xFFFFFFFF)]
INITIAL_STATE = mapping({"down": False, "up": True})


def destination(address: Endpoint, service_port: int) -> DestinationKey:
    """Return the address and port of a server. The default port is the port of the virtual server.

    The port is 0 if the virtual server has several ports: each packet then keeps its port.
    """
    return DestinationKey(address.address, address.port or service_port)


class RealServerSection(Section):
    """One real server, or the real servers that a source names."""

    address: Annotated[
        Endpoint,
        ENDPOINT,
        Key(
            "The real server. The default port is the port of the virtual server, or the port of"
            " each connection if the virtual server has several.",
            default="one of `address` and `from` is required",
        ),
    ] = Endpoint("", None)
    source: Annotated[
        Name | None,
        Key(
            "The name of a [source](#sources) that names the real servers. All other keys apply to"
            " each of them.",
            default="",
        ),
    ] = Field(default=None, alias="from")
    weight: Annotated[
        int,
        integer(0, 65535),
        Key("The share of new connections. A server with weight 0 gets none."),
    ] = 1
    backup_tier: Annotated[
        int,
        integer(0, 255),
        Key(
            "A server in a tier above 0 serves only while the passing servers of all lower tiers"
            " together do not reach the quorum."
        ),
    ] = 0
    reserve: Annotated[
        bool,
        BOOLEAN,
        Key(
            "Only with `sh` and `mh`: the server has its part of the hash table, but gets no new"
            " connections. Fewer clients move when it is activated than when a server is added."
        ),
    ] = False
    upper_threshold: Annotated[
        Threshold | None,
        Key(
            "With this number of connections, the server gets no new connections.",
            default="no limit",
        ),
    ] = None
    lower_threshold: Annotated[
        Threshold | None,
        Key(
            "The server gets new connections again when it has fewer connections than this.",
            type="less than `upper_threshold`",
            default="three quarters of `upper_threshold`",
        ),
    ] = None
    forwarding: Annotated[
        Annotated[ForwardingMethod, choice(ForwardingMethod)] | None,
        Key(
            "How packets reach this server. After a change of the method, existing connections keep"
            " the former method.",
            default="the virtual server's",
        ),
    ] = None
    tunnel: Annotated[
        TunnelSection | None,
        Key(
            "Only with `tun`: how packets to this server are encapsulated.",
            type="[tunnel](#tunnel)",
            default="the virtual server's",
        ),
    ] = None
    on_failure: Annotated[
        Annotated[OnFailure, choice(OnFailure)] | None,
        Key(
            "Whether this server leaves the kernel's table when it fails, or stays in it with"
            " weight 0.",
            default="the virtual server's",
        ),
    ] = None
    initial_state: Annotated[
        Annotated[bool, INITIAL_STATE] | None,
        Key(
            "Whether this server waits for its first pass when it is new, or serves until its first"
            " probe has failed.",
            default="the virtual server's",
            field="initially_up",
        ),
    ] = None
    slow_start: Annotated[
        SlowStart | None,
        Key(
            "The time in which the weight grows after the server enters the pool.",
            type="duration, or [slow_start](#slow_start)",
            default="the virtual server's",
        ),
    ] = None
    check: Annotated[
        Check | None,
        Key(
            "How this real server is probed.",
            type="[check](#check)",
            default="the virtual server's",
        ),
    ] = None
    notify: Annotated[
        list[PoolNotifySection | None],
        Key(
            "The scripts that run when this real server passes or fails.",
            type="list of [notify](#notify-of-a-pool)",
            default="the scripts of the virtual server for `up` and `down`",
        ),
    ] = []

    @cached_property
    def notify_scripts(self) -> tuple[Placed[PoolNotifySection], ...]:
        """The notify scripts, with their paths below the real server."""
        return place_items(("notify",), self.notify)


class SorryServerSection(Section):
    """The sorry server, which serves while the pool has no quorum."""

    address: Annotated[
        Endpoint, ENDPOINT, Key("The sorry server. The default port is that of the virtual server.")
    ]
    forwarding: Annotated[
        Annotated[ForwardingMethod, choice(ForwardingMethod)] | None,
        Key("How packets reach the sorry server.", default="the virtual server's"),
    ] = None
    tunnel: Annotated[
        TunnelSection | None,
        Key(
            "Only with `tun`: how packets to the sorry server are encapsulated.",
            type="[tunnel](#tunnel)",
            default="the virtual server's",
        ),
    ] = None
    on_failure: Annotated[
        OnFailure,
        choice(OnFailure),
        Key(
            "Whether the sorry server leaves the kernel's table while it does not serve, or stays"
            " in it with weight 0, so that its connections continue. It does not inherit the"
            " virtual server's value. With `sh` and `mh` it always leaves."
        ),
    ] = OnFailure.REMOVE
    initial_state: Annotated[
        Annotated[bool, INITIAL_STATE] | None,
        Key(
            "Only with a check: whether the sorry server may serve before the first pass.",
            default="the virtual server's",
            field="initially_up",
        ),
    ] = None
    check: Annotated[
        Check | None,
        Key(
            "How the sorry server is probed. It does not inherit a check.",
            type="[check](#check)",
            default="none",
        ),
    ] = None


class PoolSection(Section):
    """The keys of a virtual server that define its pool."""

    on_failure: Annotated[
        Annotated[OnFailure, choice(OnFailure)] | None,
        Key(
            "Whether a failed real server leaves the kernel's table, or stays in it with weight 0."
            " With `sh` and `mh`, the removal of one server would send clients of healthy servers"
            " elsewhere. All directors keep the real servers of `sh` and `mh` in one order,"
            " regardless of earlier failures, so that they send a client to the same server.",
            default="`remove`; with `sh` and `mh` always `zero_weight`",
        ),
    ] = None
    quorum: Annotated[
        int,
        integer(1, 0x7FFFFFFF),
        Key(
            "The total weight of passing real servers that the pool needs. Without quorum the sorry"
            " server serves, and an instance that tracks the pool sees a fault."
        ),
    ] = 1
    hysteresis: Annotated[
        int,
        integer(0, 0x7FFFFFFF),
        Key(
            "The pool loses the quorum below `quorum` - `hysteresis`, and regains it at `quorum` +"
            " `hysteresis`.",
            type="0 to `quorum` - 1",
        ),
    ] = 0
    min_healthy: Annotated[
        policy.HealthyMinimum,
        HEALTHY_MINIMUM,
        Key(
            "The least number of real servers that stay in use, even if they fail. See"
            " [the brake](#the-brake).",
            default="0, which is off",
        ),
    ] = policy.HealthyMinimum()
    slow_start: Annotated[
        SlowStart | None,
        Key(
            "The time in which the weight of a real server grows after it enters the pool.",
            type="duration `1s` to `1h`, or [slow_start](#slow_start)",
            default="none",
        ),
    ] = None
    initial_state: Annotated[
        bool,
        INITIAL_STATE,
        Key(
            "Whether a new real server waits for its first pass (`down`), or serves until its first"
            " probe has failed (`up`). A real server that the kernel has at a restart keeps its"
            " state.",
            default="`down`",
            field="initially_up",
        ),
    ] = False
    flap_damping: Annotated[
        FlapDampingSection | None,
        switch(FlapDampingSection, "true, false or a mapping"),
        Key(
            "Whether a real server that fails often stays out of the pool for a time.",
            type="`true`, `false`, or [flap_damping](#flap_damping)",
            default="`false`",
        ),
    ] = None
    sorry_server: Annotated[
        SorryServerSection | None,
        Key(
            "The server that serves while the pool has no quorum. Without a sorry server, the"
            " passing real servers go on serving.",
            type="[sorry server](#sorry_server)",
            default="none",
        ),
    ] = None
    check: Annotated[
        Check | None,
        Key(
            "The check of every real server of this pool that has no check of its own.",
            type="[check](#check)",
            default="the director's",
        ),
    ] = None
    real_servers: Annotated[
        list[RealServerSection | None],
        Key(
            "The servers that get the connections.",
            type="list of [real servers](#real_servers)",
            default="empty",
        ),
    ] = []

    admission: Annotated[
        AdmissionSection | None,
        Key(
            "Limits on what a source can change at once in this pool.",
            type="[admission](#admission)",
            default="",
        ),
    ] = None
    notify: Annotated[
        list[PoolNotifySection | None],
        Key(
            "The scripts that run for new states of the pool and of its real servers.",
            type="list of [notify](#notify-of-a-pool)",
            default="none",
        ),
    ] = []

    @cached_property
    def notify_scripts(self) -> tuple[Placed[PoolNotifySection], ...]:
        """The notify scripts, with their paths below the virtual server."""
        return place_items(("notify",), self.notify)

    @cached_property
    def members(self) -> tuple[Placed[RealServerSection], ...]:
        """The real servers, with their paths below the virtual server.

        An item with ``source`` stands for any number of them, and has no address.
        """
        return place_items(("real_servers",), self.real_servers)

    @property
    def discovers(self) -> bool:
        """Whether a source names real servers of this pool."""
        return any(member.source is not None for _, member in self.members)

    @property
    def all_members(self) -> tuple[Placed[RealServerSection | SorryServerSection], ...]:
        """The real servers and, if configured, the sorry server, with their paths."""
        found: list[Placed[RealServerSection | SorryServerSection]] = [
            Placed(path, item) for path, item in self.members
        ]
        if self.sorry_server is not None:
            found.append(Placed(("sorry_server",), self.sorry_server))
        return tuple(found)
