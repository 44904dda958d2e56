"""What the registry is told of clients that are there: when, from which address, and how far they are.

Each change is written, but a client of which there is nothing new to say only once a minute. Not here: what
the pages and `manage status` show of it (`snapshot`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from openstreamer.authority import Authority
from openstreamer.server.session import Session
from openstreamer.store import Position

AGAIN_SECONDS = 60
"""How often the registry is told that a client is there of which there is nothing new to say."""


class Seen:
    """Remembers what the registry was told last."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[tuple[str, Position | None], int]] = {}

    def note(self, authority: Authority, sessions: Sequence[Session]) -> None:
        """Tell the registry of these sessions' clients, in one transaction. Raises OpenStreamerError."""
        now = int(time.time())
        news = []
        for session in sessions:
            about = session.connection.host, session.acknowledged
            told = self._told.get(session.client.host)
            if told is None or told[0] != about or told[1] + AGAIN_SECONDS <= now:
                self._told[session.client.host] = about, now
                news.append((session.client.host, now, *about))
        authority.registry.seen_all(news)
