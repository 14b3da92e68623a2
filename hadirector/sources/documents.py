"""Reads the documents of sources: a list of members in one of three formats. Pure.

- ``members``: our own format, ``{"members": [{"address": "192.0.2.1", "port": 80, ...}]}``.
- ``prometheus``: the format of file_sd and http_sd, ``[{"targets": ["192.0.2.1:80"], ...}]``.
- ``endpoint_slices``: an EndpointSliceList of Kubernetes (``discovery.k8s.io/v1``).

A document that has one wrong member is refused as a whole: a member that is left out would look
like a member that has gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Annotated, Final

import msgspec

from hadirector.model.discovery import MEMBERS_MAX, Family, Member, SourceFormat

BYTES_MAX: Final = 4 * 1024 * 1024
"""The size of a document."""
WEIGHT_MAX, TIER_MAX = 65535, 255
IDENTITY_MAX: Final = 200

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Weight = Annotated[int, msgspec.Meta(ge=0, le=WEIGHT_MAX)]
Tier = Annotated[int, msgspec.Meta(ge=0, le=TIER_MAX)]
Identity = Annotated[str, msgspec.Meta(max_length=IDENTITY_MAX)]


class DocumentError(Exception):
    """A document is not a list of members. The message has the place, the value and the reason."""


class _Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    address: str
    port: Port = 0
    identity: Identity = ""
    weight: Weight | None = None
    tier: Tier | None = None
    leaving: bool = False


class _Members(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    members: Annotated[list[_Member], msgspec.Meta(max_length=MEMBERS_MAX)]
    revision: str = ""


class _Group(msgspec.Struct, frozen=True):
    targets: list[str]
    labels: dict[str, str] = {}


class _Conditions(msgspec.Struct, frozen=True):
    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class _Reference(msgspec.Struct, frozen=True):
    uid: str = ""


class _Endpoint(msgspec.Struct, frozen=True, rename={"target_ref": "targetRef"}):
    addresses: list[str]
    conditions: _Conditions = _Conditions()
    target_ref: _Reference | None = None


class _SlicePort(msgspec.Struct, frozen=True):
    port: int | None = None
    name: str | None = None


class Metadata(msgspec.Struct, frozen=True, rename={"version": "resourceVersion"}):
    """The name of an object of Kubernetes, and the version that it has."""

    name: str = ""
    version: str = ""
    rest: str = msgspec.field(default="", name="continue")


class Slice(msgspec.Struct, frozen=True, rename={"address_type": "addressType"}):
    """An EndpointSlice."""

    metadata: Metadata = Metadata()
    address_type: str = ""
    endpoints: list[_Endpoint] | None = None
    ports: list[_SlicePort] | None = None


class _Slices(msgspec.Struct, frozen=True):
    items: list[Slice]


def read_document(text: bytes, form: SourceFormat, port_name: str = "") -> tuple[Member, ...]:
    """Return the members of a document, each address and port once.

    ``port_name`` selects a port of an EndpointSlice; empty, a slice must have one port. Raises
    DocumentError.
    """
    if len(text) > BYTES_MAX:
        raise DocumentError(f"the document has more than {BYTES_MAX} bytes")
    try:
        found = list(_READERS[form](text, port_name))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise DocumentError(f"not a document in the format {form}: {error}") from error
    return collect_members(found)


def read_values(values: Iterable[tuple[str, bytes]]) -> tuple[Member, ...]:
    """Return the members of texts that are one member each, with their places.

    Raises DocumentError.
    """
    found = []
    for place, text in values:
        try:
            found.append((place, _member(msgspec.json.decode(text, type=_Member))))
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise DocumentError(f"{place}: not a member: {error}") from error
    return collect_members(found)


def read_slices(slices: Iterable[Slice], port_name: str, family: Family) -> tuple[Member, ...]:
    """Return the members of EndpointSlices. Raises DocumentError."""
    unwanted = {"any": "", "ipv4": "IPv6", "ipv6": "IPv4"}[family]
    wanted = (each for each in slices if not unwanted or each.address_type != unwanted)
    return collect_members(list(_slice_members(wanted, port_name)))


def collect_members(found: Sequence[tuple[str, Member]]) -> tuple[Member, ...]:
    """Check members with their places; return each address and port once. Raises DocumentError."""
    if len(found) > MEMBERS_MAX:
        raise DocumentError(f"{len(found)} members, expected at most {MEMBERS_MAX}")
    members: dict[tuple[str, int], Member] = {}
    for place, member in found:
        checked = check_member(place, member)
        other = members.setdefault(checked.key, checked)
        if other != checked:
            raise DocumentError(f"{place}: {checked} is named twice, with different values")
    return tuple(members.values())


def _own(text: bytes, _port_name: str) -> Iterator[tuple[str, Member]]:
    document = msgspec.json.decode(text, type=_Members)
    for index, each in enumerate(document.members):
        yield f"members[{index}]", _member(each)


def _member(found: _Member) -> Member:
    return Member(
        found.address, found.port, found.identity, found.weight, found.tier, found.leaving
    )


def _prometheus(text: bytes, _port_name: str) -> Iterator[tuple[str, Member]]:
    for number, group in enumerate(msgspec.json.decode(text, type=list[_Group])):
        weight = _label(f"[{number}].labels", group.labels, "weight", WEIGHT_MAX)
        tier = _label(f"[{number}].labels", group.labels, "tier", TIER_MAX)
        for index, target in enumerate(group.targets):
            place = f"[{number}].targets[{index}]"
            address, port = _split(place, target)
            yield place, Member(address, port, weight=weight, tier=tier)


def _endpoint_slices(text: bytes, port_name: str) -> Iterator[tuple[str, Member]]:
    return _slice_members(msgspec.json.decode(text, type=_Slices).items, port_name)


def _slice_members(slices: Iterable[Slice], port_name: str) -> Iterator[tuple[str, Member]]:
    """Yield each address once. An endpoint can be in two slices for a time (EndpointSlices,
    "Duplicate endpoints", in the documentation of Kubernetes), and counts as ready if it is ready
    in one of them.
    """
    members: dict[tuple[str, int], tuple[str, Member]] = {}
    for number, each in enumerate(slices):
        place = f"items[{number}]"
        if not each.endpoints:
            continue
        port = _slice_port(place, each, port_name)
        for index, endpoint in enumerate(each.endpoints):
            member = _endpoint(endpoint, port)
            if member is not None and (member.key not in members or not member.leaving):
                members[member.key] = f"{place}.endpoints[{index}]", member
    yield from members.values()


def _slice_port(place: str, found: Slice, port_name: str) -> int:
    """Return the port of a slice. Raises DocumentError."""
    ports = [port for port in found.ports or () if not port_name or port.name == port_name]
    if len(ports) != 1 or ports[0].port is None:
        named = f" with the name {port_name}" if port_name else ""
        raise DocumentError(f"{place}.ports: {len(ports)} ports{named}, expected one")
    return ports[0].port


def _endpoint(endpoint: _Endpoint, port: int) -> Member | None:
    """Return the member of an endpoint; None if the endpoint neither is ready nor still serves.

    An unknown "ready" counts as ready, and "serving" is "ready" without regard to "terminating"
    (EndpointConditions in discovery.k8s.io/v1).
    """
    conditions = endpoint.conditions
    if not endpoint.addresses:
        return None
    identity = endpoint.target_ref.uid if endpoint.target_ref else ""
    ready = conditions.ready is not False
    leaving = bool(conditions.terminating)
    if not ready and not (leaving and conditions.serving):
        return None
    return Member(endpoint.addresses[0], port, identity, leaving=leaving)


_READERS: Final[Mapping[SourceFormat, Callable[[bytes, str], Iterator[tuple[str, Member]]]]] = {
    "members": _own,
    "prometheus": _prometheus,
    "endpoint_slices": _endpoint_slices,
}


def check_member(place: str, member: Member) -> Member:
    """Return a member with its address in canonical form. Raises DocumentError."""
    try:
        address = ip_address(member.address)
    except ValueError:
        shown = member.address[:60]
        raise DocumentError(f"{place}: address {shown!r}, expected an IP address") from None
    if address.is_multicast or address.is_unspecified or "%" in member.address:
        raise DocumentError(f"{place}: {address} is no address of a real server")
    if not 0 <= member.port <= 65535:
        raise DocumentError(f"{place}: port {member.port}, expected 0 to 65535")
    if not member.identity.isprintable() or len(member.identity) > IDENTITY_MAX:
        raise DocumentError(
            f"{place}: identity {member.identity[:60]!r}, expected printable text of at most"
            f" {IDENTITY_MAX} characters"
        )
    return msgspec.structs.replace(member, address=str(address))


def _split(place: str, target: str) -> tuple[str, int]:
    """Divide ``ADDRESS:PORT`` or ``[ADDRESS]:PORT``."""
    address, separator, port = target.rpartition(":")
    if separator and port.isascii() and port.isdigit() and len(port) <= 5:
        return address.removeprefix("[").removesuffix("]"), int(port)
    raise DocumentError(f"{place}: target {target[:60]!r}, expected ADDRESS:PORT")


def _label(place: str, labels: Mapping[str, str], name: str, most: int) -> int | None:
    """Return the number in a label, None without the label."""
    text = labels.get(name)
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= most:
        return int(text)
    raise DocumentError(f"{place}: {name} {text[:60]!r}, expected 0 to {most}")
