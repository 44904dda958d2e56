"""The command `position`: shown, set, kept from clients that run; with streams against a real server."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from openstreamer.authority import Authority
from openstreamer.client.position import FROM_NOW, Position, PositionFile, SavedState
from openstreamer.client.positions import effect, inspect, is_server, new_position, place_words
from openstreamer.client.service.progress import save_position
from openstreamer.client.service.state import OutputState, OutputStateFile
from openstreamer.testing import LocalServer
from support.commands import Result, run
from support.live_service import SECOND, LiveService, Start, append, intrusion, start, template, wait_until

__all__ = ["start", "template"]

DIGEST = b"12345678"


def command(folder: Path, *arguments: str) -> Result:
    return run("position", *arguments, state=folder / "state", folder=folder)


def put(path: Path, position: Position, server: str = "fmc1:8302", **more: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    PositionFile(path).save(SavedState(server=server, position=position, saved=SECOND + 9, **more))  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A state directory with two positions of one server and one of another."""
    client = tmp_path / "state" / "client"
    put(client / "fmc1_8302-a.position", Position(second=SECOND - 1, digests=DIGEST))
    places = {"json:/var/log/events.json": {"length": 1234}, "print:-": None}
    put(client / "fmc1_8302-a.position", Position(second=SECOND, digests=DIGEST * 3), outputs=places)
    put(client / "fmc1_8302-b.position", Position())
    put(client / "service" / "fmc2.position", Position(start=SECOND), server="[2001:db8::1]:8302")
    return tmp_path


def test_show(folder: Path) -> None:
    done = command(folder, "show")
    assert done.status == 0
    assert "2023-11-14T22:13:20Z (1700000000), 3 records of that second taken" in done.out
    assert "json:/var/log/events.json  1,234 bytes" in done.out
    assert "print:-  goes on where it is" in done.out
    assert "before     2023-11-14T22:13:19Z (1699999999), 1 record of that second" in done.out
    assert "begins with the oldest event" in done.out
    assert done.out.count(".position\n") == 3
    assert command(folder, "show", "fmc1").out.count(".position\n") == 2
    assert command(folder, "show", "2001:db8::1").out.count(".position\n") == 1
    nobody = command(folder, "show", "fmc9")
    assert nobody.status == 2
    assert "there are some of" in nobody.err
    assert "There is no position" in run("position", "show", state=folder / "other").out


def test_show_for_programs(folder: Path) -> None:
    path = str(folder / "state" / "client" / "fmc1_8302-a.position")
    [about] = json.loads(command(folder, "show", path, "--json").out)
    assert about["path"] == path
    [one] = about["servers"]
    assert (one["server"], one["second"], one["records"]) == ("fmc1:8302", SECOND, 3)
    assert about["outputs"]["json:/var/log/events.json"] == {"length": 1234}
    assert [each["usable"] for each in about["generations"]] == [True, True]
    assert about["in_use_by"] is None


def test_damage_is_shown_and_the_generation_before_it_is_named(folder: Path) -> None:
    path = folder / "state" / "client" / "fmc1_8302-a.position"
    data = path.read_bytes()
    path.write_bytes(data[:-5])
    done = command(folder, "show", str(path))
    assert done.status == 0
    assert "  damaged " in done.out
    assert "the one before it would be used" in done.out
    assert "1 record of that second taken" in done.out
    path.with_name(path.name + ".previous").write_bytes(b"x")
    both = command(folder, "show", str(path))
    assert both.status == 1
    assert "no other can be used" in both.out
    path.unlink()
    path.with_name(path.name + ".previous").write_bytes(data)
    assert "the newest file is gone" in command(folder, "show").out


def test_set_needs_a_word_where_nobody_can_be_asked(folder: Path) -> None:
    path = folder / "state" / "client" / "fmc1_8302-a.position"
    before = path.read_bytes()
    done = command(folder, "set", str(path), "now")
    assert (done.status, path.read_bytes()) == (2, before)
    assert "say --yes" in done.err
    several = command(folder, "set", "fmc1", "now", "--yes")
    assert several.status == 2
    assert "name one of these files, or say --all" in several.err
    assert command(folder, "set", str(path), "yesterday", "--yes").status == 2
    assert "does by itself" in command(folder, "set", str(path), "resume", "--yes").err
    assert "there is no position" in command(folder, "set", str(folder / "none.position"), "now", "--yes").err
    assert path.read_bytes() == before


def test_places_of_several_parts_are_told_in_words() -> None:
    file = {"length": 5678, "tail": "6576656e74", "inode": 7}
    assert place_words({"file": file, "waiting": [[1, 2, 3, ""]]}) == "file: 5,678 bytes, 1 waiting"
    assert place_words({"file": file, "waiting": []}) == "file: 5,678 bytes"
    several = {"main": file, "link_type": 1, "beside": {"0": file}}
    assert place_words(several) == "main: 5,678 bytes, link type 1, beside 0: 5,678 bytes"


