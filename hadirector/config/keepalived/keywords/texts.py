"""The notes and remedies that several tables use."""

from __future__ import annotations

from typing import Final

ANNOUNCED: Final = (
    "the timing is fixed: 5 announcements, 5 again after 5 s, and one every 60 s for each address"
)
BFD: Final = "hadirector has no BFD; a shorter advert_int detects a dead peer as fast"
EVENTS: Final = "read hadirector events --follow --json instead: it prints every event in order"
LOWER_PRIORITY: Final = (
    "an ACTIVE instance answers an advertisement of lower priority with its own (RFC 9568 6.4.3)"
)
MAIL: Final = "no mail is sent; events, metrics and the alert rules report the same changes"
OWNERS: Final = "if two instances have priority 255, only one instance stays ACTIVE"
POLLING: Final = "the kernel reports the loss of carrier, so hadirector polls no interface"
STATIC: Final = (
    "write the entries into the network configuration of the host, such as systemd-networkd or"
    " ifupdown, or use --accept static, so that hadirector keeps them in every state"
)
