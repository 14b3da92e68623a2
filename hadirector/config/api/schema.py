"""The keys of the API and of the web process."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from hadirector.config.keys.addresses import Endpoint
from hadirector.config.keys.credentials import CredentialFile
from hadirector.config.keys.key import Key
from hadirector.config.keys.names import GroupName, UserName
from hadirector.config.keys.readers import Reader, choice, expectation_error, text
from hadirector.config.keys.section import Section
from hadirector.model.configuration import ApiRoles
from hadirector.model.web import ROLES, CertificateClient, Public, Role, TlsFiles

# The path of a Unix socket has 108 bytes with the final zero (unix(7)).
SocketPath = Annotated[
    str,
    text(
        r"/[\x21-\x7e]{1,106}",
        "an absolute path of at most 107 characters",
        "absolute path, at most 107 characters",
    ),
]
HostName = Annotated[
    str, text(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})", "a host name without port", "host name")
]
CertificateName = Annotated[
    str,
    text(
        r"[\x21-\x7e](?:[\x20-\x7e]{0,251}[\x21-\x7e])?",
        "a name of 1 to 253 characters in a certificate",
        "name in a certificate",
    ),
]
ObjectPattern = Annotated[
    str,
    text(
        r"[A-Za-z0-9_.:@\[\]*?-]{1,64}(?:/[A-Za-z0-9_.:\[\]*?-]{1,64})?",
        "a pattern of names, such as web, web/* or */10.0.0.22:80",
        "pattern of names",
    ),
]


def _read_listen(value: object) -> Endpoint:
    """Read ADDRESS:PORT. The address may be 0.0.0.0 or [::], for all addresses of the host."""
    host, colon, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    try:
        bracketed = host.startswith("[") and host.endswith("]")
        found = ipaddress.ip_address(host[1:-1] if bracketed else host)
    except ValueError:
        found = None
    is_bare = found is not None and (found.version == 6) is bracketed and "%" not in host
    if not colon or found is None or not is_bare or found.is_multicast:
        raise expectation_error('ADDRESS:PORT, such as 192.0.2.1:9470 or "[::]:9470"')
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 1 <= int(port) <= 65535):
        raise expectation_error("a port from 1 to 65535 after the address")
    return Endpoint(str(found), int(port))


LISTEN = Reader(_read_listen, "address with port")


class ClientSection(Section):
    """The clients that identify with a certificate signed by ``client_ca``."""

    model = CertificateClient

    name: Annotated[
        CertificateName,
        Key(
            "A name in the certificate: a DNS name, an e-mail address or a URI of its subject"
            " alternative names, or its common name if it has no such names."
        ),
    ]
    role: Annotated[Role, choice(ROLES), Key("The [role](security.md#roles) of the client.")]
    only: Annotated[
        ObjectPattern | None,
        Key(
            "The objects that the client may change, by `VIRTUAL_SERVER/REAL_SERVER`. `*` stands"
            " for any text.",
            default="all objects",
        ),
    ] = None


class TlsSection(Section):
    """TLS of the web process."""

    model = TlsFiles

    certificate: Annotated[
        CredentialFile,
        Key("The certificate of this director, followed by its intermediate certificates (PEM)."),
    ]
    key: Annotated[
        CredentialFile, Key("The private key (PEM). Other users must not be able to read it.")
    ]
    client_ca: Annotated[
        CredentialFile | None,
        Key(
            "The certificate authorities of clients (PEM). With it, a client may prove its identity"
            " with a certificate instead of a token.",
            default="no certificates of clients",
        ),
    ] = None
    clients: Annotated[
        list[ClientSection],
        Key(
            "The clients with a certificate, and their roles. It needs `client_ca`.",
            type="list of [clients](#clients-with-certificates)",
            default="none",
        ),
    ] = []


class RolesSection(Section):
    """The groups of this host whose users have a role on the Unix socket."""

    model = ApiRoles

    admin: Annotated[
        list[GroupName],
        Key("Groups with the role `admin`: everything.", default="none"),
    ] = []
    operate: Annotated[
        list[GroupName],
        Key("Groups with the role `operate`: overrides, handovers and pauses.", default="none"),
    ] = []
    read: Annotated[
        list[GroupName],
        Key("Groups with the role `read`.", default="none"),
    ] = []


class ApiSection(Section):
    """The socket of the API and the web process."""

    renamed = {"token_file": "tokens_file"}

    unix: Annotated[
        SocketPath | None,
        Key("The socket for commands.", default="`api.sock` in `runtime_directory`"),
    ] = None
    roles: Annotated[
        RolesSection | None,
        Key(
            "The [roles](#roles-of-the-unix-socket) of the users of this host on the Unix socket.",
            type="[roles](#roles-of-the-unix-socket)",
            default="every user who can open the socket has the role `admin`",
        ),
    ] = None
    listen: Annotated[
        Endpoint | None,
        LISTEN,
        Key(
            "Where the web process serves the API, the page and the metrics over TCP. An address"
            " other than a loopback address needs `tls` and `tokens_file`. `0.0.0.0` and `[::]` are"
            " all addresses of this host.",
            default="no web process",
        ),
    ] = None
    tls: Annotated[
        TlsSection | None,
        Key("TLS 1.2 or 1.3 for `listen`.", type="[TLS](#tls-of-the-api)", default="no TLS"),
    ] = None
    tokens_file: Annotated[
        CredentialFile | None,
        Key(
            "The file with the hashes of the tokens (`hadirector token add`). Without it, every"
            " client of a loopback address may read, and none may change anything.",
            default="no tokens",
        ),
    ] = None
    host_names: Annotated[
        list[HostName],
        Key(
            "Further host names under which clients reach `listen`. A request with another name is"
            " refused. Addresses, `localhost`, and the names of the host and of the director are"
            " always allowed.",
            default="none",
        ),
    ] = []
    public: Annotated[
        list[Annotated[Public, choice(("health", "roles", "metrics"))]],
        Key(
            "The requests that need no token: `health` is `/readyz`, `roles` is"
            " `/instances/NAME/active` and `/backup`, `metrics` is `/metrics`. `/livez` never needs"
            " a token.",
            default="none",
        ),
    ] = []
    user: Annotated[
        UserName | None,
        Key(
            "The user of the web process, if the director is root or may change its user.",
            default="`hadirector-web` if this host has that user, else `nobody`",
        ),
    ] = None
