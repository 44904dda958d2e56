"""What a session missed because retention deleted it first: found, told, counted.

There are two ways to miss: a client asks for events from a time whose events are gone, or a session that is
connected is so slow that retention overtakes it. The protocol has no message that could tell the client, so
the log, the status and the metrics do. Records of all types are counted, asked for or not, since those that
are gone can no longer be looked at. Not here: deleting. Rules: `docs/server.md`, "Retention".
"""

from __future__ import annotations

import logging
import time

from openstreamer.server.statistics import ClientStatistics
from openstreamer.store import Chunk, Missed

log = logging.getLogger("openstreamer.server")


class MissedRecords:
    """Follows the chunks that one session gets. `client` and `peer` name it in the log."""

    def __init__(self, client: str, peer: str, statistics: ClientStatistics) -> None:
        self._client = client
        self._peer = peer
        self._statistics = statistics
        self._next: tuple[int, int, int] | None = None

    def asked(self, missed: Missed | None) -> None:
        """The client asked for events from a time of which this much is gone."""
        if missed is not None and missed.records:
            self._tell(missed.records, missed.first_time, missed.last_time, exact=missed.exact)

    def got(self, chunk: Chunk, damaged: frozenset[int] | set[int]) -> None:
        """This chunk is the next one that the session gets; `damaged` ones are passed over, not missed."""
        if self._next is not None:
            number, ordinal, archive_time = self._next
            lost = chunk.ordinal - ordinal
            if lost > 0 and not all(between in damaged for between in range(number, chunk.number)):
                self._tell(lost, archive_time, chunk.archive_time, exact=True)
        self._next = chunk.number + 1, chunk.ordinal + chunk.count, chunk.archive_time

    def _tell(self, records: int, begin: int, end: int, *, exact: bool) -> None:
        self._statistics.missed_records += records
        log.warning(
            "%s: client %s missed %s%d records from %s to %s: they were deleted before it came for them",
            self._peer,
            self._client,
            "" if exact else "at least ",
            records,
            _moment(begin),
            _moment(end),
        )


def _moment(timestamp: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(timestamp))
