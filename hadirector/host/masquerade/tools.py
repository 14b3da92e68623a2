"""Manages our masquerade rules with nft, or with iptables-legacy on a kernel without nftables."""

from __future__ import annotations

import asyncio
from typing import Protocol

from hadirector.host.masquerade import rules
from hadirector.host.masquerade.rules import Masquerades, ToolName

SECONDS_MAX = 10.0
_WAIT = ("-w", "5")
"""Seconds that iptables waits for the lock of another iptables process."""


class ToolError(Exception):
    """A program is missing or has failed. The message contains the first line of its stderr."""


class Tool(Protocol):
    """Lists, applies and removes our masquerade rules. Every method raises ToolError."""

    async def check(self, services: Masquerades) -> None:
        """Test that the rules for these services could be applied. Change nothing."""

    async def list_rules(self) -> str:
        """Return our rules as a text, to detect changes. It is empty without rules."""

    async def apply(self, services: Masquerades) -> None:
        """Replace our rules by rules for these services."""

    async def remove(self) -> None:
        """Remove all our rules."""


class Nft:
    """Our rules in an nftables table of our own."""

    async def check(self, services: Masquerades) -> None:
        """Test that nft could apply the rules for these services. Raises ToolError."""
        await _run("nft", "--check", "-f", "-", text=rules.nft_script(services))

    async def list_rules(self) -> str:
        """Return the rules of our table as a text. Raises ToolError."""
        try:
            return await _run("nft", "--stateless", "list", "table", "inet", rules.NAME)
        except ToolError:
            return ""  # `apply` follows, and reports a fault of the program

    async def apply(self, services: Masquerades) -> None:
        """Replace our table. Raises ToolError."""
        await _run("nft", "-f", "-", text=rules.nft_script(services))

    async def remove(self) -> None:
        """Remove our table. Raises ToolError."""
        await _run("nft", "-f", "-", text=rules.nft_removal())


class Iptables:
    """Our rules in a chain of our own in the nat table of iptables-legacy, for each family."""

    async def check(self, services: Masquerades) -> None:
        """Test that iptables could apply the rules for these services. Raises ToolError."""
        for program, own in _by_program(services).items():
            if own:
                script = rules.iptables_script(own, jumps=True)
                await _run(f"{program}-restore", "--test", "--noflush", *_WAIT, text=script)

    async def list_rules(self) -> str:
        """Return the rules of our chains as a text. Raises ToolError."""
        listings = []
        for program in _PROGRAMS:
            try:
                listings.append(await _run(program, *_WAIT, "-t", "nat", "-S", rules.NAME))
            except ToolError:
                continue
            listings.append("jumps" if await _jumps(program) else "does not jump")
        return "\n".join(listings)

    async def apply(self, services: Masquerades) -> None:
        """Replace our chains. Raises ToolError."""
        for program, own in _by_program(services).items():
            if own:
                script = rules.iptables_script(own, jumps=await _jumps(program))
                await _run(f"{program}-restore", "--noflush", *_WAIT, text=script)
            else:
                await _remove_chain(program)

    async def remove(self) -> None:
        """Remove our chains. Raises ToolError."""
        for program in _PROGRAMS:
            await _remove_chain(program)


TOOLS: dict[ToolName, Tool] = {"nft": Nft(), "iptables": Iptables()}
_PROGRAMS = ("iptables-legacy", "ip6tables-legacy")


def _by_program(services: Masquerades) -> dict[str, Masquerades]:
    ipv4, ipv6 = _PROGRAMS
    return {
        ipv4: {key: services[key] for key in services if ":" not in key.address},
        ipv6: {key: services[key] for key in services if ":" in key.address},
    }


async def _jumps(program: str) -> bool:
    """Return whether POSTROUTING jumps to our chain."""
    try:
        await _run(program, *_WAIT, "-t", "nat", "-C", "POSTROUTING", "-j", rules.NAME)
    except ToolError:
        return False
    return True


async def _remove_chain(program: str) -> None:
    try:
        await _run(program, *_WAIT, "-t", "nat", "-S", rules.NAME)
    except ToolError:
        return  # the chain does not exist
    script = rules.iptables_removal(jumps=await _jumps(program))
    await _run(f"{program}-restore", "--noflush", *_WAIT, text=script)


async def _run(program: str, *arguments: str, text: str = "") -> str:
    """Run a program with ``text`` as its input, and return its output. Raises ToolError."""
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
        lines = errors.decode("ascii", "replace").strip().splitlines() or ["no reason given"]
        raise ToolError(f"{program}: {lines[0]}")
    return output.decode("ascii", "replace")
