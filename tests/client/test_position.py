"""Positions: nothing lost, nothing double, whatever the server does; and the file that keeps them."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openstreamer.client.position import (
    FROM_NOW,
    Position,
    PositionFile,
    PositionTracker,
    SavedState,
    decode_state,
    encode_state,
    record_digest,
)
from openstreamer.errors import ConfigurationError, OutputError, UsageError
from openstreamer.protocol.records import Record

SECOND = 1_700_000_000


def event(number: int, second: int = SECOND, record_type: int = 400) -> Record:
    return Record(record_type, number.to_bytes(4, "big"), second)


def metadata(number: int, second: int | None = None) -> Record:
    return Record(66, b"rule" + number.to_bytes(4, "big"), second)


def stream(tracker: PositionTracker, records: list[Record], size: int = 3) -> list[Record]:
    """What a new session delivers that sends these records, in batches."""
    tracker.rewind()
    delivered = []
    for start in range(0, len(records), size):
        fresh = tracker.fresh(records[start : start + size])
        delivered += fresh
        tracker.taken(fresh)
    return delivered


def from_second(records: list[Record], tracker: PositionTracker) -> list[Record]:
    """What a server sends for the initial timestamp that the tracker asks for."""
    return [record for record in records if (record.archive_time or 0) >= tracker.initial_timestamp]


def test_a_new_tracker_takes_everything() -> None:
    tracker = PositionTracker()
    assert tracker.initial_timestamp == 0
    records = [event(1), event(2)]
    assert tracker.fresh(records) is records


def test_after_a_second_is_over_it_is_never_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[Record] = []
    monkeypatch.setattr(
        "openstreamer.client.position.record_digest", lambda record: hashed.append(record) or b"12345678"
    )
    tracker = PositionTracker()
    for second in range(100):
        tracker.taken([event(1, SECOND + second), event(2, SECOND + second)])
    assert tracker.position.ordinal == 2
    assert len(hashed) == 2


@pytest.mark.parametrize("cut", range(8))
@pytest.mark.parametrize("size", [1, 2, 7])
def test_resuming_within_a_second_is_exact(cut: int, size: int) -> None:
    records = [
        event(1, SECOND - 1),
        *[event(n) for n in (1, 2, 2, 3)],
        event(9, SECOND + 1),
        event(9, SECOND + 2),
    ]
    tracker = PositionTracker()
    tracker.taken(records[:cut])
    resumed = PositionTracker(tracker.position)
    again = from_second(records, resumed)
    assert records[:cut] + stream(resumed, again, size) == records
    assert not resumed.reordered


def test_equal_records_are_counted_not_swallowed() -> None:
    same = [event(7) for _ in range(5)]
    tracker = PositionTracker()
    tracker.taken(same[:3])
    assert len(stream(PositionTracker(tracker.position), same)) == 2


def test_another_order_falls_back_to_counting() -> None:
    records = [event(n % 4) for n in range(20)]
    tracker = PositionTracker()
    tracker.taken(records[:12])
    changed = records[:]
    random.Random(1).shuffle(changed)
    resumed = PositionTracker(tracker.position)
    delivered = stream(resumed, changed)
    assert resumed.reordered
    assert sorted(record.data for record in records[:12] + delivered) == sorted(
        record.data for record in records
    )


def test_records_that_are_gone_do_not_matter() -> None:
    records = [event(n) for n in range(10)]
    tracker = PositionTracker()
    tracker.taken(records[:6])
    kept = records[3:]
    assert stream(PositionTracker(tracker.position), kept) == records[6:]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_loss_and_no_double_over_any_number_of_crashes(data: st.DataObject) -> None:
    seconds = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=40).map(sorted))
    values = data.draw(st.lists(st.integers(0, 3), min_size=len(seconds), max_size=len(seconds)))
    records = [event(value, SECOND + second) for second, value in zip(seconds, values, strict=True)]
    reorder = data.draw(st.booleans())
    position = Position()
    delivered: list[Record] = []
    for _ in range(12):
        tracker = PositionTracker(position)
        tracker.rewind()
        sent = from_second(records, tracker)
        if reorder:
            by_second: dict[int, list[Record]] = {}
            for record in sent:
                by_second.setdefault(record.archive_time or 0, []).append(record)
            for group in by_second.values():
                data.draw(st.randoms(use_true_random=False)).shuffle(group)
            sent = [record for group in by_second.values() for record in group]
        crash = data.draw(st.integers(0, len(sent)))
        size = data.draw(st.integers(1, 5))
        for start in range(0, crash, size):
            fresh = tracker.fresh(sent[start : min(start + size, crash)])
            delivered += fresh
            tracker.taken(fresh)
        position = decode_state(encode_state(SavedState(server="h:1", position=tracker.position))).position
    tracker = PositionTracker(position)
    delivered += stream(tracker, from_second(records, tracker))
    assert sorted((r.archive_time, r.data) for r in delivered) == sorted(
        (r.archive_time, r.data) for r in records
    )


def test_metadata_and_records_without_a_time_do_not_count() -> None:
    tracker = PositionTracker()
    tracker.taken([metadata(1), metadata(2, SECOND), event(1, 0), Record(400, b"", None)])
    assert tracker.position == Position()
    tracker.taken([event(1)])
    tracker.taken([metadata(1, SECOND + 5)])
    assert tracker.position.second == SECOND
    resumed = PositionTracker(tracker.position)
    sent = [metadata(1, SECOND), event(1), metadata(3), event(2)]
    assert stream(resumed, sent) == [metadata(1, SECOND), metadata(3), event(2)]


def test_a_time_that_goes_back_moves_nothing() -> None:
    tracker = PositionTracker()
    tracker.taken([event(1), event(2, SECOND - 5), event(3)])
    assert (tracker.position.second, tracker.position.ordinal) == (SECOND, 2)


def test_records_of_the_second_mixed_with_later_ones_in_a_batch() -> None:
    tracker = PositionTracker()
    tracker.taken([event(1), event(2, SECOND + 1), event(3), event(4, SECOND + 1)])
    assert (tracker.position.second, tracker.position.ordinal) == (SECOND + 1, 2)


def test_type_and_data_make_the_digest() -> None:
    assert record_digest(event(1)) == record_digest(event(1, SECOND + 9))
    assert record_digest(event(1)) != record_digest(event(1, record_type=207))
    assert record_digest(event(1)) != record_digest(event(2))


def test_a_hundred_thousand_records_in_one_second(tmp_path: Path) -> None:
    records = [event(number) for number in range(100_000)]
    tracker = PositionTracker()
    for start in range(0, 60_000, 500):
        tracker.taken(records[start : start + 500])
    file = PositionFile(tmp_path / "position")
    file.save(SavedState(server="h:1", position=tracker.position))
    state, _ = file.load()
    assert state is not None
    assert state.position.ordinal == 60_000
    assert stream(PositionTracker(state.position), records, 500) == records[60_000:]
    # the server's order has changed
    changed = records[:]
    random.Random(7).shuffle(changed)
    delivered = stream(PositionTracker(state.position), changed, 500)
    assert sorted(record.data for record in delivered) == [record.data for record in records[60_000:]]


def test_start_is_asked_for_until_something_came() -> None:
    tracker = PositionTracker(Position(start=FROM_NOW))
    assert tracker.initial_timestamp == FROM_NOW
    tracker.taken([event(1)])
    assert tracker.initial_timestamp == SECOND


# --- the file -------------------------------------------------------------------------------------------

STATE = SavedState(
    server="fmc1:8302",
    position=Position(second=SECOND, digests=b"12345678" * 3, start=5),
    outputs={"json:/x": {"length": 7, "tail": "00"}, "print:-": None},
    saved=SECOND + 9,
)


def test_a_state_survives_the_file(tmp_path: Path) -> None:
    file = PositionFile(tmp_path / "sub" / "position")
    file.acquire()
    assert file.load() == (None, None)
    file.save(STATE)
    assert file.load() == (STATE, None)
    assert os.stat(file.path).st_mode & 0o777 == 0o600
    assert os.stat(tmp_path / "sub").st_mode & 0o777 == 0o700
    file.release()


def test_people_can_read_it(tmp_path: Path) -> None:
    file = PositionFile(tmp_path / "position")
    file.save(STATE)
    text = Path(file.path).read_text()
    assert text.startswith("openstreamer-position 1\n")
    assert '"second":1700000000,"ordinal":3' in text


def test_any_damage_is_noticed() -> None:
    good = encode_state(STATE)
    for at in range(len(good)):
        for bad in (good[:at], good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]):
            with pytest.raises(ValueError, match=r"checksum|incomplete|no position|newer"):
                decode_state(bad)


def test_a_damaged_file_means_the_one_before_it(tmp_path: Path) -> None:
    file = PositionFile(tmp_path / "position")
    older = SavedState(server="fmc1:8302", position=Position(second=SECOND - 9))
    file.save(older)
    file.save(STATE)
    Path(file.path).write_bytes(encode_state(STATE)[:-40])
    state, problem = file.load()
    assert state == older
    assert problem is not None
    assert "incomplete" in problem
    assert "the position before it" in problem


def test_a_missing_file_beside_an_older_one_means_the_older_one(tmp_path: Path) -> None:
    file = PositionFile(tmp_path / "position")
    file.save(STATE)
    file.save(STATE)
    os.unlink(file.path)
    state, problem = file.load()
    assert state == STATE
    assert problem is not None
    assert "position is gone; going on from the position before it" in problem


def test_a_damaged_file_does_not_take_the_place_of_the_one_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash while the next state is saved would leave two damaged ones otherwise."""
    file = PositionFile(tmp_path / "position")
    file.save(STATE)
    file.save(STATE)
    Path(file.path).write_bytes(b"")
    file.load()

    def crash(path: str, target: str) -> None:
        if target == file.path:
            raise OSError(5, "crash")
        replace(path, target)

    replace = os.replace
    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(OutputError):
        file.save(SavedState(server="other"))
    assert PositionFile(file.path).load()[0] == STATE
    monkeypatch.undo()
    file.save(SavedState(server="other"))
    assert Path(file.previous).read_bytes() == encode_state(STATE)
    file.save(STATE)
    assert decode_state(Path(file.previous).read_bytes()).server == "other"


def test_two_damaged_files_are_not_taken_for_none(tmp_path: Path) -> None:
    file = PositionFile(tmp_path / "position")
    file.save(STATE)
    file.save(STATE)
    Path(file.path).write_bytes(b"")
    Path(file.previous).write_bytes(b"openstreamer-position 2\nx\n")
    with pytest.raises(ConfigurationError, match=r"no position file.*newer program.*--since"):
        file.load()


def test_a_full_disk_leaves_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = PositionFile(tmp_path / "position")
    file.save(STATE)

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OutputError, match="cannot be saved: No space"):
        file.save(SavedState(server="other"))
    monkeypatch.undo()
    assert file.load() == (STATE, None)


def test_one_client_at_a_time(tmp_path: Path) -> None:
    first, second = PositionFile(tmp_path / "position"), PositionFile(tmp_path / "position")
    first.acquire()
    with pytest.raises(UsageError, match=rf"process {os.getpid()}\) uses the position"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(UsageError, match="no regular file"):
        PositionFile(pipe).acquire()
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_place_that_cannot_be_written_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        PositionFile(tmp_path / "file" / "position").acquire()
