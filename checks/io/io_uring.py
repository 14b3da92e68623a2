"""The kernel's io_uring: operations on sockets, given to it by the hundred in one call.

The layouts are those of linux/io_uring.h, the rest is told in io_uring_enter(2). Whoever enters the
kernel also gets what has ended, in the same thread and the same call (IORING_SETUP_DEFER_TASKRUN,
Linux 6.1): the two rings that are shared with it need no memory barriers here.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import socket
import struct
from contextlib import suppress
from typing import Final

from checks.io.errors import error_of

_SETUP, _ENTER, _REGISTER = 425, 426, 427  # on every architecture but alpha
_GET_EVENTS: Final = 1
_REGISTER_EVENTFD, _REGISTER_FILES2 = 4, 13
_SPARSE: Final = 1
_FLAGS: Final = 1 << 3 | 1 << 7 | 1 << 9 | 1 << 12 | 1 << 13
"""IORING_SETUP_CQSIZE, SUBMIT_ALL, TASKRUN_FLAG, SINGLE_ISSUER and DEFER_TASKRUN."""
_TASKRUN: Final = 1 << 2
_FEATURES: Final = 1 << 0 | 1 << 1
"""IORING_FEAT_SINGLE_MMAP and NODROP, which every kernel with those flags has."""
_ENTRIES_AT: Final = 0x10000000

_ASYNC_CANCEL, _CONNECT, _CLOSE, _SEND, _RECEIVE, _SOCKET = 14, 16, 19, 26, 27, 45
_IN_TABLE, _LINKED, _TOLD_IF_IT_FAILS = 1 << 0, 1 << 2, 1 << 6
"""IOSQE_FIXED_FILE, IO_LINK and CQE_SKIP_SUCCESS."""

_PARAMETERS: Final = struct.Struct("=30I")
_ENTRY: Final = struct.Struct("=BBHi QQ II Q HHI QQ")
_ENTRY_SIZE: Final = 64
_ENDED_SIZE: Final = 16
_WRAP: Final = 0xFFFFFFFF

_NEVER_TOLD: Final = _WRAP
TOLD_MAX: Final = 4
"""What is told at once of one place, at most, is less: its end, a cancellation and a close."""

_syscall = ctypes.CDLL(None, use_errno=True)["syscall"]
_syscall.argtypes = [ctypes.c_long] * 7
_syscall.restype = ctypes.c_long


class Ring:
    """One io_uring, for one thread, with a table of sockets: ``place`` is where one has its own.

    Its file is readable while something has ended. ``size`` operations can wait to be submitted:
    with more, the first are. Every operation raises OSError when the kernel takes none. Memory that
    one is given must stay until it has ended. Making a Ring raises OSError where there can be none:
    the kernel is older or has none, a rule forbids it, or files or memory are used up.
    """

    def __init__(self, size: int, places: int) -> None:
        parameters = ctypes.create_string_buffer(_PARAMETERS.size)
        room = max(2 * size, TOLD_MAX * places)  # for what has ended
        _PARAMETERS.pack_into(parameters, 0, size, room, _FLAGS, *[0] * 27)
        self._file = _call(_SETUP, size, ctypes.addressof(parameters))
        try:
            given = _PARAMETERS.unpack(parameters)
            assert given[5] & _FEATURES == _FEATURES
            self._register(_REGISTER_FILES2, struct.pack("=IIQQQ", places, _SPARSE, 0, 0, 0), 32)
            self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            self._register(_REGISTER_EVENTFD, struct.pack("=i", self._bell), 1)
            self._map(given[0], given[1], given[10:20], given[20:30])
        except OSError:
            os.close(self._file)
            raise
        self._tail = 0
        self.queued = 0  # operations that wait to be submitted

    def _map(
        self, size: int, ended_size: int, at: tuple[int, ...], ended_at: tuple[int, ...]
    ) -> None:
        """Map both rings, by struct io_sqring_offsets and io_cqring_offsets."""
        self._size, self._mask, self._ended_mask = size, size - 1, ended_size - 1
        length = max(at[6] + 4 * size, ended_at[5] + _ENDED_SIZE * ended_size)
        self._rings = mmap.mmap(self._file, (length + 7) // 8 * 8)
        self._entries = mmap.mmap(self._file, _ENTRY_SIZE * size, offset=_ENTRIES_AT)
        rings = memoryview(self._rings)
        self._words = rings.cast("I")
        self._tail_at, self._state_at, order_at = at[1] // 4, at[4] // 4, at[6] // 4
        for number in range(size):  # which entry each place in the ring means: its own
            self._words[order_at + number] = number
        self._ended_head_at, self._ended_tail_at = ended_at[0] // 4, ended_at[1] // 4
        ended = rings[ended_at[5] : ended_at[5] + _ENDED_SIZE * ended_size]
        self._numbers, self._results = ended.cast("Q"), ended.cast("i")
        self._views = rings, ended, self._words, self._numbers, self._results

    def fileno(self) -> int:
        """Give what poll(2) and the like want."""
        return self._bell

    def connect(self, place: int, family: int, memory: int, length: int) -> None:
        """Make a TCP socket and connect it, to the address of this length in memory.

        What fails first is told. When nothing does, connect(2) is asked once more, and says
        EISCONN: the kernel takes any event for success (io_uring/net.c, io_connect), also an ICMP
        message after which TCP tries again. Then it says EALREADY.
        """
        self._reserve(3)
        flags, kind = _LINKED | _TOLD_IF_IT_FAILS, socket.SOCK_STREAM
        self._queue(_SOCKET, flags, 0, family, kind, 0, 0, 0, place, 0, 0, place + 1, 0, 0)
        flags |= _IN_TABLE
        self._queue(_CONNECT, flags, 0, place, length, memory, 0, 0, place, 0, 0, 0, 0, 0)
        self._queue(_CONNECT, _IN_TABLE, 0, place, length, memory, 0, 0, place, 0, 0, 0, 0, 0)

    def send(self, place: int, memory: int, length: int) -> None:
        """Send so many bytes, or fewer."""
        self._reserve(1)
        quiet = socket.MSG_NOSIGNAL
        self._queue(_SEND, _IN_TABLE, 0, place, 0, memory, length, quiet, place, 0, 0, 0, 0, 0)

    def receive(self, place: int, memory: int, length: int) -> None:
        """Receive so many bytes, or fewer."""
        self._reserve(1)
        self._queue(_RECEIVE, _IN_TABLE, 0, place, 0, memory, length, 0, place, 0, 0, 0, 0, 0)

    def cancel(self, place: int) -> None:
        """End what is under way; that it has ended is told in any case."""
        self._reserve(1)
        self._queue(_ASYNC_CANCEL, 0, 0, -1, 0, place, 0, 0, _NEVER_TOLD, 0, 0, 0, 0, 0)

    def close_place(self, place: int) -> None:
        """Close the socket there. Nothing is told of it."""
        self._reserve(1)
        flags = _TOLD_IF_IT_FAILS
        self._queue(_CLOSE, flags, 0, 0, 0, 0, 0, 0, _NEVER_TOLD, 0, 0, place + 1, 0, 0)

    def submit(self) -> None:
        """Give the kernel what is queued, and let it go on with what it has.

        What it has no room for stays queued.
        """
        words, seen = self._words, -1
        words[self._tail_at] = self._tail
        # It goes on with some of what is ready at a time, and does not always say so of the rest.
        while words[self._state_at] & _TASKRUN or seen != words[self._ended_tail_at]:
            seen = words[self._ended_tail_at]
            self._enter()

    def _enter(self) -> None:
        try:
            self.queued -= _call(_ENTER, self._file, self.queued, 0, _GET_EVENTS)
        except OSError as fault:
            if fault.errno not in (errno.EAGAIN, errno.EBUSY, errno.EINTR):
                raise
        with suppress(BlockingIOError):  # what rings after this is of something later, or TASKRUN
            os.eventfd_read(self._bell)

    def ended(self) -> list[tuple[int, int]]:
        """Take what has ended: its place, and what its system call would have returned.

        Instead of -1 that is the negative errno.
        """
        words, mask = self._words, self._ended_mask
        head, tail = words[self._ended_head_at], words[self._ended_tail_at]
        ended = []
        while head != tail:
            at = head & mask
            number = self._numbers[2 * at]
            if number != _NEVER_TOLD:
                ended.append((number, self._results[4 * at + 2]))
            head = head + 1 & _WRAP
        words[self._ended_head_at] = head
        return ended

    def close(self) -> None:
        """Give it back, with all its sockets. What is under way is given up."""
        for view in self._views:
            view.release()
        self._rings.close()  # mapped, it would stay as it is
        self._entries.close()
        os.close(self._bell)
        os.close(self._file)

    def _reserve(self, count: int) -> None:
        """Have room for so many operations that go together."""
        if self.queued + count > self._size:
            self.submit()
            if self.queued + count > self._size:
                raise error_of(errno.ENOBUFS)

    def _queue(self, *fields: int) -> None:
        """Write a struct io_uring_sqe: opcode, flags, ioprio, fd, off, addr, len, the operation's
        flags, user_data, buf_index, personality, file_index, addr3, padding.
        """
        _ENTRY.pack_into(self._entries, (self._tail & self._mask) * _ENTRY_SIZE, *fields)
        self._tail = self._tail + 1 & _WRAP
        self.queued += 1

    def _register(self, what: int, argument: bytes, count: int) -> None:
        memory = ctypes.create_string_buffer(argument)
        _call(_REGISTER, self._file, what, ctypes.addressof(memory), count)


def _call(number: int, *arguments: int) -> int:
    """Make a system call of up to six arguments. Raises OSError."""
    result = int(_syscall(number, *arguments, *[0] * (6 - len(arguments))))
    if result < 0:
        raise error_of(ctypes.get_errno())
    return result
