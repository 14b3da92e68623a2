"""Reads a check outside of a configuration file, such as the check of a command line."""

from __future__ import annotations

from pydantic import ValidationError

from checks.definition.check import CheckDefinition
from hadirector.config.checks.build import check_for_target, check_template
from hadirector.config.checks.rules import check_findings, source_findings
from hadirector.config.checks.schema import CheckSection, read_check
from hadirector.config.document.document import read_document
from hadirector.config.document.errors import ConfigError, Fault
from hadirector.config.document.explain import explain
from hadirector.config.document.finding import prefix_path
from hadirector.config.document.syntax import decode
from hadirector.model.ipvs import DestinationKey


def parse_check(text: str, file: str, target: DestinationKey) -> CheckDefinition | None:
    """Return the check in a YAML mapping; None for ``type: none``.

    Raises ConfigError with every fault.
    """
    document = read_document(decode(text.encode(), file), file)
    faults = list(document.faults)
    try:
        section = read_check(document.value)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        raise ConfigError([*faults, *explain(errors, document, CheckSection)]) from error
    faults += [
        Fault(document.place(finding.path), prefix_path(finding.path, finding.message))
        for finding in (*check_findings((), section), *source_findings((), section, target.address))
    ]
    if section.via is not None:
        place = document.place(("via",))
        faults.append(Fault(place, "via: a single check has no virtual server to go through"))
    if faults:
        raise ConfigError(faults)
    template = check_template(section)
    return None if template is None else check_for_target(template, target)
