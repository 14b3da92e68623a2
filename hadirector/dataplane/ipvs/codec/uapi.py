"""The numbers of include/uapi/linux/ip_vs.h that the director uses."""

from __future__ import annotations

from enum import IntEnum, IntFlag

FAMILY_NAME = "IPVS"
FAMILY_VERSION = 1

FORWARDING_MASK = 0x7
"""IP_VS_CONN_F_FWD_MASK."""


class Command(IntEnum):
    """Commands, IPVS_CMD_*."""

    NEW_SERVICE = 1
    SET_SERVICE = 2
    DELETE_SERVICE = 3
    GET_SERVICE = 4
    NEW_DESTINATION = 5
    SET_DESTINATION = 6
    DELETE_DESTINATION = 7
    GET_DESTINATION = 8
    GET_INFO = 15


class ServiceAttribute(IntEnum):
    """Attributes of a service, IPVS_SVC_ATTR_*."""

    FAMILY = 1
    PROTOCOL = 2
    ADDRESS = 3
    PORT = 4
    FIREWALL_MARK = 5
    SCHEDULER = 6
    FLAGS = 7
    TIMEOUT = 8
    NETMASK = 9
    PERSISTENCE_ENGINE = 11


class DestinationAttribute(IntEnum):
    """Attributes of a destination, IPVS_DEST_ATTR_*."""

    ADDRESS = 1
    PORT = 2
    FORWARDING = 3
    WEIGHT = 4
    UPPER_THRESHOLD = 5
    LOWER_THRESHOLD = 6
    ACTIVE_CONNECTIONS = 7
    INACTIVE_CONNECTIONS = 8
    PERSISTENT_CONNECTIONS = 9
    STATISTICS_32 = 10
    FAMILY = 11
    STATISTICS = 12
    TUNNEL_TYPE = 13
    TUNNEL_PORT = 14
    TUNNEL_FLAGS = 15


class StatisticsAttribute(IntEnum):
    """Attributes of statistics, IPVS_STATS_ATTR_*: totals, and then the rates per second."""

    CONNECTIONS = 1
    PACKETS_IN = 2
    PACKETS_OUT = 3
    BYTES_IN = 4
    BYTES_OUT = 5
    CONNECTIONS_PER_SECOND = 6
    PACKETS_IN_PER_SECOND = 7
    PACKETS_OUT_PER_SECOND = 8
    BYTES_IN_PER_SECOND = 9
    BYTES_OUT_PER_SECOND = 10


class ServiceFlag(IntFlag):
    """Flags of a service, IP_VS_SVC_F_*. The scheduler defines the SCHED flags."""

    PERSISTENT = 0x01
    HASHED = 0x02
    ONE_PACKET = 0x04
    SCHEDULER_1 = 0x08
    SCHEDULER_2 = 0x10
    SCHEDULER_3 = 0x20
