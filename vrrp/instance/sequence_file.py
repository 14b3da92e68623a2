"""The file of auth_hmac: sequence numbers that were sent and received, for the next process.

The file consists of records of 32 bytes, each with one number. The first record has the last number
that was sent. Each other record has the highest received number of one series of one sender.
"""

from __future__ import annotations

import os
import stat
import struct
from ipaddress import IPv4Address, IPv6Address
from typing import Final, NamedTuple

from vrrp.protocol.packet import Address
from vrrp.protocol.sequence import series_of

RECORDS_MAX: Final = 4096
"""Maximum number of records, 128 KiB. Further series are remembered until the process ends."""

_RECORD: Final = struct.Struct("!BBB5x16sQ")
_SENT: Final = 0
"""Family of the record of the last number that was sent."""


class Sender(NamedTuple):
    """A sender whose numbers were received by one virtual router."""

    virtual_router_id: int
    address: Address


class SequenceFile:
    """Reads and writes the file in place, without a memory mapping.

    A full file system therefore causes an OSError, and a truncated file only loses numbers.
    Each record is written with one system call. The file should be on a tmpfs such as /run: on
    a disk, writeback can block the process. The constructor creates the file. It raises
    OSError.

    ``sent`` is the last number that was sent before the file was opened. ``received`` has the
    highest number of each sender and series.
    """

    def __init__(self, path: str) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        self._file = os.open(path, flags, 0o600)
        self.sent: int | None = None
        self.received: dict[tuple[Sender, int], int] = {}
        self._places: dict[tuple[Sender, int], int] = {}
        self._free = 1
        try:
            self._read(path)
        except OSError:
            self.close()
            raise

    def write_sent(self, sequence: int) -> None:
        """Store the last number that was sent. Raises OSError."""
        self._write(0, _RECORD.pack(_SENT, 0, 0, b"", sequence))

    def write_known(self, sender: Sender, sequence: int) -> None:
        """Store the highest number that was received in one series of a sender. Raises OSError."""
        key = sender, series_of(sequence)
        if key not in self._places:
            if self._free >= RECORDS_MAX:
                return
            self._places[key] = self._free
            self._free += 1
        self.received[key] = sequence
        family, packed = sender.address.version, sender.address.packed
        record = _RECORD.pack(family, sender.virtual_router_id, key[1], packed, sequence)
        self._write(self._places[key], record)

    def is_at(self, path: str) -> bool:
        """Return whether the path still leads to this open file, which may have been replaced."""
        try:
            return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(self._file))
        except OSError:
            return False

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _read(self, path: str) -> None:
        """Read all records that are valid: a file that was truncated has gaps."""
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            raise OSError(0, "not a regular file", path)
        content = os.pread(self._file, RECORDS_MAX * _RECORD.size, 0)
        self._free = max(1, len(content) // _RECORD.size)
        for place in range(len(content) // _RECORD.size):
            record = _RECORD.unpack_from(content, place * _RECORD.size)
            family, virtual_router_id, series, packed, sequence = record
            if place == 0:
                self.sent = sequence or None
            elif family in (4, 6) and series == series_of(sequence):
                address = IPv4Address(packed[:4]) if family == 4 else IPv6Address(packed)
                key = Sender(virtual_router_id, address), series
                self.received[key], self._places[key] = sequence, place

    def _write(self, place: int, record: bytes) -> None:
        os.pwrite(self._file, record, place * _RECORD.size)