def test_set_keeps_the_places_and_the_generation_before(folder: Path) -> None:
    path = folder / "state" / "client" / "fmc1_8302-a.position"
    before = path.read_bytes()
    done = command(folder, "set", str(path), "2023-11-14T22:00:00Z", "--yes")
    assert done.status == 0, done.err
    assert "/var/log/events.json will hold them twice" in done.out
    found = inspect(path)
    assert found.state is not None
    assert found.state.position == Position(start=1_699_999_200)
    assert found.state.outputs["json:/var/log/events.json"] == {"length": 1234}
    assert path.with_name(path.name + ".previous").read_bytes() == before
    assert command(folder, "set", str(path), "now", "--yes", "--outputs", "reset").status == 0
    state = inspect(path).state
    assert state is not None
    assert state.outputs == {}
    assert abs(state.position.start - time.time()) < 60
    assert command(folder, "set", "fmc1", "beginning", "--all", "--yes").out.count("new:") == 2


def test_both_damaged_or_none_yet_want_to_know_the_server(folder: Path) -> None:
    path = folder / "new.position"
    path.write_bytes(b"rubbish")
    assert "say --server HOST:PORT" in command(folder, "set", str(path), "beginning", "--yes").err
    done = command(folder, "set", str(path), str(SECOND), "--server", "fmc1:8302", "--yes")
    assert done.status == 0, done.err
    state = inspect(path).state
    assert state is not None
    assert (state.server, state.position.initial_timestamp) == ("fmc1:8302", SECOND)
    assert command(folder, "set", "fmc9", "now", "--server", "fmc9:8302", "--yes").status == 2
    assert not (folder / "fmc9").exists(), "a name of a server is no name of a file"
    other = command(folder, "set", str(path), "now", "--server", "other:1", "--yes")
    assert other.status == 0
    state = inspect(path).state
    assert isinstance(state, SavedState)
    assert state.server == "fmc1:8302", "it is known whose it is"


