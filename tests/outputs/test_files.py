"""Files that grow by whole batches, are cut back, and find no room."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from openstreamer.errors import OutputError
from openstreamer.outputs.files import GrowingFile, OpenStream, open_target
from openstreamer.outputs.interface import OutputClosed, OutputFull


def test_what_was_written_after_the_place_is_cut_away(tmp_path: Path) -> None:
    path = str(tmp_path / "out")
    file = open_target(path, None)
    file.append(b"kept\n")
    place = file.place()
    file.append(b"gone\n")
    file.close()
    again = open_target(path, place)
    assert again.cut == 5
    again.append(b"next\n")
    again.close()
    assert Path(path).read_bytes() == b"kept\nnext\n"


def test_without_a_place_it_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old\n")
    file = open_target(str(path), None)
    file.append(b"new\n")
    file.close()
    assert path.read_bytes() == b"old\nnew\n"


def test_another_file_at_the_path_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "out"
    file = open_target(str(path), None)
    file.append(b"x" * 200)
    place = file.place()
    file.close()
    path.write_bytes(b"somebody's letters " * 50)
    before = path.read_bytes()
    with pytest.raises(OutputError, match="is not the file"):
        open_target(str(path), place)
    assert path.read_bytes() == before
    path.write_bytes(b"short")
    with pytest.raises(OutputError, match="is not the file"):
        open_target(str(path), place)


def test_a_file_that_is_gone_is_begun_anew_and_that_is_told(tmp_path: Path) -> None:
    path = tmp_path / "out"
    file = open_target(str(path), None)
    file.append(b"x" * 100)
    place = file.place()
    file.close()
    path.unlink()
    again = open_target(str(path), place)
    assert again.length == 0
    assert "is gone" in (again.notice or "")
    again.close()


def test_no_room_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out"
    file = open_target(str(path), None)
    file.append(b"first\n")
    write = os.pwrite
    full = True

    def half(descriptor: int, data: bytes, offset: int) -> int:
        if full and offset > 6:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[:3] if full else data, offset)

    monkeypatch.setattr(os, "pwrite", half)
    with pytest.raises(OutputFull, match="make room"):
        file.append(b"second\n")
    assert path.read_bytes() == b"first\n"
    full = False
    file.append(b"second\n")
    assert path.read_bytes() == b"first\nsecond\n"
    file.close()


def test_a_log_that_was_copied_and_truncated_goes_on_at_its_new_end(tmp_path: Path) -> None:
    path = tmp_path / "out"
    file = open_target(str(path), None)
    file.append(b"x" * 1000)
    os.truncate(path, 0)
    file.append(b"next\n")
    assert path.read_bytes() == b"next\n"
    place = file.place()
    assert place is not None
    assert (place["length"], place["tail"]) == (5, b"next\n".hex())
    file.close()


def test_a_pipe_has_no_place_and_says_when_its_reader_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    stream = open_target(str(path), None)
    assert isinstance(stream, OpenStream)
    stream.append(b"hello\n")
    assert os.read(reader, 100) == b"hello\n"
    assert stream.place() is None
    os.close(reader)
    with pytest.raises(OutputClosed):
        stream.append(b"more\n")
    stream.close()


def test_a_stream_without_room_goes_on_where_it_stopped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    stream = open_target(str(path), None)
    write = os.write
    calls = 0

    def failing(descriptor: int, data: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[:4] if calls == 1 else data)

    monkeypatch.setattr(os, "write", failing)
    with pytest.raises(OutputFull):
        stream.append(b"one line\n")
    stream.append(b"one line\n")
    assert os.read(reader, 100) == b"one line\n"
    os.close(reader)
    stream.close()


def test_a_directory_cannot_be_a_target(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be opened"):
        open_target(str(tmp_path), None)


@pytest.mark.parametrize("policy", ["position", "never"])
def test_durable_only_where_the_policy_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    synced: list[int] = []
    monkeypatch.setattr("openstreamer.outputs.files._make_durable", synced.append)
    file = GrowingFile(str(tmp_path / "out"), sync=policy)  # type: ignore[arg-type]
    file.open(None)
    file.append(b"x")
    file.sync()
    file.sync()
    file.close()
    assert len(synced) == (1 if policy == "position" else 0)
