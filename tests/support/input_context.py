"""What inputs ask of a store, in memory; and a driver that reads an input to its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from openstreamer.inputs.interface import Batch, BrokenLine, Input, Metadata, NewHost, NewRecord
from openstreamer.protocol.records import Event, Record, decode_record


class MemoryContext:
    """Numbers and places as a store would keep them."""

    def __init__(self) -> None:
        self.numbers: dict[str, dict[str, int]] = {}
        self.counters: Counter[str] = Counter()
        self.stored: dict[str, bytes] = {}

    def identify(self, kind: str, names: Sequence[str]) -> list[int]:
        known = self.numbers.setdefault(kind, {})
        return [known.setdefault(name, len(known) + 1) for name in names]

    def reserve(self, counter: str, count: int) -> int:
        first = self.counters[counter] + 1
        self.counters[counter] += count
        return first

    def places(self, prefix: str) -> Mapping[str, bytes]:
        return {name: place for name, place in self.stored.items() if name.startswith(prefix)}

    def store(self, batch: Batch) -> None:
        """Keep the batch's places, as a store does with a batch that nobody got in the way of."""
        for name, expected in batch.expected.items():
            assert self.stored.get(name) == expected, "a place that is not the one stored was expected"
        self.stored.update(batch.places)


class Harvest:
    """Everything that an input brought."""

    def __init__(self) -> None:
        self.records: list[NewRecord] = []
        self.metadata: list[Metadata] = []
        self.hosts: list[NewHost] = []
        self.lines = 0
        self.skipped: Counter[str] = Counter()
        self.broken = 0
        self.broken_lines: list[BrokenLine] = []
        self.notes: Counter[str] = Counter()
        self.messages: list[str] = []

    def add(self, batch: Batch) -> None:
        self.records += batch.records
        self.metadata += batch.metadata
        self.hosts += batch.hosts
        self.lines += batch.lines
        self.skipped.update(batch.skipped)
        self.broken += batch.broken
        self.broken_lines += batch.broken_lines
        self.notes.update(batch.notes)
        self.messages += batch.messages

    def events(self, record_type: int) -> list[Event]:
        """The records of one type, decoded."""
        return [
            decode_record(Record(record.record_type, record.data))
            for record in self.records
            if record.record_type == record_type
        ]

    def data(self, record_type: int) -> list[Any]:
        """The data of the records of one type."""
        return [event.data for event in self.events(record_type)]

    def counts(self) -> dict[int, int]:
        return dict(Counter(record.record_type for record in self.records))

    def names(self) -> dict[bytes, Any]:
        """Metadata by key, decoded."""
        return {
            key: decode_record(Record(record_type, data)).data for key, record_type, _, data in self.metadata
        }


def read_all(source: Input, context: MemoryContext | None = None, *, max_records: int = 500) -> Harvest:
    """Read an input from opening to end."""
    context = context or MemoryContext()
    harvest = Harvest()
    source.open(context)
    try:
        while (batch := source.read(max_records, 0.05)) is not None:
            harvest.add(batch)
            context.store(batch)
    finally:
        source.close()
    return harvest


def read_now(source: Input, context: MemoryContext, *, rounds: int = 3) -> Harvest:
    """Read what an open, followed input has now: until it says `rounds` times that nothing came."""
    harvest = Harvest()
    silent = 0
    for _ in range(10_000):
        batch = source.read(500, 0.02)
        if batch:
            harvest.add(batch)
            context.store(batch)
            silent = 0
        else:
            silent += 1
            if batch is None or silent >= rounds:
                return harvest
    raise AssertionError("the input does not come to rest")
