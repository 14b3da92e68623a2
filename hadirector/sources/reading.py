"""Chooses how a source is read, by its type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from hadirector.model.discovery import Source, SourceType
from hadirector.sources.contents import Content
from hadirector.sources.documents import DocumentError
from hadirector.sources.errors import ReadingError, RequestError
from hadirector.sources.readers.consul_reader import ConsulReader
from hadirector.sources.readers.dns_reader import DnsReader
from hadirector.sources.readers.etcd_reader import EtcdReader
from hadirector.sources.readers.file_reader import FileReader
from hadirector.sources.readers.kubernetes_reader import KubernetesReader
from hadirector.sources.readers.url_reader import UrlReader


class Reader(Protocol):
    """Reads one source, again and again. A reading may wait for a change.

    ``rest`` is the time in seconds from the end of a reading to the next one.
    """

    rest: float

    async def read(self) -> Content | None:
        """Return the content; None if the source reports that nothing has changed."""


_READERS: Final[Mapping[SourceType, Callable[[Source], Reader]]] = {
    "file": FileReader,
    "http": UrlReader,
    "dns": DnsReader,
    "etcd": EtcdReader,
    "kubernetes": KubernetesReader,
    "consul": ConsulReader,
}


def make_reader(source: Source) -> Reader:
    """Return the reader for a source."""
    return _READERS[source.type](source)


async def read_source(reader: Reader) -> Content | None:
    """Read a source once. Raises ReadingError."""
    try:
        return await reader.read()
    except (RequestError, DocumentError) as error:
        raise ReadingError(str(error)) from error
