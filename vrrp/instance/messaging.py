"""Sends the advertisements of one instance, and validates the advertisements that it receives."""

from __future__ import annotations

from typing import Final, NamedTuple

from vrrp.instance.senders import Senders
from vrrp.instance.sequence import SequenceNumbers
from vrrp.model.configuration import HmacAuthentication, InstanceConfiguration, Multicast
from vrrp.model.configuration import Transport as TransportConfiguration
from vrrp.model.report import ReportProblem
from vrrp.protocol.authentication import (
    MULTICAST_SENDERS_MAX,
    Clocks,
    Judgment,
    authenticate,
    is_trailer,
    sign,
    split_trailer,
)
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
from vrrp.protocol.sequence import SequenceMemory
from vrrp.protocol.validation import (
    AUTHENTICATION,
    NOT_FOR_US,
    lists_other_addresses,
    own_advertisement,
    validate,
)
from vrrp.transport import Transport

CLOCK_BEHIND_SECONDS: Final = 2.0
"""Seconds that the clock may be behind the latest used time without a report. A leap second is
shorter."""


class Reception(NamedTuple):
    """The result of receiving one datagram.

    ``advertisement`` is None if the datagram could not be decoded. ``dropped`` is the reason
    why the advertisement was dropped, or None if it was accepted. ``seconds_ahead`` is how far
    the clock of the sender is ahead of this host, or None if the advertisement is not
    authentic.
    """

    advertisement: Advertisement | None
    dropped: DropReason | None
    seconds_ahead: float | None = None

    @property
    def shows_active_peer(self) -> bool:
        """Whether a peer of this virtual router is ACTIVE, even if its advertisement was dropped.

        An advertisement that is signed with a wrong key counts, for example. A replayed
        packet does not.
        """
        return self.advertisement is not None and self.dropped not in NOT_FOR_US


