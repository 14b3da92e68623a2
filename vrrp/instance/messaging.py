"""What one instance says to its peers, and what of theirs it believes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from vrrp.instance.sequence import SequenceNumbers
from vrrp.model.configuration import HmacAuthentication, InstanceConfiguration, Multicast
from vrrp.model.configuration import Transport as TransportConfiguration
from vrrp.model.report import Incident
from vrrp.protocol.authentication import MULTICAST_SENDERS_MAX, SequenceMemory, judge, sign, split
from vrrp.protocol.packet import (
    OWNER_PRIORITY,
    Address,
    Advertisement,
    Datagram,
    DropReason,
    PacketError,
    decode,
    encode,
    with_trailer,
)
from vrrp.protocol.validation import NOT_FOR_US, lists_other_addresses, own_advertisement, vet
from vrrp.transport import Transport

CLOCK_BEHIND_SECONDS: Final = 2.0
"""How far the clock may be behind the time we go by before it is reported: a leap second is not."""


class Conversation:
    """Makes messages and judges them; remembers whom it heard, also under another configuration.

    ``overheard`` is told of advertisements for this virtual router, also of those dropped.
    """

    def __init__(
        self,
        configuration: InstanceConfiguration,
        sequence: SequenceNumbers,
        incident: Incident,
        overheard: Callable[[Advertisement, Address], None],
    ) -> None:
        self._sequence = sequence
        self._incident = incident
        self._overheard = overheard
        self._memory = SequenceMemory(_senders_max(configuration.transport))
        self.change(configuration)

    def change(self, configuration: InstanceConfiguration) -> None:
        """Go on under another configuration."""
        self._configuration = configuration
        if isinstance(configuration.authentication, HmacAuthentication):
            path = configuration.authentication.sequence_file
            try:
                self._sequence.keep_in(path)
            except OSError as error:  # until a restart the numbers in memory are as good
                fields = {"path": path, "error": error.strerror}
                self._incident("sequence_not_kept", "sequence_not_kept", **fields)

    def say(self, priority: int, transport: Transport) -> int:
        """Advertise this priority to everybody; to how many destinations that went."""
        advertisement = own_advertisement(self._configuration, priority)
        trailer: bytes | None = None
        sent = 0
        for destination in transport.destinations:
            message = encode(advertisement, transport.source, destination)
            if trailer is None:  # it covers neither destination nor checksum
                trailer = self._trailer(message, transport.source)
            payload = with_trailer(message, trailer, transport.source, destination)
            try:
                transport.send(payload, destination)
            except OSError as error:
                fields = {"error": error, "destination": destination}
                self._incident("advertisement_not_sent", "send_errors", **fields)
            else:
                sent += 1
        return sent

    def hear(self, datagram: Datagram, own_address: Address) -> Advertisement | None:
        """Judge a datagram; None when it is dropped, which is counted."""
        source, destination = datagram.source, datagram.destination
        hmac = isinstance(self._configuration.authentication, HmacAuthentication)
        message, trailer = split(datagram.payload, source) if hmac else (datagram.payload, b"")
        try:
            advertisement = decode(message, source, destination, trailer)
        except PacketError as error:
            self.refuse(error.reason, source)
            return None
        reason = vet(
            advertisement,
            source=source,
            destination=destination,
            ttl=datagram.ttl,
            own_address=own_address,
            configuration=self._configuration,
        ) or self._mistrust(message, trailer, source)
        if reason not in NOT_FOR_US:
            self._overheard(advertisement, source)
        if reason is None:
            self._remark(advertisement, source)
            return advertisement
        self.refuse(reason, source)
        return None

    def refuse(self, reason: DropReason, source: Address | None) -> None:
        """Count a datagram that is none of ours."""
        self._incident("advertisement_dropped", f"dropped_{reason}", reason=reason, source=source)

    def _remark(self, advertisement: Advertisement, source: Address) -> None:
        """Tell of what is believed, but probably a mistake in somebody's configuration."""
        ours = self._configuration
        if lists_other_addresses(advertisement, ours):
            self._incident("address_list_differs", "address_list_differs", source=source)
        if advertisement.priority == OWNER_PRIORITY == ours.priority:
            self._incident("second_owner", "second_owners", source=source)
        if advertisement.advert_interval_centiseconds != round(ours.advert_interval * 100):
            fields = {"source": source, "interval": advertisement.advert_interval}
            self._incident("advert_interval_differs", "advert_interval_differs", **fields)

    def _mistrust(self, message: bytes, trailer: bytes, source: Address) -> DropReason | None:
        """Say why an advertisement must not be believed."""
        authentication = self._configuration.authentication
        if not isinstance(authentication, HmacAuthentication):
            return None
        reason = judge(
            message,
            trailer,
            source,
            authentication=authentication,
            memory=self._memory,
            times=self._sequence.times(),
        )
        if reason is None:
            self._sequence.agree()
        if reason is not None and not self._configuration.authenticated:
            kind = f"tolerated_{reason}"
            self._incident("advertisement_not_authentic", kind, reason=reason, source=source)
            return None
        return reason

    def _trailer(self, message: bytes, source: Address) -> bytes:
        authentication = self._configuration.authentication
        if not isinstance(authentication, HmacAuthentication):
            return b""
        if authentication.mode == "receive_only":
            return b""
        key = authentication.key(authentication.send_key)
        assert key is not None, "no key to send with"
        number = self._sequence.next()
        behind = self._sequence.seconds_behind
        if behind > CLOCK_BEHIND_SECONDS:
            self._incident("clock_stepped_back", "clock_stepped_back", seconds=round(behind, 1))
        return sign(message, source, authentication.send_key, key, number)


def _senders_max(transport: TransportConfiguration) -> int:
    if isinstance(transport, Multicast):
        return MULTICAST_SENDERS_MAX
    return len(transport.peers)
