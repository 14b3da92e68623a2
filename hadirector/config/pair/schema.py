"""The keys of the pair link."""

from __future__ import annotations

from typing import Annotated, Literal

from hadirector.config.keys.addresses import ENDPOINT_WITH_PORT, Endpoint
from hadirector.config.keys.key import Key
from hadirector.config.keys.names import FilePath, Name
from hadirector.config.keys.readers import choice, integer
from hadirector.config.keys.section import Section


class PeerSection(Section):
    """One director of the pair."""

    name: Annotated[Name, Key("The name of the director (`director.name`).")]
    address: Annotated[Endpoint, ENDPOINT_WITH_PORT, Key("Its `listen`.")]
    certificate: Annotated[
        FilePath, Key("Its certificate (PEM). No other certificate is accepted from it.")
    ]


class PairSection(Section):
    """The link to the other directors of a pair."""

    name: Annotated[Name, Key("The name of the pair, the same on all its directors.")]
    listen: Annotated[
        Endpoint,
        ENDPOINT_WITH_PORT,
        Key("Where this director answers its peers, over TLS 1.3."),
    ]
    certificate: Annotated[FilePath, Key("The certificate of this director (PEM).")]
    key: Annotated[FilePath, Key("Its private key (PEM). Other users must not be able to read it.")]
    peers: Annotated[
        list[PeerSection],
        Key(
            "The directors of the pair. The list may be the same on all of them, because a"
            " director skips its own name.",
            type="list of [peers](#peers-of-the-pair)",
        ),
    ]
    overrides: Annotated[
        Literal["shared", "local"],
        choice(("shared", "local")),
        Key(
            "`shared`: an override that is ordered on one director applies on all of them."
            " `local`: it applies only there."
        ),
    ] = "shared"
    unready_priority_weight: Annotated[
        int,
        integer(-254, 0),
        Key(
            "What is added to the priority of each VRRP instance while this director is not ready."
            " With 0, the director only reports it."
        ),
    ] = -50
