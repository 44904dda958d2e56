"""What all sessions read from: the store, asked once for all of them.

Two hundred clients at the end of the event log want the same chunk at the same moment, and most want it in
the same form. So reads are joined (one per position, with the metadata that the chunks refer to), the last
few are kept, and the same goes for chunks brought into a client's form. Reading and long transcoding happen
in threads, never in the event loop. A slow client holds on to the chunk it is at, nothing more.

Not here: which records a session gets (`openstreamer.protocol.selection`), what it was sent (`session`).
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from openstreamer.errors import StoreCorrupt, StoreError
from openstreamer.store import Chunk, Metadata, Position, Store

log = logging.getLogger("openstreamer.server")

READ_BYTES = 512 * 1024
"""About how much one read takes from the store; a single bigger chunk still comes whole."""

KEPT_READS_BYTES = 16 * 1024 * 1024
KEPT_FORMS_BYTES = 32 * 1024 * 1024

RETRY_SECONDS = 1.0
"""Pause after the store could not be read."""

REPORT_SECONDS = 30.0

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A chunk with the metadata that its records refer to, as it was when the chunk was read."""

    chunk: Chunk
    references: tuple[tuple[int, Metadata], ...] = field(repr=False)
    """(referring record type, metadata record) pairs; keys without a metadata record are left out."""


class Cache(Generic[_Value]):
    """The values used last, up to a sum of sizes; what is being made is made once for all who ask."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._kept: OrderedDict[Hashable, tuple[_Value, int]] = OrderedDict()
        self._making: dict[Hashable, asyncio.Task[_Value]] = {}

    def get(self, key: Hashable) -> _Value | None:
        """The value, if it is kept."""
        entry = self._kept.get(key)
        if entry is None:
            return None
        self._kept.move_to_end(key)
        return entry[0]

    async def make(self, key: Hashable, maker: Callable[[], Any], size: Callable[[_Value], int]) -> _Value:
        """The value for a key: kept, being made, or made now by awaiting `maker()`.

        A value of size 0 is not kept. If the maker fails, all who wait get the error, and nothing is kept.
        """
        kept = self.get(key)
        if kept is not None:
            return kept
        task = self._making.get(key)
        if task is None:
            task = asyncio.create_task(self._make(key, maker, size))
            self._making[key] = task
        return await asyncio.shield(task)

    async def _make(self, key: Hashable, maker: Callable[[], Any], size: Callable[[_Value], int]) -> _Value:
        try:
            value: _Value = await maker()
        finally:
            del self._making[key]
        self.put(key, value, size(value))
        return value

    def clear(self) -> None:
        """Let go of all values."""
        self._kept.clear()
        self._size = 0

    def put(self, key: Hashable, value: _Value, size: int) -> None:
        """Keep a value, and let go of others where the sum becomes too large."""
        if size <= 0 or size > self._limit:
            return
        previous = self._kept.pop(key, None)
        self._size += size - (previous[1] if previous else 0)
        self._kept[key] = value, size
        while self._size > self._limit:
            _, (_, dropped) = self._kept.popitem(last=False)
            self._size -= dropped


class Source:
    """Reads of a store for many sessions. All methods belong to the event loop's thread but `poke`."""

    def __init__(self, store: Store, *, readers: ThreadPoolExecutor, makers: ThreadPoolExecutor) -> None:
        """`readers` are the threads for reading, `makers` those for transcoding, which takes far longer."""
        self._store = store
        self._readers = readers
        self._makers = makers
        self._loop = asyncio.get_running_loop()
        self._reads: Cache[list[Loaded]] = Cache(KEPT_READS_BYTES)
        self._forms: Cache[Any] = Cache(KEPT_FORMS_BYTES)
        self._listeners: set[Callable[[], None]] = set()
        self._corrupt: set[int] = set()
        self._quiet_until = 0.0
        self.newest: Position = store.newest()

    @property
    def corrupt_chunks(self) -> int:
        """Damaged chunks met so far; they are passed over."""
        return len(self._corrupt)

    @property
    def damaged(self) -> set[int]:
        """Their numbers."""
        return self._corrupt

    # changes

    def poke(self) -> None:
        """Say, from any thread, that something was appended."""
        try:
            self._loop.call_soon_threadsafe(self.look)
        except RuntimeError:
            pass  # the loop has ended, and with it everybody who waits

    def look(self) -> None:
        """See whether there are new chunks, and wake the listeners if so."""
        newest = self._store.newest()
        if newest != self.newest:
            self.newest = newest
            for wake in list(self._listeners):
                wake()

    def poll(self) -> None:
        """The same, at the price of nearly nothing while nobody has written."""
        if self._store.changed():
            self.look()

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Have `wake` called whenever there are new chunks."""
        self._listeners.add(wake)

    def unsubscribe(self, wake: Callable[[], None]) -> None:
        """Undo `subscribe`."""
        self._listeners.discard(wake)

    # reading

    async def run(self, function: Callable[[], _Value]) -> _Value:
        """Run something that uses the store in a thread."""
        return await self._loop.run_in_executor(self._readers, function)

    async def seek(self, timestamp: int) -> Position:
        """Position before the first chunk of that archive time or later. Raises StoreError."""
        return await self.run(lambda: self._store.seek(timestamp))

    async def read(self, after: Position) -> list[Loaded]:
        """The next chunks after a position, about `READ_BYTES` of them; empty at the end.

        Damaged chunks are reported once and passed over. Raises StoreError if the store cannot be read.
        """
        if after >= self.newest:
            return []
        return await self._reads.make(
            after,
            lambda: self.run(lambda: self._read(after)),
            lambda loaded: sum(len(item.chunk.data) + 1000 for item in loaded),
        )

    def deleted(self) -> None:
        """Say that old chunks were deleted: what was read of them must not go out any more."""
        self._reads.clear()

    async def ask(self, question: Callable[[Store], _Value]) -> _Value:
        """What a function makes of the store, in a thread. Raises what it raises."""
        return await self.run(lambda: question(self._store))

    def _read(self, after: Position) -> list[Loaded]:
        while True:
            try:
                chunks = self._store.read(after, limit_bytes=READ_BYTES)
            except StoreCorrupt as error:
                number = getattr(error, "chunk", None)
                if number is None:
                    raise
                if number not in self._corrupt:
                    self._corrupt.add(number)
                    log.error("the event log is damaged, a chunk is passed over: %s", error)
                after = number
                continue
            break
        wanted = {key for chunk in chunks for _, key in chunk.references}
        known = self._store.metadata(wanted) if wanted else {}
        return [
            Loaded(
                chunk,
                tuple((record_type, known[key]) for record_type, key in chunk.references if key in known),
            )
            for chunk in chunks
        ]

    def report(self, error: StoreError) -> None:
        """Log that the store cannot be read; once in a while, however many sessions meet it."""
        now = self._loop.time()
        if now >= self._quiet_until:
            self._quiet_until = now + REPORT_SECONDS
            log.error("the event log cannot be read, trying again: %s", error)

    async def form(
        self, key: Hashable, maker: Callable[[], _Value], *, size: Callable[[_Value], int], short: bool
    ) -> _Value:
        """A chunk in the form of some clients: kept, or made by `maker`, in a thread unless it is `short`."""
        kept = self._forms.get(key)
        if kept is not None:
            return kept  # type: ignore[no-any-return]
        if short:
            value = maker()
            self._forms.put(key, value, size(value))
            return value
        return await self._forms.make(  # type: ignore[no-any-return]
            key, lambda: self._loop.run_in_executor(self._makers, maker), size
        )
