"""Applies a configuration, and undoes it unless it is confirmed in time.

An application writes the new text and its deadline into the archive, replaces the configuration
file, and then changes the running director. Whenever the director ends in between, the next start
knows which of these steps were done (`hadirector.reload.archive.decide_at_start`).
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import Annotated, Final

import msgspec
import structlog

from hadirector.config.document.errors import ConfigError
from hadirector.config.keepalived.recognition import is_keepalived
from hadirector.config.masking import MaskingError
from hadirector.config.masking.masker import Masker
from hadirector.director.configurations.archive import (
    NEXT_STEPS,
    ConfigurationArchive,
    describe_content,
)
from hadirector.director.configurations.file import (
    hash_text,
    mark_pending,
    read_text,
    replace_text,
)
from hadirector.director.configurations.store import present_moment
from hadirector.director.observing import REFUSED
from hadirector.director.reconfigure import Reconfiguration
from hadirector.director.request_errors import RequestError, StaleError
from hadirector.model.configuration import Configuration
from hadirector.overrides.model import Line, is_printable
from hadirector.reload.archive import (
    Archive,
    ArchivedConfiguration,
    How,
    Origin,
    Pending,
    add,
    begin_confirmation,
    end_confirmation,
)
from hadirector.status.configurations import (
    ConfigurationInUse,
    ConfigurationList,
    PendingStatus,
    describe_archive,
    describe_configuration,
    describe_pending,
)

CONFIRMATION_SECONDS_MIN: Final = 1.0
CONFIRMATION_SECONDS_MAX: Final = 24 * 3600.0
RETRY_SECONDS: Final = 10.0
"""The time between two attempts to undo a configuration."""
DEADLINE: Final = "the configuration was not confirmed in time"

Seconds = Annotated[float, msgspec.Meta(ge=CONFIRMATION_SECONDS_MIN, le=CONFIRMATION_SECONDS_MAX)]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """The person or program that orders a change, the reason, and the time for a confirmation."""

    actor: str
    reason: Line = ""
    confirm_within: Seconds | None = None

    def __post_init__(self) -> None:
        """Refuse characters that could control a terminal. Raises ValueError."""
        if not is_printable(self.reason):
            raise ValueError("the reason has a character that is not printable")


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """The running configuration after a change: its number, and the changes in one line.

    It is undone after ``confirm_within`` seconds unless it is confirmed.
    """

    number: int
    sha256: str
    changed: str
    confirm_within: float | None = None


class Applications:
    """Applies, confirms, undoes and rolls back configurations of a running director."""

    def __init__(self, reconfiguration: Reconfiguration) -> None:
        self._reconfiguration = reconfiguration
        self._file = reconfiguration.file.path
        self.archive: ConfigurationArchive = reconfiguration.archive
        self._masker = Masker()
        self._failure = ""
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """Archive the first configuration; undo each pending one that is not confirmed in time."""
        async with self._reconfiguration.changing:
            await self.archive.begin()
        while True:
            pending = self.archive.pending
            self.archive.changed.clear()
            delay = None if pending is None else max(0.0, pending.remaining(present_moment()))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self.archive.changed.wait()
                continue
            try:
                await self.undo("", DEADLINE, expected=pending)
            except RequestError as error:
                self._note_failure(str(error))
                await asyncio.sleep(RETRY_SECONDS)

    async def describe(self) -> ConfigurationInUse:
        """Describe the configuration in use, and whether its file has changed."""
        running = self.archive.running
        found = await asyncio.to_thread(read_text, self._file)
        same = running is not None and found is not None
        return ConfigurationInUse(
            file=str(self._file),
            running=None if running is None else describe_configuration(running),
            file_changed=not same
            or await asyncio.to_thread(hash_text, found or b"")
            != (running.content.sha256 if running else ""),
            pending=self.pending_status,
        )

    def describe_archive(self) -> ConfigurationList:
        """Describe all configurations of the archive."""
        return describe_archive(self.archive.kept, present_moment())

    @property
    def pending_status(self) -> PendingStatus | None:
        """The configuration that waits for its confirmation."""
        return describe_pending(self.archive.kept, present_moment())

    async def mask_text(self, number: int) -> str:
        """Return the text of an archived configuration without its secrets.

        Raises RequestError if the text is missing, or if its secrets cannot be found.
        """
        found = self.archive.kept.find(number)
        if found is None:
            raise RequestError(f"there is no configuration {number} in the archive")
        try:
            return await self._masker.mask(await self._text(found))
        except MaskingError as error:
            raise RequestError(f"configuration {number} cannot be shown: {error}") from error

    async def apply(self, text: bytes, order: Order, expected: str) -> Applied:
        """Apply a configuration text if the running configuration has the hash ``expected``.

        Raises ConfigError, StaleError and RequestError. Then nothing has changed.
        """
        async with self._reconfiguration.changing:
            running = self._require_running()
            if expected != running.content.sha256:
                raise StaleError(
                    f"configuration {running.number} runs, with the hash {running.content.sha256}"
                )
            found = await asyncio.to_thread(read_text, self._file)
            if found is None or hash_text(found) != running.content.sha256:
                raise RequestError(
                    f"{self._file} was changed since the director read it: load it"
                    " (hadirector reload), or apply your changes to its current content"
                )
            return await self._change(text, "apply", order)

    async def roll_back(self, number: int, order: Order) -> Applied:
        """Apply an archived configuration again. Raises ConfigError and RequestError.

        If the file has a text that the director has not read, this text is archived first.
        """
        async with self._reconfiguration.changing:
            self._require_running()
            kept = self.archive.kept.find(number)
            if kept is None:
                raise RequestError(f"there is no configuration {number} in the archive")
            return await self._change(await self._text(kept), "rollback", order)

    async def confirm(self, actor: str) -> int:
        """Keep the pending configuration; return its number. Raises RequestError."""
        async with self._reconfiguration.changing:
            pending = self._require_pending()
            await self._store(end_confirmation(self.archive.kept))
            await self.archive.unmark()
            self._log.info("configuration_confirmed", number=pending.number, actor=actor)
            return pending.number

    async def undo(self, actor: str, reason: str, *, expected: Pending | None = None) -> Applied:
        """Return to the configuration before the pending one. Raises RequestError.

        With ``expected``, only this pending configuration is undone.
        """
        async with self._reconfiguration.changing:
            pending = self._require_pending()
            if expected is not None and pending != expected:
                raise RequestError("another configuration is pending")
            previous = self.archive.kept.find(pending.previous)
            assert previous is not None, "the archive keeps the former configuration"
            text = await self._text(previous)
            try:
                configuration = await self._reconfiguration.read(self._file, text)
            except ConfigError as error:
                raise RequestError(str(error)) from error
            summary = await self._reconfiguration.check(configuration)
            # The director changes first: the pending configuration may have cut off its operators.
            await self._reconfiguration.enqueue(configuration)
            origin = Origin(present_moment().utc, "undone", actor, reason)
            await self._keep_found()
            archive = add(end_confirmation(self.archive.kept), previous.content, origin)
            try:
                await asyncio.to_thread(replace_text, self._file, text)
            except OSError as error:
                raise RequestError(f"{self._file} cannot be written: {error.strerror}") from error
            await self._store(archive)
            await self.archive.unmark()
            self._failure = ""
            self._log.warning(
                "configuration_undone", number=pending.number, actor=actor, reason=reason
            )
            return Applied(number=archive.current, sha256=previous.content.sha256, changed=summary)

    async def _change(self, text: bytes, how: How, order: Order) -> Applied:
        """Check a text, store it, replace the file, and change the running director."""
        running = self._require_running()
        configuration = await self._reconfiguration.read(self._file, text)
        self._refuse_unsuitable(text, configuration, await self._text(running))
        summary = await self._reconfiguration.check(configuration)
        content = describe_content(text)
        await self._keep_found()
        origin = Origin(present_moment().utc, how, order.actor, order.reason)
        archive = add(self.archive.kept, content, origin)
        if archive == self.archive.kept:
            return Applied(
                number=running.number, sha256=content.sha256, changed="nothing to change"
            )
        if order.confirm_within is not None:
            archive = begin_confirmation(
                archive, running.number, present_moment(), order.confirm_within
            )
        await self._write(archive, text)
        await self._reconfiguration.enqueue(configuration)
        self._log.info(
            "configuration_applied",
            number=archive.current,
            how=how,
            actor=order.actor,
            reason=order.reason,
            confirm_within=order.confirm_within,
        )
        return Applied(
            number=archive.current,
            sha256=content.sha256,
            changed=summary,
            confirm_within=order.confirm_within,
        )

    async def _write(self, archive: Archive, text: bytes) -> None:
        """Store the archive, then replace the file. Raises RequestError; then neither is done."""
        former = self.archive.kept
        await self._store(archive, text)
        try:
            if archive.pending is not None:
                mark = partial(mark_pending, self._file, self.archive.state_directory)
                await asyncio.to_thread(mark)
            await asyncio.to_thread(replace_text, self._file, text)
        except OSError as error:
            await self.archive.unmark()
            await self._store(former)
            raise RequestError(f"{self._file} cannot be written: {error.strerror}") from error

    async def _keep_found(self) -> None:
        """Keep the text of the file in the archive, if the director has not read this text."""
        found = await asyncio.to_thread(read_text, self._file)
        if found is None or hash_text(found) in self.archive.kept.hashes:
            return
        origin = Origin(present_moment().utc, "found", "")
        archive = add(self.archive.kept, describe_content(found), origin, in_use=False)
        await self._store(archive, found)

    async def _text(self, kept: ArchivedConfiguration) -> bytes:
        text = await self.archive.text(kept.number)
        if text is None:
            raise RequestError(
                f"the text of configuration {kept.number} is missing or damaged in"
                f" {self.archive.state_directory}"
            )
        return text

    async def _store(self, archive: Archive, *texts: bytes) -> None:
        try:
            await self.archive.store(archive, *texts)
        except OSError as error:
            raise RequestError(
                f"{self.archive.state_directory} cannot be written: {error.strerror}"
            ) from error

    def _require_running(self) -> ArchivedConfiguration:
        """Return the configuration in use. Raises RequestError if it must not be replaced now."""
        if self._reconfiguration.observing:
            raise RequestError(REFUSED)
        if (pending := self.archive.pending) is not None:
            raise RequestError(
                f"configuration {pending.number} waits for its confirmation: {NEXT_STEPS}"
            )
        if (running := self.archive.running) is None:
            raise RequestError(
                "the archive does not have the configuration in use: reload it first"
            )
        return running

    def _require_pending(self) -> Pending:
        if (pending := self.archive.pending) is None:
            raise RequestError("no configuration waits for its confirmation")
        return pending

    @staticmethod
    def _refuse_unsuitable(text: bytes, configuration: Configuration, running: bytes) -> None:
        """Raise RequestError for a text that the archive could not restore, or of another format.

        A keepalived.conf that became a YAML file would mislead every reader of its name.
        """
        if configuration.other_files:
            raise RequestError(
                f"the text includes {configuration.other_files[0]}: only a configuration in one"
                " file can be applied and undone; change the files and reload instead"
            )
        if (form := _name_format(text)) != (present := _name_format(running)):
            raise RequestError(
                f"the text is {form}, and the director runs with {present}: to change the format,"
                " start the director with the other file"
            )

    def _note_failure(self, reason: str) -> None:
        """Log a failure to undo a configuration, once for each reason."""
        if reason != self._failure:
            self._failure = reason
            self._log.error("configuration_not_undone", reason=reason)


def _name_format(text: bytes) -> str:
    return "a keepalived.conf" if is_keepalived(text) else "YAML"
