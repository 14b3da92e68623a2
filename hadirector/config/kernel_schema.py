"""The keys that say what is set in the kernel besides the IPVS table."""

from __future__ import annotations

from typing import Annotated

from pydantic import PlainValidator

from hadirector.config.section import Section
from hadirector.config.values import boolean, choice
from hadirector.sysctls import WORDS

SysctlWord = Annotated[str, PlainValidator(choice(WORDS))]


class SysctlsSection(Section):
    """What to do about the sysctls that the configuration implies."""

    apply: Annotated[bool, PlainValidator(boolean)] = True
    leave: list[SysctlWord] = []
