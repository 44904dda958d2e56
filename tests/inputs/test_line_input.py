"""Batches, places and restarts of inputs that read lines."""

from __future__ import annotations

import gzip
import random
import time
from pathlib import Path

import pytest

from openstreamer.errors import InputError
from openstreamer.inputs.interface import Batch, Input
from openstreamer.inputs.uri import make_input
from support.eve_lines import alert, alerts, text
from support.input_context import Harvest, MemoryContext, read_all, read_now


def eve(path: Path, **settings: object) -> Input:
    return make_input("eve", {"path": str(path), **settings})


def rules(harvest: Harvest) -> list[int]:
    return [event.signature_id - 2_000_000 for event in harvest.data(400)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "eve.json"


def test_the_same_content_again_adds_nothing_whatever_its_name(path: Path, tmp_path: Path) -> None:
    path.write_bytes(alerts(1, 30))
    context = MemoryContext()
    assert len(rules(read_all(eve(path), context))) == 30
    copy = tmp_path / "copy.json.gz"
    copy.write_bytes(gzip.compress(path.read_bytes()))
    renamed = path.rename(tmp_path / "other")
    for known in (renamed, copy):
        harvest = read_all(eve(known), context)
        assert (harvest.lines, harvest.records) == (0, [])
        assert "known up to line 30" in harvest.messages[0]
    assert len(context.stored) == 1


def test_a_file_that_has_grown_adds_its_new_lines(path: Path) -> None:
    context = MemoryContext()
    for last in (1, 2, 10, 100):
        first = sum(1 for _ in path.read_bytes().splitlines()) + 1 if path.exists() else 1
        path.write_bytes(alerts(1, last))
        assert rules(read_all(eve(path), context)) == list(range(first, last + 1))
    assert len(context.stored) == 1


def test_again_reads_everything_and_does_not_move_the_place_back(path: Path) -> None:
    path.write_bytes(alerts(1, 50))
    context = MemoryContext()
    read_all(eve(path), context)
    before = dict(context.stored)
    source = eve(path, again=True)
    source.open(context)
    batch = source.read(5, 0.1)
    assert isinstance(batch, Batch)
    assert 5 <= len(batch.records) < 200
    assert batch.places == {}
    source.close()
    assert len(rules(read_all(eve(path, again=True), context))) == 50
    assert context.stored == before
    path.write_bytes(alerts(1, 51))
    assert len(rules(read_all(eve(path, again=True), context))) == 51
    assert rules(read_all(eve(path), context)) == []


@pytest.mark.parametrize("compressed", [False, True])
def test_a_reader_that_is_stopped_anywhere_goes_on_exactly_there(path: Path, compressed: bool) -> None:
    content = alerts(1, 200) + b"broken\n" + alerts(201, 400)
    path.write_bytes(gzip.compress(content) if compressed else content)
    chance = random.Random(3)
    context = MemoryContext()
    found: list[int] = []
    for _ in range(100):
        source = eve(path)
        source.open(context)
        ended = False
        for _ in range(chance.randrange(1, 4)):
            batch = source.read(chance.randrange(1, 60), 0.01)
            if batch is None:
                ended = True
                break
            if chance.random() < 0.3:
                break  # killed before the batch was stored
            harvest = Harvest()
            harvest.add(batch)
            context.store(batch)
            found += rules(harvest)
            assert all(broken.line == 201 for broken in batch.broken_lines)
        source.close()
        if ended:
            break
    assert found == list(range(1, 401))


def test_a_batch_is_bounded_in_records_and_bytes(path: Path) -> None:
    path.write_bytes(alerts(1, 3000))
    source = eve(path)
    source.open(MemoryContext())
    batch = source.read(100, 0.1)
    assert batch is not None
    assert 100 <= len(batch.records) <= 100 + 64 * 2
    source.close()
    path.write_bytes(text(*(alert(number, payload="x" * 100_000) for number in range(60))))
    source = eve(path)
    source.open(MemoryContext())
    batch = source.read(10_000, 0.1)
    assert batch is not None
    assert batch.bytes < (1 << 20) + 64 * 101_000
    source.close()


def test_a_followed_file_is_read_as_it_grows(path: Path) -> None:
    context = MemoryContext()
    source = eve(path, follow=True)
    source.open(context)
    assert rules(read_now(source, context)) == []
    path.write_bytes(alerts(1, 3)[:-20])
    assert rules(read_now(source, context)) == [1, 2]
    path.write_bytes(alerts(1, 5))
    assert rules(read_now(source, context)) == [3, 4, 5]
    source.close()
    assert source.read(1, 0.0) is None


def test_new_lines_come_within_a_fifth_of_a_second(path: Path) -> None:
    path.write_bytes(alerts(1, 1))
    context = MemoryContext()
    source = eve(path, follow=True)
    source.open(context)
    read_now(source, context)
    with path.open("ab") as file:
        file.write(alerts(2, 2))
    started = time.monotonic()
    batch = source.read(1000, 1.0)
    assert batch
    assert time.monotonic() - started < 0.3
    started = time.monotonic()
    assert not source.read(1000, 0.05)
    assert time.monotonic() - started < 0.2
    source.close()


def test_rotation_across_a_restart(path: Path, tmp_path: Path) -> None:
    context = MemoryContext()
    path.write_bytes(alerts(1, 10))
    source = eve(path, follow=True)
    source.open(context)
    assert rules(read_now(source, context)) == list(range(1, 11))
    with path.open("ab") as file:
        file.write(alerts(11, 15))
    source.close()
    path.rename(tmp_path / "eve.json.1")
    path.write_bytes(alerts(16, 20))
    source = eve(path, follow=True)
    source.open(context)
    assert rules(read_now(source, context)) == list(range(11, 21))
    source.close()


def test_two_processes_that_read_the_same_file_meet_at_one_place(path: Path) -> None:
    path.write_bytes(alerts(1, 10))
    context = MemoryContext()
    first, second = eve(path), eve(path)
    first.open(context)
    second.open(context)
    one, other = first.read(4, 0.1), second.read(1000, 0.1)
    assert one is not None
    assert other is not None
    assert one.expected == other.expected
    assert set(one.expected.values()) == {None}
    context.store(one)
    with pytest.raises(AssertionError):
        context.store(other)


def test_a_compressed_file_that_is_cut_gives_its_lines_and_then_an_error(tmp_path: Path) -> None:
    path = tmp_path / "eve.json.gz"
    path.write_bytes(gzip.compress(alerts(1, 2000))[:-200])
    context = MemoryContext()
    source = eve(path)
    source.open(context)
    harvest = Harvest()

    def read_on() -> None:
        while (batch := source.read(300, 0.1)) is not None:
            harvest.add(batch)
            context.store(batch)

    with pytest.raises(InputError, match="ends too early"):
        read_on()
    assert len(rules(harvest)) > 1000
    source.close()
    path.write_bytes(gzip.compress(alerts(1, 2000)))
    assert rules(harvest) + rules(read_all(eve(path), context)) == list(range(1, 2001))


def test_progress(path: Path) -> None:
    path.write_bytes(alerts(1, 100))
    source = eve(path)
    assert source.progress() is None
    source.open(MemoryContext())
    assert source.progress() == 0.0
    while source.read(1000, 0.1) is not None:
        pass
    assert source.progress() == 1.0
    source.close()
    source.close()


def test_a_new_log_is_known_from_its_first_line_on(path: Path) -> None:
    """Killed right after it began, and the log rotated before it starts again: the rest is found."""
    path.write_bytes(alerts(1, 1000))
    context = MemoryContext()
    harvest = Harvest()
    first = eve(path, follow=True)
    first.open(context)
    batch = first.read(2000, 5)
    assert batch is not None
    assert batch.lines == 1
    context.store(batch)
    harvest.add(batch)
    first.close()  # as a kill leaves it: nothing of what was not handed over is stored
    path.rename(path.with_name("eve.json.1"))
    path.write_bytes(alerts(1001, 1010))
    second = eve(path, follow=True)
    second.open(context)
    for _ in range(20):
        batch = second.read(2000, 0.1)
        assert batch is not None
        if not batch:
            break
        context.store(batch)
        harvest.add(batch)
    second.close()
    assert rules(harvest) == list(range(1, 1011))


def test_only_the_first_line_goes_alone(path: Path) -> None:
    path.write_bytes(alerts(1, 100))
    context = MemoryContext()
    source = eve(path, follow=True)
    source.open(context)
    sizes = []
    for _ in range(2):
        batch = source.read(2000, 5)
        assert batch is not None
        context.store(batch)
        sizes.append(batch.lines)
    source.close()
    assert sizes == [1, 99]
    again = eve(path, follow=True)
    again.open(context)
    path.write_bytes(alerts(1, 150))
    batch = again.read(2000, 5)
    again.close()
    assert batch is not None
    assert batch.lines == 50
