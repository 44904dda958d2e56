from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from openstreamer.errors import StoreError
from openstreamer.server.source import Cache, Source
from openstreamer.store import Store, open_store
from support.live_service import append, intrusion, rule_message


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "events.db")
    yield opened
    opened.close()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


class Counting:
    """A store that counts reads."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.reads = 0

    def __getattr__(self, name: str) -> object:
        if name == "read":
            self.reads += 1
        return getattr(self.store, name)


async def test_what_many_read_at_once_is_read_once(store: Store, threads: ThreadPoolExecutor) -> None:
    append(store, [(400, intrusion(1))], metadata=[(66, rule_message(1000, "rule"))])
    counting = Counting(store)
    source = Source(counting, readers=threads, makers=threads)  # type: ignore[arg-type]
    results = await asyncio.gather(*(source.read(0) for _ in range(50)))
    assert counting.reads == 1
    (loaded,) = results[0]
    assert loaded.chunk.number == 1
    assert [(kind, metadata.record_type) for kind, metadata in loaded.references] == [(400, 66)]
    assert await source.read(0) is results[0]
    assert await source.read(1) == []
    assert counting.reads == 1


async def test_what_was_deleted_is_not_kept(store: Store, threads: ThreadPoolExecutor) -> None:
    append(store, [(400, intrusion(1))])
    append(store, [(400, intrusion(2))])
    source = Source(store, readers=threads, makers=threads)
    assert [loaded.chunk.number for loaded in await source.read(0)] == [1, 2]
    assert store.trim(max_bytes=400).chunks == 1
    source.deleted()
    assert [loaded.chunk.number for loaded in await source.read(0)] == [2]


async def test_listeners_wake_on_new_chunks_only(store: Store, threads: ThreadPoolExecutor) -> None:
    source = Source(store, readers=threads, makers=threads)
    calls: list[int] = []
    wake = lambda: calls.append(1)  # noqa: E731
    source.subscribe(wake)
    source.look()
    source.poll()
    assert calls == []
    await asyncio.to_thread(append, store, [(400, intrusion(1))])
    source.poll()
    assert calls == [1]
    await asyncio.to_thread(append, store, [(400, intrusion(2))])
    await asyncio.to_thread(source.poke)
    await asyncio.sleep(0.01)
    assert calls == [1, 1]
    source.unsubscribe(wake)
    append(store, [(400, intrusion(3))])
    source.look()
    assert calls == [1, 1]
    assert source.newest == 3


async def test_a_form_is_made_once_for_all(store: Store, threads: ThreadPoolExecutor) -> None:
    source = Source(store, readers=threads, makers=threads)
    made: list[int] = []

    def maker() -> list[int]:
        made.append(1)
        return [1, 2, 3]

    for short in (True, False):
        made.clear()
        results = await asyncio.gather(
            *(source.form(("key", short), maker, size=len, short=short) for _ in range(20))
        )
        assert made == [1]
        assert all(result is results[0] for result in results)


async def test_a_cache_lets_go_of_what_was_used_least() -> None:
    cache: Cache[str] = Cache(10)
    for key in "abcd":
        cache.put(key, key.upper(), 3)
    assert [cache.get(key) for key in "abcd"] == [None, "B", "C", "D"]
    cache.get("b")
    cache.put("e", "E", 3)
    assert cache.get("c") is None
    assert cache.get("b") == "B"
    cache.put("huge", "x", 11)
    assert cache.get("huge") is None
    cache.put("b", "again", 9)
    assert [cache.get(key) for key in "bde"] == ["again", None, None]


async def test_a_failure_reaches_all_who_wait_and_is_not_kept() -> None:
    cache: Cache[str] = Cache(10)
    attempts: list[int] = []

    async def maker() -> str:
        attempts.append(1)
        await asyncio.sleep(0)
        if len(attempts) == 1:
            raise StoreError("no")
        return "yes"

    results = await asyncio.gather(*(cache.make("key", maker, len) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [StoreError] * 3
    assert await cache.make("key", maker, len) == "yes"
    assert len(attempts) == 2


async def test_one_who_leaves_does_not_take_the_value_from_the_others() -> None:
    cache: Cache[str] = Cache(10)
    go = asyncio.Event()

    async def maker() -> str:
        await go.wait()
        return "value"

    first = asyncio.create_task(cache.make("key", maker, len))
    second = asyncio.create_task(cache.make("key", maker, len))
    await asyncio.sleep(0)
    first.cancel()
    go.set()
    assert await second == "value"


async def test_a_store_that_fails_is_reported_once_in_a_while(
    store: Store, threads: ThreadPoolExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    source = Source(store, readers=threads, makers=threads)
    for _ in range(10):
        source.report(StoreError("the disk is gone"))
    assert caplog.text.count("the disk is gone") == 1
