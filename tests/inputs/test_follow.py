"""A log that grows and is rotated: nothing is left out and nothing comes twice."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import pytest

from openstreamer.errors import InputError
from openstreamer.inputs.follow import FollowSource, SingleSource
from openstreamer.inputs.lines import LineReader
from openstreamer.inputs.places import Place


class Log:
    """A log file, what follows it, and the lines that came out."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "eve.json"
        self.places: dict[str, Place] = {}
        self.now = 1000.0
        self.lines: list[bytes] = []
        self.rests: list[bytes] = []
        self.messages: list[str] = []
        self.source: FollowSource | None = None

    def start(self) -> Log:
        """Follow, from the places stored so far."""
        self.source = FollowSource(
            str(self.path), dict(self.places), prefix="t", late_seconds=30, clock=lambda: self.now
        )
        self.source.open()
        return self

    def stop(self) -> None:
        assert self.source is not None
        self.source.close()

    def write(self, *lines: str, path: Path | None = None) -> None:
        with (path or self.path).open("ab") as file:
            file.write("".join(f"{{{line}}}\n" for line in lines).encode())

    def read(self, *, store: bool = True) -> list[str]:
        """What comes now; with `store` the places are kept for the next start."""
        assert self.source is not None
        taken: list[bytes] = []
        touched: dict[int, LineReader] = {}
        silent = 0
        while silent < 3:
            piece = self.source.take(3)
            if piece is None:
                silent += 1
                continue
            silent = 0
            assert all(isinstance(line, bytes) for line in piece.lines)
            taken += piece.lines  # type: ignore[arg-type]
            touched[id(piece.reader)] = piece.reader
            if piece.last and (rest := piece.reader.finish()):
                self.rests.append(rest)
        for reader in touched.values():
            name = self.source.name(reader)
            self.source.places[name] = reader.place()
            if store:
                self.places[name] = reader.place()
        self.messages += self.source.messages
        self.source.messages.clear()
        return [line.decode().strip("{}") for line in taken]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def rotate(log: Log, number: int = 1) -> Path:
    target = log.path.with_name(f"eve.json.{number}")
    log.path.rename(target)
    return target


def test_lines_come_as_they_are_written(log: Log) -> None:
    log.write("1", "2")
    log.start()
    assert log.read() == ["1", "2"]
    log.write("3")
    assert log.read() == ["3"]
    with log.path.open("ab") as file:
        file.write(b"{4")
    assert log.read() == []
    with log.path.open("ab") as file:
        file.write(b"4}\n{5}\n")
    assert log.read() == ["44", "5"]


def test_a_log_that_does_not_exist_yet_is_waited_for(log: Log) -> None:
    log.start()
    assert log.read() == []
    assert log.messages == [f"{log.path} does not exist yet; waiting for it"]
    log.write("1")
    assert log.read() == ["1"]


def test_rename_reads_late_lines_of_the_old_file_and_the_new_one(log: Log) -> None:
    log.write("1", "2")
    log.start()
    assert log.read() == ["1", "2"]
    log.write("3")
    old = rotate(log)
    assert log.read() == ["3"]
    log.write("4", path=old)
    assert log.read() == ["4"]
    log.write("a", "b")
    log.write("5", path=old)
    assert sorted(log.read()) == ["5", "a", "b"]
    log.write("6", path=old)
    log.write("c")
    assert sorted(log.read()) == ["6", "c"]
    log.now += 31
    assert log.read() == []
    log.write("too late", path=old)
    log.write("d")
    assert log.read() == ["d"]


def test_two_renames_in_a_row(log: Log) -> None:
    log.write("1")
    log.start()
    log.read()
    rotate(log).rename(log.path.with_name("eve.json.2"))
    log.write("2")
    rotate(log)
    log.write("3")
    # the file in the middle came and went between two looks
    assert log.read() == ["2", "3"]
    log.stop()
    log.start()
    assert log.read() == []


def test_the_same_content_in_a_new_file_is_new_while_following(log: Log) -> None:
    log.write("1", "2")
    log.start()
    assert log.read() == ["1", "2"]
    rotate(log)
    log.write("1", "2")
    assert log.read() == ["1", "2"]
    assert len(log.places) == 2


def test_a_half_line_of_the_old_file_is_given_when_it_is_let_go(log: Log) -> None:
    log.write("1")
    log.start()
    log.read()
    with log.path.open("ab") as file:
        file.write(b"{half")
    rotate(log)
    log.write("2")
    assert log.read() == ["2"]
    assert log.rests == []
    log.now += 31
    log.read()
    assert log.rests == [b"{half"]


def test_truncation_begins_anew(log: Log) -> None:
    log.write("1", "2", "3")
    log.start()
    log.read()
    log.path.write_bytes(b"")
    log.write("4")
    assert log.read() == ["4"]
    log.path.write_bytes(b"{something much longer than before, all at once}\n{x}\n")
    assert log.read() == ["something much longer than before, all at once", "x"]
    assert any("truncated or overwritten" in message for message in log.messages)