class Messaging:
    """Builds and validates the messages of one instance.

    The sequence numbers of senders stay known after a change of the configuration. ``senders``
    counts the received packets by their source address; the caller counts the accepted ones.
    """

    def __init__(
        self,
        configuration: InstanceConfiguration,
        sequence: SequenceNumbers,
        report_problem: ReportProblem,
    ) -> None:
        self.senders = Senders()
        self._sequence = sequence
        self._report_problem = report_problem
        self._memory = SequenceMemory(_senders_max(configuration.transport))
        self.configure(configuration)
        for source, number in sequence.known_numbers(configuration.virtual_router_id):
            if source.version == configuration.family:
                self._memory.restore(source, number)

    def configure(self, configuration: InstanceConfiguration) -> None:
        """Replace the configuration."""
        self._configuration = configuration
        if isinstance(configuration.authentication, HmacAuthentication):
            self._sequence.keep_in(configuration.authentication.sequence_file)
            self._report_sequence_fault()

    def send(self, priority: int, transport: Transport) -> int:
        """Send an advertisement to all destinations; return the number of successful sends."""
        advertisement = own_advertisement(self._configuration, priority)
        trailer: bytes | None = None
        sent = 0
        for destination in transport.destinations:
            message = encode(advertisement, transport.source, destination)
            if trailer is None:  # it covers neither the destination nor the checksum
                trailer = self._trailer(message, transport.source)
            payload = with_trailer(message, trailer, transport.source, destination)
            try:
                transport.send(payload, destination)
            except OSError as error:
                fields = {"error": error, "destination": destination}
                self._report_problem("advertisement_not_sent", "send_errors", **fields)
            else:
                sent += 1
        return sent

    def receive(self, datagram: Datagram, own_address: Address) -> Reception:
        """Decode and validate a datagram. A dropped datagram is counted."""
        source, destination = datagram.source, datagram.destination
        message, trailer = split_trailer(datagram.payload, source)
        hmac = isinstance(self._configuration.authentication, HmacAuthentication)
        if not hmac and not is_trailer(trailer):
            message, trailer = datagram.payload, b""
        try:
            advertisement = decode(message, source, destination, trailer)
        except PacketError as error:
            self.count_drop(error.reason, source)
            return Reception(None, error.reason)
        reason = validate(
            advertisement,
            source=source,
            destination=destination,
            ttl=datagram.ttl,
            own_address=own_address,
            configuration=self._configuration,
        )
        if reason is not None:
            self.count_drop(reason, source)
            return Reception(advertisement, reason)
        dropped, _, seconds_ahead = self._authenticate(message, trailer, source)
        if dropped is None:
            self._report_differences(advertisement, source)
        else:
            self.count_drop(dropped, source, seconds_ahead)
        return Reception(advertisement, dropped, seconds_ahead)

    def count_drop(
        self, reason: DropReason, source: Address | None, seconds_ahead: float | None = None
    ) -> None:
        """Count a datagram that was dropped."""
        self.senders.count_drop(source, reason)
        fields: dict[str, object] = {"reason": reason, "source": source}
        if seconds_ahead is not None:
            fields["clock_ahead_seconds"] = round(seconds_ahead, 1)
        event = "authentication_failed" if reason in AUTHENTICATION else "advertisement_dropped"
        self._report_problem(event, f"dropped_{reason}", **fields)

    def report_contest(self, advertisement: Advertisement, source: Address) -> None:
        """Report a peer that is ACTIVE too, but loses the election against this router."""
        fields = {"source": source, "priority": advertisement.priority}
        self._report_problem("contest_won", "contests_won", **fields)

    def _report_differences(self, advertisement: Advertisement, source: Address) -> None:
        """Report the differences between an accepted advertisement and the configuration.

        A difference is probably a mistake in the configuration of a router.
        """
        ours = self._configuration
        if lists_other_addresses(advertisement, ours):
            self._report_problem("address_list_differs", "address_list_differs", source=source)
        if advertisement.priority == OWNER_PRIORITY == ours.priority:
            self._report_problem("second_owner", "second_owners", source=source)
        if advertisement.advert_interval_centiseconds != round(ours.advert_interval * 100):
            fields = {"source": source, "interval": advertisement.advert_interval}
            self._report_problem("advert_interval_differs", "advert_interval_differs", **fields)
        if advertisement.checksum_form not in (None, ours.checksum):
            form = advertisement.checksum_form
            event = counter = "checksum_form_differs"
            self._report_problem(event, counter, source=source, form=form)

    def _authenticate(self, message: bytes, trailer: bytes, source: Address) -> Judgment:
        """Decide whether auth_hmac, or its absence, drops a message."""
        authentication = self._configuration.authentication
        if not isinstance(authentication, HmacAuthentication):
            return Judgment(DropReason.HMAC_UNEXPECTED if trailer else None)
        judgment = authenticate(
            message,
            trailer,
            source,
            authentication=authentication,
            memory=self._memory,
            clocks=Clocks(*self._sequence.times(), self._sequence.boot),
        )
        if judgment.dropped is DropReason.HMAC_MISSING and not self._configuration.authenticated:
            fields = {"reason": judgment.dropped, "source": source}
            counter = f"tolerated_{judgment.dropped}"
            self._report_problem("advertisement_not_authentic", counter, **fields)
            return Judgment(None)
        if judgment.sequence is not None:
            self._compare_clocks(judgment.dropped, judgment.sequence, authentication.window, source)
        return judgment

    def _compare_clocks(
        self, dropped: DropReason | None, sequence: int, window: float, source: Address
    ) -> None:
        """Let an authentic message of a peer confirm or contradict the time of this router."""
        behind = self._sequence.seconds_behind
        follows = False
        if dropped is None:
            follows = self._sequence.agree(sequence, window)
            self._sequence.store_known(self._configuration.virtual_router_id, source, sequence)
        elif dropped is DropReason.HMAC_STALE:
            follows = self._sequence.contradict(sequence, window)
        if follows:
            fields = {"seconds": round(behind, 1), "source": source}
            self._report_problem("clock_correction_followed", "clock_corrections", **fields)

    def _report_sequence_fault(self) -> None:
        fault = self._sequence.fault
        if fault is not None:
            self._report_problem("sequence_not_kept", "sequence_not_kept", error=fault)

    def _trailer(self, message: bytes, source: Address) -> bytes:
        authentication = self._configuration.authentication
        if not isinstance(authentication, HmacAuthentication):
            return b""
        if authentication.mode == "receive_only":
            return b""
        key = authentication.key(authentication.send_key)
        assert key is not None, "no key to send with"
        number = self._sequence.next(authentication.window)
        self._report_sequence_fault()
        behind = self._sequence.seconds_behind
        if behind > CLOCK_BEHIND_SECONDS:
            fields = {"seconds": round(behind, 1)}
            self._report_problem("clock_stepped_back", "clock_stepped_back", **fields)
        return sign(message, source, authentication.send_key, key, number)


def _senders_max(transport: TransportConfiguration) -> int:
    if isinstance(transport, Multicast):
        return MULTICAST_SENDERS_MAX
    return len(transport.peers)
