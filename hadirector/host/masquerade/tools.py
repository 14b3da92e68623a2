"""The two programs that can hold our rules: nft, and iptables where the kernel has no nftables."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Protocol

from hadirector.host.masquerade import rules
from hadirector.host.masquerade.rules import ToolName
from hadirector.model.ipvs import ServiceKey

SECONDS_MAX = 10.0
_WAIT = ("-w", "5")
"""Seconds that iptables waits for another one that is just changing rules."""


class ToolError(Exception):
    """A program that is not there, or refused; the message has what it said."""


class Tool(Protocol):
    """Lists, makes and removes our rules. Every method raises ToolError."""

    async def check(self, services: Collection[ServiceKey]) -> None:
        """See whether it could make these rules here, and change nothing."""

    async def listing(self) -> str:
        """What is there of ours, in words that change when it does; empty for nothing."""

    async def make(self, services: Collection[ServiceKey]) -> None:
        """Replace what is there of ours by the rules for these services, in one step."""

    async def remove(self) -> None:
        """Remove whatever there is of ours."""


class Nft:
    """Rules in an nftables table of our own."""

    async def check(self, services: Collection[ServiceKey]) -> None:
        """See ``Tool``."""
        await _run("nft", "--check", "-f", "-", text=rules.nft_script(services))

    async def listing(self) -> str:
        """See ``Tool``."""
        try:
            return await _run("nft", "--stateless", "list", "table", "inet", rules.NAME)
        except ToolError:
            return ""  # which making it anew meets, whatever the reason

    async def make(self, services: Collection[ServiceKey]) -> None:
        """See ``Tool``."""
        await _run("nft", "-f", "-", text=rules.nft_script(services))

    async def remove(self) -> None:
        """See ``Tool``."""
        await _run("nft", "-f", "-", text=rules.nft_removal())


class Iptables:
    """Rules in a chain of our own, for each address family, in the nat table of iptables-legacy."""

    async def check(self, services: Collection[ServiceKey]) -> None:
        """See ``Tool``."""
        for program, ours in _by_program(services).items():
            if ours:
                script = rules.iptables_script(ours, jumps=True)
                await _run(f"{program}-restore", "--test", "--noflush", *_WAIT, text=script)

    async def listing(self) -> str:
        """See ``Tool``."""
        found = []
        for program in _PROGRAMS:
            try:
                found.append(await _run(program, *_WAIT, "-t", "nat", "-S", rules.NAME))
            except ToolError:
                continue
            found.append("jumps" if await _jumps(program) else "does not jump")
        return "\n".join(found)

    async def make(self, services: Collection[ServiceKey]) -> None:
        """See ``Tool``."""
        for program, ours in _by_program(services).items():
            if ours:
                script = rules.iptables_script(ours, jumps=await _jumps(program))
                await _run(f"{program}-restore", "--noflush", *_WAIT, text=script)
            else:
                await _remove_chain(program)

    async def remove(self) -> None:
        """See ``Tool``."""
        for program in _PROGRAMS:
            await _remove_chain(program)


TOOLS: dict[ToolName, Tool] = {"nft": Nft(), "iptables": Iptables()}
_PROGRAMS = ("iptables-legacy", "ip6tables-legacy")


def _by_program(services: Collection[ServiceKey]) -> dict[str, list[ServiceKey]]:
    ipv4, ipv6 = _PROGRAMS
    return {
        ipv4: [key for key in services if ":" not in key.address],
        ipv6: [key for key in services if ":" in key.address],
    }


async def _jumps(program: str) -> bool:
    try:
        await _run(program, *_WAIT, "-t", "nat", "-C", "POSTROUTING", "-j", rules.NAME)
    except ToolError:
        return False
    return True


async def _remove_chain(program: str) -> None:
    try:
        await _run(program, *_WAIT, "-t", "nat", "-S", rules.NAME)
    except ToolError:
        return  # there is none
    script = rules.iptables_removal(jumps=await _jumps(program))
    await _run(f"{program}-restore", "--noflush", *_WAIT, text=script)


async def _run(program: str, *arguments: str, text: str = "") -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise ToolError(f"{program}: {error.strerror}") from error
    try:
        async with asyncio.timeout(SECONDS_MAX):
            output, errors = await process.communicate(text.encode())
    except TimeoutError as error:
        raise ToolError(f"{program} took longer than {SECONDS_MAX:g} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        said = errors.decode("ascii", "replace").strip().splitlines() or ["no reason given"]
        raise ToolError(f"{program}: {said[0]}")
    return output.decode("ascii", "replace")
