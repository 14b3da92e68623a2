"""The messages of the process connector of the kernel. Pure.

A message is a netlink header, a struct cn_msg (linux/connector.h) and a struct proc_event
(linux/cn_proc.h). Its numbers have the byte order of the host. A listener sends the operation
PROC_CN_MCAST_LISTEN, and the kernel answers with an event of the type NONE and an error number. The
events have the process ids of the initial PID namespace.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

CONNECTOR_GROUP: Final = 1
"""CN_IDX_PROC, which is the multicast group and the index of the connector."""

_NETLINK: Final = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_CONNECTOR: Final = struct.Struct("=IIIIHH")  # index, value, sequence, ack, length, flags
_EVENT: Final = struct.Struct("=IIQ")  # what, cpu, timestamp
_OPERATION: Final = struct.Struct("=I")
_DATA: Final = _NETLINK.size + _CONNECTOR.size + _EVENT.size

_NLMSG_DONE: Final = 3
_MCAST_LISTEN: Final = 1
_NONE: Final = 0x0
_FORK: Final = 0x1
_EXEC: Final = 0x2
_COMM: Final = 0x200
_EXIT: Final = 0x80000000

_TWO: Final = struct.Struct("=ii")
_FOUR: Final = struct.Struct("=iiii")
_NAME_BYTES: Final = 16  # TASK_COMM_LEN


class Fork(NamedTuple):
    """A process has a new child."""

    parent: int
    child: int


class Exec(NamedTuple):
    """A process executes another program."""

    pid: int


class Rename(NamedTuple):
    """A process has another name."""

    pid: int
    name: bytes


class Exit(NamedTuple):
    """A process has ended."""

    pid: int


class Acknowledgement(NamedTuple):
    """The kernel has answered to `listen_message`. ``error`` is 0, or an error number."""

    error: int


Event = Fork | Exec | Rename | Exit


def listen_message() -> bytes:
    """Return the message that orders events."""
    operation = _OPERATION.pack(_MCAST_LISTEN)
    connector = _CONNECTOR.pack(CONNECTOR_GROUP, 1, 0, 0, len(operation), 0)
    length = _NETLINK.size + len(connector) + len(operation)
    return _NETLINK.pack(length, _NLMSG_DONE, 0, 0, 0) + connector + operation


def parse(message: bytes) -> Event | Acknowledgement | None:
    """Return the event of a message; None for a thread, for another event and for a short message.

    A thread has an id that differs from the id of its process.
    """
    try:
        index, value, *_ = _CONNECTOR.unpack_from(message, _NETLINK.size)
        what, *_ = _EVENT.unpack_from(message, _NETLINK.size + _CONNECTOR.size)
        if (index, value) != (CONNECTOR_GROUP, 1):
            return None
        return _event(what, message)
    except struct.error:
        return None


def _event(what: int, message: bytes) -> Event | Acknowledgement | None:
    if what == _NONE:
        return Acknowledgement(abs(_TWO.unpack_from(message, _DATA)[0]))
    if what == _FORK:
        _, parent, child, child_process = _FOUR.unpack_from(message, _DATA)
        return Fork(parent, child) if child == child_process else None
    thread, process = _TWO.unpack_from(message, _DATA)
    return _process_event(what, process, message) if thread == process else None


def _process_event(what: int, pid: int, message: bytes) -> Event | None:
    if what == _EXEC:
        return Exec(pid)
    if what == _EXIT:
        return Exit(pid)
    if what == _COMM:
        start = _DATA + _TWO.size
        return Rename(pid, message[start : start + _NAME_BYTES].partition(b"\0")[0])
    return None