def test_truncation_to_the_same_lines_counts_them_again(log: Log) -> None:
    log.write("1", "2", "3")
    log.start()
    log.read()
    log.path.write_bytes(b"")
    log.read()
    log.write("1", "2")
    assert log.read() == ["1", "2"]


@pytest.mark.parametrize("compress", [False, True])
def test_copytruncate_reads_the_rest_of_the_copy(log: Log, compress: bool) -> None:
    log.write("1", "2")
    log.start()
    log.read()
    log.write("3", "4")
    copy = log.path.with_name("eve.json.1")
    shutil.copyfile(log.path, copy)
    if compress:
        copy.with_name("eve.json.1.gz").write_bytes(gzip.compress(copy.read_bytes()))
        copy.unlink()
    os.truncate(log.path, 0)
    log.write("5")
    assert log.read() == ["3", "4", "5"]
    assert any("copied and truncated" in message for message in log.messages)


def test_a_longer_copy_in_the_place_of_the_log_goes_on_where_it_was(log: Log) -> None:
    log.write("1", "2")
    log.start()
    log.read()
    new = log.path.with_name("new")
    shutil.copyfile(log.path, new)
    log.write("3", path=new)
    new.replace(log.path)
    assert log.read() == ["3"]


def test_at_the_start_the_log_goes_on_at_its_place(log: Log) -> None:
    log.write("1", "2", "3")
    log.start()
    assert log.read() == ["1", "2", "3"]
    log.stop()
    log.write("4")
    log.start()
    assert log.read() == ["4"]


@pytest.mark.parametrize("compress", [False, True])
def test_at_the_start_the_rest_is_looked_for_in_rotated_files(log: Log, compress: bool) -> None:
    log.write("older than anything that was read")
    os.utime(rotate(log, 3), (100, 100))
    log.write("1", "2")
    log.start()
    log.read()
    log.stop()
    log.write("3")
    os.utime(rotate(log, 2), (200, 200))
    log.write("4", "5")
    middle = rotate(log, 1)
    os.utime(middle, (300, 300))
    log.write("6")
    if compress:
        for path in (middle, log.path.with_name("eve.json.2")):
            packed = path.with_name(path.name + ".gz")
            packed.write_bytes(gzip.compress(path.read_bytes()))
            shutil.copystat(path, packed)
            path.unlink()
    log.start()
    assert log.read() == ["3", "4", "5", "6"]
    log.stop()
    log.start()
    assert log.read() == []


def test_at_the_start_late_lines_of_a_rotated_file_are_found(log: Log) -> None:
    log.write("1")
    log.start()
    log.read()
    old = rotate(log)
    log.write("2")
    assert log.read() == ["2"]
    log.stop()
    log.write("late", path=old)
    log.write("3")
    log.start()
    assert sorted(log.read()) == ["3", "late"]


def test_at_the_first_start_rotated_files_are_history(log: Log) -> None:
    log.write("history")
    rotate(log)
    log.write("1")
    log.start()
    assert log.read() == ["1"]


def test_at_the_start_a_lost_rest_is_told(log: Log) -> None:
    log.write("1")
    log.start()
    log.read()
    log.stop()
    log.path.unlink()
    log.write("2")
    log.start()
    assert log.read() == ["2"]
    assert any("neither there nor among the rotated files" in message for message in log.messages)


def test_files_beside_the_log_that_are_no_logs_are_left_alone(log: Log) -> None:
    log.write("1")
    log.start()
    log.read()
    log.stop()
    rotate(log, 1)
    log.path.with_name("eve.json.notes").write_text("not a log\n")
    log.path.with_name("eve.json.xz").write_bytes(b"\xfd7zXZ")
    log.path.with_name("eve.json.d").mkdir()
    log.write("2")
    log.start()
    assert log.read() == ["2"]


def test_what_does_not_grow_cannot_be_followed(tmp_path: Path) -> None:
    packed = tmp_path / "eve.json.gz"
    packed.write_bytes(gzip.compress(b"{}\n"))
    with pytest.raises(InputError, match="compressed and cannot be followed"):
        FollowSource(str(packed), {}, prefix="t").open()
    with pytest.raises(InputError, match="not a regular file"):
        FollowSource(str(tmp_path), {}, prefix="t").open()


def test_a_single_source_ends_and_says_what_it_knows(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"".join(b"{line %d}\n" % n for n in range(1000)))
    source = SingleSource(str(path), {}, prefix="t")
    source.open()
    piece = source.take(1000)
    assert piece is not None
    assert len(piece.lines) == 1000
    assert source.take(10) is not None
    assert source.ended
    assert source.progress() == 1.0
    place = piece.reader.place()
    source.close()
    path.write_bytes(path.read_bytes()[:6000])
    source = SingleSource(str(path), {"t:x": place}, prefix="t")
    source.open()
    assert source.ended
    assert "shorter copy" in source.messages[0]
    source.close()
