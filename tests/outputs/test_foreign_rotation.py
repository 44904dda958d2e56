"""Our files renamed, replaced and removed by somebody else while they are written: rotation from outside."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from openstreamer.errors import OutputError
from openstreamer.outputs.files import GrowingFile, open_target
from openstreamer.outputs.interface import Output, Place
from openstreamer.outputs.registry import OutputSpec, create
from support import batches
from support.programs import program


def saved(output: Output | GrowingFile) -> Place:
    """What a client does before it saves a position."""
    output.sync()
    place = output.place()
    assert place is not None
    return json.loads(json.dumps(place))  # type: ignore[no-any-return]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.log"


def opened(path: Path, place: Place | None = None) -> GrowingFile:
    file = open_target(str(path), place)
    assert isinstance(file, GrowingFile)
    return file


def test_a_renamed_file_is_left_with_the_next_saved_position(path: Path) -> None:
    file = opened(path)
    saved(file)
    file.append(b"one\n")
    saved(file)
    os.rename(path, f"{path}.1")
    file.append(b"two\n")
    place = saved(file)
    assert place["length"] == 0
    file.append(b"three\n")
    file.close()
    assert Path(f"{path}.1").read_bytes() == b"one\ntwo\n"
    assert path.read_bytes() == b"three\n"
    again = opened(path, place)
    again.append(b"three\n")
    again.close()
    assert path.read_bytes() == b"three\n"


def test_a_crash_between_renaming_and_saving_cuts_the_renamed_file(path: Path) -> None:
    file = opened(path)
    file.append(b"one\n" * 20)
    place = saved(file)
    os.rename(path, f"{path}.1")
    file.append(b"two\n")
    saved(file)  # that position was not written any more
    file.close()
    again = opened(path, place)
    assert again.cut == 4
    again.append(b"two\n")
    again.close()
    assert Path(f"{path}.1").read_bytes() == b"one\n" * 20
    assert path.read_bytes() == b"two\n"


def test_what_would_go_into_a_removed_file_goes_into_a_new_one(path: Path) -> None:
    file = opened(path)
    saved(file)
    file.append(b"one\n")
    path.unlink()
    file.append(b"two\n")
    file.close()
    assert path.read_bytes() == b"two\n"


def test_without_positions_the_next_batch_follows_the_name(path: Path) -> None:
    file = opened(path)
    file.append(b"one\n")
    os.rename(path, f"{path}.1")
    file.append(b"two\n")
    file.close()
    assert path.read_bytes() == b"two\n"


def test_a_directory_in_the_way_is_an_error_and_nothing_is_lost(path: Path) -> None:
    file = opened(path)
    file.append(b"one\n")
    path.unlink()
    path.mkdir()
    with pytest.raises(OutputError, match="cannot be opened"):
        file.append(b"two\n")
    path.rmdir()
    file.append(b"two\n")
    file.close()
    assert path.read_bytes() == b"two\n"


@pytest.mark.parametrize("name", ["json", "csv", "cef", "print", "pcap", "pcapng"])
def test_each_output_begins_a_whole_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / "out"
    output = create(OutputSpec(name, "", str(path)))
    output.open(None)
    output.place()
    batch = batches.batch(batches.alert(), batches.packet())
    for number in range(2):
        output.write(batch)
        os.rename(path, f"{path}.{number}")
        saved(output)
    output.close()
    assert Path(f"{path}.0").read_bytes() == Path(f"{path}.1").read_bytes() != b""
    if name.startswith("pcap"):
        command = [program("tshark"), "-r", f"{path}.1", "-T", "fields", "-e", "frame.number"]
        shown = subprocess.run(command, capture_output=True, text=True, check=True)
        assert shown.stdout.split() == ["1"]


@pytest.mark.parametrize("mode", ["create", "copytruncate"])
def test_logrotate(mode: str, tmp_path: Path) -> None:
    rotate = program("logrotate")
    path = tmp_path / "out.json"
    configuration = tmp_path / "rotate.conf"
    configuration.write_text(f"{path} {{\n rotate 5\n {mode}\n size 1\n}}\n")
    tmp_path.chmod(0o700)
    output = create(OutputSpec("json", "", str(path)))
    output.open(None)
    output.place()
    for number in range(3):
        output.write(batches.batch(batches.alert(event_id=number)))
        saved(output)
        subprocess.run([rotate, "-s", str(tmp_path / "state"), str(configuration)], check=True)
    output.write(batches.batch(batches.alert(event_id=3)))
    saved(output)
    output.close()
    lines = [line for file in sorted(tmp_path.glob("out.json*")) for line in file.read_text().splitlines()]
    assert sorted(json.loads(line)["data"]["event_id"] for line in lines) == [0, 1, 2, 3]
