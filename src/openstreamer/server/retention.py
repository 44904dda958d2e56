"""Deleting what is older, or more, than the settings allow. Rules: `docs/server.md`, "Retention".

Not here: which chunks those are (the store), and what a client is told that comes too late (`missed`).
"""

from __future__ import annotations

import logging
import time

from openstreamer.errors import StoreError
from openstreamer.server.settings import RetentionSettings
from openstreamer.server.source import Source
from openstreamer.server.statistics import ServiceStatistics
from openstreamer.store import Store

log = logging.getLogger("openstreamer.server")


async def trim(
    store: Store, source: Source, retention: RetentionSettings, statistics: ServiceStatistics
) -> None:
    """Delete what is over the limits, and count it; nothing is raised if the store cannot do it now."""
    before = int(time.time() - retention.keep_days * 86400) if retention.keep_days else None
    max_bytes = int(retention.keep_gigabytes * 1e9) if retention.keep_gigabytes else None
    if before is None and max_bytes is None:
        return
    try:
        result = await source.run(lambda: store.trim(before=before, max_bytes=max_bytes))
    except StoreError as error:
        log.error("old events could not be deleted: %s", error)
        return
    if result.chunks:
        source.deleted()
        statistics.trimmed_chunks += result.chunks
        statistics.trimmed_records += result.records
        log.info("deleted %d old records (%d bytes)", result.records, result.bytes)
