"""What metadata the client of one session has, so that it gets each once, and again where it must.

A client goes by the plain key, for it sees one server. Where two servers above give one number different
names (device 1 of each), a session gets the name anew whenever the events change from one to the other;
where they agree, as on the texts of rules, it gets it once.
"""

from __future__ import annotations

from openstreamer.protocol.metadata import plain_key
from openstreamer.store import Metadata


class KnownMetadata:
    """The metadata that was sent last, by plain key."""

    __slots__ = ("_told",)

    def __init__(self) -> None:
        self._told: dict[bytes, tuple[bytes, int, int]] = {}
        """Key in the store, revision, and a hash of the content."""

    def lacks(self, metadata: Metadata) -> bool:
        """Whether the client must be sent this before an event that refers to it."""
        told = self._told.get(plain_key(metadata.key))
        if told is None:
            return True
        key, revision, content = told
        if key == metadata.key:
            return revision < metadata.revision
        return content != _content(metadata)

    def add(self, metadata: Metadata) -> None:
        """It was sent."""
        self._told[plain_key(metadata.key)] = (metadata.key, metadata.revision, _content(metadata))


def _content(metadata: Metadata) -> int:
    return hash((metadata.netmap, metadata.data))
