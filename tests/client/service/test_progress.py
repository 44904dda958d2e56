"""What is new to an output in a session that began before its position; the file that keeps that."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openstreamer.client.position import FROM_NOW
from openstreamer.client.service.buffer import ByteQueue, Received, SessionBegan
from openstreamer.client.service.progress import LaggingTracker, ServerProgress
from openstreamer.client.service.state import OutputState, OutputStateFile
from openstreamer.errors import ConfigurationError
from openstreamer.protocol.records import Record


def record(number: int, second: int | None) -> Record:
    return Record(400, number.to_bytes(4, "big"), second)


def numbers(records: list[Record]) -> list[int]:
    return [int.from_bytes(each.data, "big") for each in records]


def test_what_lies_before_the_position_is_passed_over() -> None:
    tracker = LaggingTracker()
    tracker.begin(0, 0)
    tracker.taken([record(1, 10), record(2, 11), record(3, 11)])
    tracker.begin(9, 0)
    again = [record(0, 9), record(1, 10), record(2, 11), record(3, 11), record(4, 11), record(5, 12)]
    assert numbers(tracker.fresh(again)) == [4, 5]


def test_metadata_and_records_without_a_time_always_pass() -> None:
    tracker = LaggingTracker()
    tracker.taken([record(1, 10)])
    tracker.begin(5, 0)
    metadata = Record(66, b"rule", 7)
    assert tracker.fresh([metadata, record(9, None), record(8, 9)]) == [metadata, record(9, None)]


def test_now_is_a_time_from_the_first_session_on() -> None:
    progress = ServerProgress(FROM_NOW, clock=lambda: 1000)
    assert progress.wanted_from(0) == FROM_NOW
    progress.begin(0, FROM_NOW)
    assert progress.wanted_from(0) == 1000
    progress.begin(0, 500)  # another output begins earlier
    assert numbers(progress.fresh(0, [record(1, 999), record(2, 1000)])) == [2]


@given(
    seconds=st.lists(st.integers(1, 6), min_size=1, max_size=30),
    sessions=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 30), st.booleans()), max_size=12),
)
def test_whatever_the_sessions_each_record_comes_once(
    seconds: list[int], sessions: list[tuple[int, int, bool]]
) -> None:
    log = [record(number % 3, second) for number, second in enumerate(sorted(seconds))]
    progress = ServerProgress(0)
    got: list[Record] = []
    for early, count, restarted in [*sessions, (0, len(log), False)]:
        asked = max(0, progress.wanted_from(0) - early)
        progress.begin(0, asked)
        shown = [each for each in log if (each.archive_time or 0) >= asked][:count]
        for part in (shown[: count // 2], shown[count // 2 :]):
            fresh = progress.fresh(0, part)
            got += fresh
            progress.taken(0, fresh, frozenset())
        if restarted:
            progress = ServerProgress(0, progress.saved())
    assert got == log


def test_a_damaged_state_is_never_taken_for_none(tmp_path: Path) -> None:
    file = OutputStateFile(tmp_path / "x.state")
    assert file.load() == (None, None)
    for second in (1, 2):
        file.save(OutputState(key="json:/x", place={"length": second}, progress={"fmc": {"second": second}}))
    path = Path(file.path)
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"second":2', b'"second":3'))
    state, problem = file.load()
    assert state is not None
    assert state.progress == {"fmc": {"second": 1}}
    assert problem is not None
    assert "checksum" in problem
    Path(file.previous).write_bytes(data[:20])
    with pytest.raises(ConfigurationError, match="move both away"):
        file.load()


def test_a_queue_is_bounded_in_bytes_but_takes_one_item_and_marks_in_any_case() -> None:
    queue = ByteQueue(1000)
    large = Received("fmc", 0, 1, "fmc:8302", [Record(400, bytes(5000), 1)], [])
    assert queue.offer(large, large.size)
    assert not queue.offer(large, large.size)
    assert not queue.offer(large, large.size, 0.01)
    queue.mark(SessionBegan("fmc", 0, 2, 0))
    assert (len(queue), queue.bytes) == (2, 5200)
    assert queue.get(0) is large
    assert queue.offer(large, large.size)
    assert isinstance(queue.get(0), SessionBegan)
    queue.clear()
    assert (queue.get(0), queue.bytes) == (None, 0)
