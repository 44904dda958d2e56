"""A damaged file: what is wrong is found and named, what is sound is still read, nothing wrong comes out."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from openstreamer.errors import OpenStreamerError, StoreCorrupt, StoreError
from openstreamer.store import BEGINNING, Store, open_store
from support.store_batches import Batch, numbered

CHUNKS = 24
PAGE = 4096
KEYS = [b"key %d" % number for number in range(1, CHUNKS + 1)]


def expected(number: int) -> bytes:
    """Data of a chunk."""
    # Most fit into a page beside others, every fifth spreads over many.
    return numbered(number, 24_000 if number % 5 == 0 else 1200)


def described(number: int) -> bytes:
    """A metadata record."""
    return b"metadata of " + numbered(number, 160)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log that was closed properly, all in one file."""
    path = tmp_path_factory.mktemp("sound") / "events.db"
    with open_store(path, synchronous="OFF") as store:
        for number in range(1, CHUNKS + 1):
            store.append(
                Batch(expected(number), count=2, references=[(400, b"key %d" % number)]),
                now=1000 + number,
                metadata=[(b"key %d" % number, 66, 0, described(number))],
                places={"file": b"%d" % number},
            )
    assert not path.with_name("events.db-wal").exists()
    return path


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "events.db"))


@dataclass
class Findings:
    read: set[int]
    corrupt: set[int]


def read_all(store: Store) -> Findings:
    """Read everything that can be read, passing over what is damaged; what comes out must be right."""
    found = Findings(set(), set())
    position = 0
    for _ in range(3 * CHUNKS):
        try:
            chunks = store.read(position, limit_bytes=10_000)
        except StoreCorrupt as error:
            if error.chunk != position + 1:
                raise
            position += 1
            found.corrupt.add(position)
            continue
        if not chunks:
            return found
        for chunk in chunks:
            assert chunk.number == position + 1
            assert chunk.data == expected(chunk.number)
            assert chunk.archive_time == 1000 + chunk.number
            assert chunk.count == 2
            assert chunk.references == ((400, b"key %d" % chunk.number),)
            position = chunk.number
            found.read.add(position)
    raise AssertionError("reading comes to no end")


def examine(path: Path) -> str:
    """Open a damaged file and look at everything; say how bad it was."""
    try:
        store = open_store(path, synchronous="OFF", busy_timeout=1)
    except OpenStreamerError:
        return "refused"
    with store:
        try:
            found = read_all(store)
        except StoreError:
            return "unusable"
        assert found.read | found.corrupt == set(range(1, CHUNKS + 1))
        for timestamp in (BEGINNING, 1001, 1013, 1024):
            try:
                position = store.seek(timestamp)
            except StoreError:
                continue
            # Rather too early than too late: no record that was asked for is passed over.
            wanted = {number for number in found.read if 1000 + number >= timestamp}
            assert all(number > position for number in wanted)
        metadata_lost = 0
        for number, key in enumerate(KEYS, 1):
            try:
                entry = store.metadata([key]).get(key)
            except StoreError:
                entry = None
            if entry is None:
                metadata_lost += 1
            else:
                assert entry.data == described(number)
        result = store.check()
        assert set(result.corrupt) == found.corrupt
        assert result.chunks == len(found.read)
        if found.corrupt or metadata_lost:
            assert result.problems
        return "chunks lost" if found.corrupt else "metadata lost" if metadata_lost else "sound"


def test_a_sound_file_is_sound(copy: Path) -> None:
    assert examine(copy) == "sound"


def test_a_flipped_bit_in_the_data_costs_that_chunk_only(copy: Path) -> None:
    content = bytearray(copy.read_bytes())
    place = content.index(expected(7)) + 500
    content[place] ^= 1
    copy.write_bytes(content)
    with open_store(copy) as store:
        assert [chunk.number for chunk in store.read(0)] == [1, 2, 3, 4, 5, 6]
        with pytest.raises(StoreCorrupt, match="chunk 7 of the event log fails its checksum") as caught:
            store.read(6)
        assert caught.value.chunk == 7
        assert [chunk.number for chunk in store.read(7)] == list(range(8, CHUNKS + 1))
        result = store.check()
        assert result.corrupt == (7,)
        assert len(result.problems) == 1
        # The log goes on, and the damaged chunk leaves it like any other.
        assert store.append(Batch(), now=2000).number == CHUNKS + 1
        assert store.trim(before=1008).chunks == 7
        assert store.check().problems == ()


def test_a_flipped_bit_in_metadata_is_found(copy: Path, caplog: pytest.LogCaptureFixture) -> None:
    content = bytearray(copy.read_bytes())
    content[content.index(described(3)) + 40] ^= 1
    copy.write_bytes(content)
    with open_store(copy) as store:
        assert set(store.metadata([KEYS[1], KEYS[2]])) == {KEYS[1]}
        assert store.metadata([KEYS[2]]) == {}
        assert [record.getMessage() for record in caplog.records] == [
            "the metadata record b'key 3' of the event log fails its checksum"
        ]
        with pytest.raises(StoreCorrupt, match="metadata"):
            store.metadata_since(0)
        assert store.check().problems == ("1 metadata records fail their checksum",)
        # The next batch that brings the record mends it.
        store.append(Batch(), now=2000, metadata=[(KEYS[2], 66, 0, described(3))])
        assert store.metadata([KEYS[2]])[KEYS[2]].data == described(3)


@pytest.mark.parametrize("filler", [b"\0" * PAGE, bytes(range(256)) * 16], ids=["zeros", "rubbish"])
def test_any_page_overwritten(sound: Path, tmp_path: Path, filler: bytes) -> None:
    content = sound.read_bytes()
    outcomes = []
    for start in range(0, len(content), PAGE):
        path = tmp_path / f"{start}.db"
        path.write_bytes(content[:start] + filler + content[start + PAGE :])
        outcomes.append(examine(path))
        for file in tmp_path.iterdir():
            file.unlink()
    assert outcomes[0] == "refused"
    assert outcomes.count("chunks lost") > len(outcomes) / 2
    assert outcomes.count("unusable") <= 4


def test_random_bits_flipped(sound: Path, tmp_path: Path) -> None:
    content = sound.read_bytes()
    chance = random.Random(4)
    for _ in range(150):
        changed = bytearray(content)
        for _ in range(chance.choice([1, 1, 1, 8])):
            changed[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path = tmp_path / "events.db"
        path.write_bytes(changed)
        examine(path)
        for file in tmp_path.iterdir():
            file.unlink()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file(sound: Path, tmp_path: Path, share: float) -> None:
    content = sound.read_bytes()
    path = tmp_path / "events.db"
    path.write_bytes(content[: int(len(content) * share)])
    assert examine(path) != "sound"