@pytest.mark.parametrize(("answer", "changed"), [("y", True), ("n", False)])
def test_on_a_terminal_it_asks(folder: Path, answer: str, changed: bool) -> None:
    path = folder / "state" / "client" / "fmc1_8302-a.position"
    before = path.read_bytes()
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        done = subprocess.run(
            [sys.executable, "-m", "openstreamer", "position", "set", str(path), "now"],
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert "Set it?" in done.stderr
    assert (path.read_bytes() != before) is changed
    assert done.returncode == (0 if changed else 1)


def test_a_position_in_use_is_not_touched(folder: Path) -> None:
    path = folder / "state" / "client" / "fmc1_8302-a.position"
    file = PositionFile(path)
    file.acquire()
    try:
        before = path.read_bytes()
        done = command(folder, "set", str(path), "now", "--yes")
        assert done.status == 2
        assert "a client (process " in done.err
        assert "stop it first" in done.err
        assert path.read_bytes() == before
        assert "in use     by process" in command(folder, "show", str(path)).out
    finally:
        file.release()
    assert command(folder, "set", str(path), "now", "--yes").status == 0


def test_what_a_change_means() -> None:
    taken, files = Position(second=SECOND, digests=DIGEST), {"json:/a": {"length": 1}, "print:-": None}
    assert "/a will hold them twice" in effect(taken, Position(start=0), files)
    assert "since the beginning" in effect(taken, Position(start=0), {})
    assert "twice" not in effect(taken, Position(start=0), {"print:-": None})
    assert "will not be delivered" in effect(taken, Position(start=SECOND + 1), files)
    assert effect(Position(), Position(), files) == "That changes nothing."
    assert "before 2023" in effect(Position(), Position(start=SECOND), files)
    assert new_position("now", 5.9) == Position(start=5)
    assert new_position("beginning").initial_timestamp == 0
    assert new_position("now").start != FROM_NOW
    assert is_server("[::1]:8302", "::1")
    assert is_server("fmc1:8302", "fmc1:8302")
    assert not is_server("fmc1:8302", "fmc")


# --- outputs of `run` -----------------------------------------------------------------------------------


def output_state(path: Path, **more: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    one = save_position(Position(second=SECOND, digests=DIGEST))
    pair = {"newest": SECOND, "members": [one, save_position(Position())], "journal": {"turn": 0, "file": {}}}
    progress = {"fmc1": one, "ha": pair}
    state = OutputState(key="json:/a", place={"length": 7}, progress=progress, saved=SECOND, **more)
    OutputStateFile(path).save(state)


def test_outputs_of_run(tmp_path: Path) -> None:
    path = tmp_path / "state" / "client" / "siem" / "outputs" / "file.state"
    output_state(path)
    shown = command(tmp_path, "show")
    assert shown.status == 0
    assert "  server     fmc1\n" in shown.out
    assert "  pair       ha\n" in shown.out
    assert shown.out.count("1 record of that second taken") == 2
    assert "json:/a  7 bytes" in shown.out
    assert (
        "knows no server fmc9" in command(tmp_path, "set", str(path), "now", "--server", "fmc9", "--yes").err
    )
    done = command(tmp_path, "set", str(path), str(SECOND - 60), "--server", "ha", "--yes")
    assert done.status == 0, done.err
    assert "/a will hold them twice" in done.out
    state = inspect(path).state
    assert isinstance(state, OutputState)
    assert state.progress["fmc1"]["second"] == SECOND
    assert state.progress["ha"] == {
        "newest": 0,
        "members": [save_position(Position(start=SECOND - 60))] * 2,
        "journal": None,
    }
    assert command(tmp_path, "set", "fmc1", "beginning", "--yes", "--outputs", "reset").status == 0
    state = inspect(path).state
    assert isinstance(state, OutputState)
    assert state.place is None
    assert {each.position for each in inspect(path).standings} == {Position()}
    lock = path.parent.parent / "lock"
    lock.write_text("4711\n")
    descriptor = os.open(lock, os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        used = command(tmp_path, "set", "fmc1", "now", "--yes")
        assert used.status == 2
        assert "a client (process 4711) uses" in used.err
    finally:
        os.close(descriptor)
    path.write_bytes(b"x")
    path.with_name("file.state.previous").unlink()
    assert "nothing of it can be used" in command(tmp_path, "set", str(path), "now", "--yes").err


def test_run_goes_on_where_it_was_set_to(tmp_path: Path) -> None:
    with LocalServer(tmp_path / "server") as server:
        for number in (1, 2, 3):
            event = {"event": "intrusion_event", "data": {"event_id": number}}
            server.send(event, archive_time=SECOND + number)
        (tmp_path / "client.toml").write_text(
            f'[client]\nhealth = "off"\n[servers.here]\nhost = "{server.host}"\nport = {server.port}\n'
            f'certificate = "{server.certificate}"\nauthority = "{server.ca}"\n'
            '[outputs.file]\nformat = "json"\ntarget = "events.json"\n'
        )

        def run_until(lines: int) -> None:
            process = subprocess.Popen(
                [sys.executable, "-m", "openstreamer", "run", "--config", "client.toml"],
                cwd=tmp_path,
                env={**os.environ, "OPENSTREAMER_STATE": str(tmp_path / "mine")},
                stderr=subprocess.PIPE,
                text=True,
            )
            try:
                wait_until(lambda: sum(numbers(tmp_path).values()) >= lines, 30, f"{lines} lines")
            finally:
                process.terminate()
                _, said = process.communicate(timeout=30)
            assert process.returncode == 0, said

        (tmp_path / "events.json").touch()
        run_until(3)
        mine = tmp_path / "mine"
        assert f"({SECOND + 3}), 1 record" in run("position", "show", "here", state=mine).out
        assert run("position", "set", "here", str(SECOND + 2), "--yes", state=mine).status == 0
        run_until(5)
    assert numbers(tmp_path) == {1: 1, 2: 2, 3: 2}


# --- with a server ----------------------------------------------------------------------------------------


@pytest.fixture
def live(start: Start, tmp_path: Path) -> LiveService:
    service = start()
    for number in range(1, 4):
        append(service.store, [(400, intrusion(number))], now=SECOND + number)
    with Authority(service.state.path).load() as own:
        (tmp_path / "client.pkcs12").write_bytes(own.issue("localhost"))
    return service


def stream(live: LiveService, folder: Path, *options: str) -> Result:
    return run(
        "stream", f"localhost:{live.port}", "-o", "json", "-f", "events.json", *options,
        state=folder / "mine", folder=folder,
    )  # fmt: skip


def numbers(folder: Path) -> Counter[int]:
    lines = (folder / "events.json").read_text().splitlines()
    return Counter(json.loads(line)["data"]["event_id"] for line in lines)


def test_back_and_forth_with_a_stream(live: LiveService, tmp_path: Path) -> None:
    assert stream(live, tmp_path, "--idle-exit", "1").status == 0
    assert numbers(tmp_path) == {1: 1, 2: 1, 3: 1}
    server = f"localhost:{live.port}"
    mine = tmp_path / "mine"
    assert f"{SECOND + 3}" in run("position", "show", server, state=mine).out
    back = run("position", "set", server, str(SECOND + 2), "--yes", state=mine)
    assert back.status == 0, back.err
    assert stream(live, tmp_path, "--idle-exit", "1").status == 0
    assert numbers(tmp_path) == {1: 1, 2: 2, 3: 2}, "appended, not cut away"
    append(live.store, [(400, intrusion(4))], now=SECOND + 10)
    assert run("position", "set", server, str(SECOND + 11), "--yes", state=mine).status == 0
    append(live.store, [(400, intrusion(5))], now=SECOND + 12)
    assert stream(live, tmp_path, "--idle-exit", "1").status == 0
    assert numbers(tmp_path) == {1: 1, 2: 2, 3: 2, 5: 1}


def test_a_damaged_newest_generation_costs_one_generation_only(live: LiveService, tmp_path: Path) -> None:
    assert stream(live, tmp_path, "--count", "2").status == 0
    [path] = (tmp_path / "mine" / "client").glob("*.position")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    done = stream(live, tmp_path, "--idle-exit", "1")
    assert done.status == 0
    assert "going on from the position before it, so some events may come again" in done.err
    assert numbers(tmp_path)[3] == 1
    assert set(numbers(tmp_path)) == {1, 2, 3}
