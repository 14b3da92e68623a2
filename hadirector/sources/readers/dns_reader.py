"""Reads the addresses, or the SRV records, of a domain name."""

from __future__ import annotations

import asyncio
from typing import Any, Final, NamedTuple

import dns.asyncresolver
import dns.exception
import dns.nameserver
import dns.resolver

from hadirector.model.discovery import MEMBERS_MAX, Member, Source
from hadirector.sources.dns_answers import (
    Answers,
    ServiceRecord,
    clamp_ttl,
    rank_services,
    remember,
)
from hadirector.sources.documents import collect_members
from hadirector.sources.errors import ReadingError

TARGETS_MAX: Final = 1000
"""Targets of SRV records."""
QUERIES_MAX: Final = 16
"""Queries at the same time."""
_KINDS: Final = {"any": ("A", "AAAA"), "ipv4": ("A",), "ipv6": ("AAAA",)}


class _Answer(NamedTuple):
    records: tuple[Any, ...]
    ttl: float


class DnsReader:
    """Reads one domain name, again and again."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._answers: Answers = ()
        self.rest = source.poll
        self._slots = asyncio.Semaphore(QUERIES_MAX)

    async def read(self) -> tuple[Member, ...]:
        """Return the members of the latest answers. Raises ReadingError and DocumentError.

        A name without addresses is a failure.
        """
        source = self._source
        try:
            async with asyncio.timeout(source.timeout):
                resolver = self._resolver()
                if source.records == "srv":
                    found, ttl = await self._services(resolver)
                else:
                    addresses, ttl = await self._addresses(resolver, source.location)
                    found = [Member(address, source.port) for address in addresses]
        except TimeoutError:
            raise ReadingError(f"no answer within {source.timeout:g} s") from None
        except (dns.exception.DNSException, OSError) as error:
            raise ReadingError(str(error) or type(error).__name__) from error
        if not found:
            raise ReadingError("the name has no addresses")
        members = collect_members([(source.location, member) for member in found])
        self.rest = clamp_ttl(ttl)
        self._answers, known = remember(self._answers, members)
        _limit(len(known))
        return known

    def _resolver(self) -> dns.asyncresolver.Resolver:
        if self._source.nameserver is None:
            return dns.asyncresolver.Resolver()
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers = [dns.nameserver.Do53Nameserver(*self._source.nameserver)]
        return resolver

    async def _services(self, resolver: dns.asyncresolver.Resolver) -> tuple[list[Member], float]:
        answer = await self._query(resolver, self._source.location, "SRV")
        if len(answer.records) > TARGETS_MAX:
            raise ReadingError(f"more than {TARGETS_MAX} SRV records")
        names = sorted({record.target.to_text() for record in answer.records})
        queries = [asyncio.create_task(self._addresses(resolver, name)) for name in names]
        try:
            found = await asyncio.gather(*queries)
        finally:
            for query in queries:
                query.cancel()  # after a failure, the others must not occupy the next reading
        addresses = {name: each for name, (each, _) in zip(names, found, strict=True)}
        _limit(sum(len(addresses[record.target.to_text()]) for record in answer.records))
        services = [
            ServiceRecord(
                record.priority,
                record.weight,
                record.port,
                tuple(addresses[record.target.to_text()]),
            )
            for record in answer.records
        ]
        return rank_services(services), min([answer.ttl, *(ttl for _, ttl in found)])

    async def _addresses(
        self, resolver: dns.asyncresolver.Resolver, name: str
    ) -> tuple[list[str], float]:
        answers = [await self._query(resolver, name, kind) for kind in _KINDS[self._source.family]]
        addresses = [record.to_text() for answer in answers for record in answer.records]
        return addresses, min(answer.ttl for answer in answers)

    async def _query(self, resolver: dns.asyncresolver.Resolver, name: str, kind: str) -> _Answer:
        """Return the records of a name, and how long they hold. It may have none of this kind."""
        async with self._slots:
            try:
                answer = await resolver.resolve(
                    name, kind, lifetime=self._source.timeout, search=False
                )
            except dns.resolver.NoAnswer:
                return _Answer((), float("inf"))
            return _Answer(tuple(answer), float(answer.rrset.ttl if answer.rrset else 0))


def _limit(members: int) -> None:
    if members > MEMBERS_MAX:
        raise ReadingError(f"more than {MEMBERS_MAX} members")
