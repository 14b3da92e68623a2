"""Reads the live state of IPVS for `hadirector convert --from-kernel`."""

from __future__ import annotations

import asyncio

from hadirector.config.keepalived.ipvsadm.kernel import translate_kernel
from hadirector.config.keepalived.ipvsadm.table import CheckType
from hadirector.config.keepalived.node import Node
from hadirector.config.keepalived.read import finish
from hadirector.config.keepalived.report import Report
from hadirector.config.loader import Loaded, keepalived_options
from hadirector.config.reading import ReadingOptions
from hadirector.dataplane.dataplane import read_table
from hadirector.dataplane.ipvs import sync_threads, timeouts
from hadirector.dataplane.ipvs.dataplane import IpvsDataplane


def load_kernel(check: CheckType, options: ReadingOptions) -> Loaded:
    """Convert the table, the timeouts and the sync threads to a document with notes.

    Raises DataplaneError if the kernel has no IPVS, or if this process has no permission.
    """
    report = Report()
    node = asyncio.run(_read(report, check))
    reading = finish(node, report, keepalived_options(options, ""))
    return Loaded(reading.document, reading.notes)


async def _read(report: Report, check: CheckType) -> Node:
    dataplane = IpvsDataplane()
    try:
        await dataplane.start()
        table = await read_table(dataplane)
    finally:
        await dataplane.close()
    return translate_kernel(table, await timeouts.read(), await sync_threads.read(), report, check)
