"""A checked configuration, in the terms of those who carry it out. Made by checking.py.

Two plans can be compared part by part: what is equal need not be touched at a reload. Therefore a plan also
holds what the files it names looked like.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from openstreamer.client.feed import FeedSettings
from openstreamer.client.service.configuration import ClientSection, FilterSection, Full, OutputSection
from openstreamer.outputs.registry import OutputSpec


class ServerPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A server, ready to be connected.

    Attributes:
        start: where an output without a position begins: 0 oldest, 0xFFFFFFFF now, else UNIX seconds.
        known_servers: the file of pinned certificates.
        retry: first and longest pause between two tries.
        files: what the files of its credentials looked like: path, time of change, size.
    """

    name: str
    feed: FeedSettings
    start: int
    known_servers: str
    retry: tuple[float, float]
    files: tuple[tuple[str, int, int], ...] = ()


class SourcePlan(msgspec.Struct, frozen=True, kw_only=True):
    """A server alone, or a pair: its primary first."""

    name: str
    members: tuple[ServerPlan, ...]
    take_over: float = 0.0
    overlap: float = 0.0

    @property
    def is_pair(self) -> bool:
        """Whether there are two servers."""
        return len(self.members) == 2


class OutputPlan(msgspec.Struct, frozen=True, kw_only=True):
    """An output, ready to be made.

    Attributes:
        config: the settings, an instance of the output's `Config`.
        sources: names of the sources it gets events of, in the order of the file.
        filters: the sections of its filters, by name; any of them lets an event through; none: all pass.
    """

    name: str
    spec: OutputSpec
    config: Any
    sources: tuple[str, ...]
    filters: tuple[FilterSection, ...]
    names: bool
    metadata: bool
    queue_bytes: int
    full: Full
    retry: tuple[float, float]
    dead_letters: str
    dead_letters_bytes: int
    save_seconds: float
    section: OutputSection


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything."""

    client: ClientSection
    state: Path
    sources: dict[str, SourcePlan]
    outputs: dict[str, OutputPlan]
    warnings: tuple[str, ...] = ()
