"""Backups: what is in the archive, who may read it, and what a restore refuses."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import sqlite3
import stat
import tarfile
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from openstreamer.authority import Authority
from openstreamer.errors import OpenStreamerError, OutputError, StateError, UsageError
from openstreamer.server import backup
from openstreamer.server.restoring import restore
from openstreamer.server.state import StateDirectory, create, find, write_private
from openstreamer.store import BEGINNING, open_store
from support.live_service import append, intrusion


@pytest.fixture
def state(tmp_path: Path) -> StateDirectory:
    found = find(tmp_path / "state")
    create(found)
    with Authority(found.path) as authority:
        authority.create()
        authority.issue("siem.invalid")
    with open_store(found.store) as store:
        append(store, [(400, intrusion(number)) for number in range(10)])
    for name in ("openstreamer.toml", "web-password", "audit.log", "service-options.json"):
        write_private(found.path / name, name.encode())
    write_private(found.path / "service.log", b"log")
    write_private(found.path / "service.json", b"{}")
    (found.client / "a b").mkdir(mode=0o700, parents=True)
    write_private(found.client / "a b" / "é.position", b"1")
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix not in (".db", ".db-wal", ".db-shm")
    }


def test_all_that_counts_comes_back_and_nothing_else(state: StateDirectory, tmp_path: Path) -> None:
    manifest = backup.make(state, tmp_path / "b.tar.gz")
    assert stat.S_IMODE((tmp_path / "b.tar.gz").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.tar.gz", "state"]
    with tarfile.open(tmp_path / "b.tar.gz") as archive:
        assert archive.getnames() == ["manifest.json", *(member.name for member in manifest.members)]
    target = find(tmp_path / "deep" / "other")
    assert restore(tmp_path / "b.tar.gz", target) == manifest
    expected = contents(state.path)
    del expected["service.log"], expected["service.json"]
    assert contents(target.path) == expected
    for path in target.path.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    with sqlite3.connect(target.store) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with open_store(target.store) as store:
        assert sum(chunk.count for chunk in store.read(BEGINNING, limit_bytes=1 << 20)) == 10
    with Authority(target.path) as authority:
        assert [client.host for client in authority.load().registry.list()] == ["siem.invalid"]


def test_without_events(state: StateDirectory, tmp_path: Path) -> None:
    manifest = backup.make(state, tmp_path / "b", events=False)
    assert backup.EVENTS not in [member.name for member in manifest.members]
    restore(tmp_path / "b", find(tmp_path / "other"))
    assert not find(tmp_path / "other").store.exists()


def test_an_event_log_that_is_written_meanwhile_is_of_one_moment(
    state: StateDirectory, tmp_path: Path
) -> None:
    """The copy takes many steps, and between them another connection writes."""
    with open_store(state.store) as store:
        append(store, [(400, intrusion(0) + bytes(60_000)) for _ in range(400)])
        written = 0

        def write(what: str, done: int, total: int) -> None:
            nonlocal written
            if what.startswith("copying"):
                assert done <= total
                append(store, [(400, intrusion(written))])
                written += 1

        backup.make(state, tmp_path / "b", progress=write)
    assert written > 3
    restore(tmp_path / "b", find(tmp_path / "other"))
    with open_store(find(tmp_path / "other").store) as copy:
        assert copy.statistics().records == 410
        assert not [
            row
            for row in _rows(tmp_path / "other" / "store" / "events.db", "PRAGMA integrity_check")
            if row != ("ok",)
        ]


def _rows(path: Path, statement: str) -> list[Any]:
    with sqlite3.connect(path) as connection:
        return connection.execute(statement).fetchall()


def test_certificates_are_copied_while_the_registry_is_locked(state: StateDirectory, tmp_path: Path) -> None:
    with Authority(state.path) as authority:
        authority.load()
        began, done = threading.Event(), threading.Event()

        def make() -> None:
            began.set()
            backup.make(state, tmp_path / "b")
            done.set()

        thread = threading.Thread(target=make)
        with authority.registry.locked():
            thread.start()
            assert began.wait(10)
            assert not done.wait(0.5), "somebody changes certificates, and the backup does not wait"
        assert done.wait(20)
        thread.join()


def test_a_file_that_is_there_is_not_replaced_unasked(state: StateDirectory, tmp_path: Path) -> None:
    file = tmp_path / "b"
    file.write_text("mine")
    with pytest.raises(OutputError, match="--force"):
        backup.make(state, file)
    assert file.read_text() == "mine"
    backup.make(state, file, replace=True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(OutputError):
        backup.make(state, tmp_path / "missing" / "b")
    assert len(list(tmp_path.iterdir())) == 2


def test_only_an_empty_or_new_directory_is_filled(state: StateDirectory, tmp_path: Path) -> None:
    backup.make(state, tmp_path / "b")
    with pytest.raises(StateError, match="not empty"):
        restore(tmp_path / "b", state)
    empty = find(tmp_path / "empty")
    empty.path.mkdir(mode=0o755)
    restore(tmp_path / "b", empty)
    assert stat.S_IMODE(empty.path.stat().st_mode) == 0o700
    with pytest.raises(UsageError, match="cannot read"):
        restore(tmp_path / "none", find(tmp_path / "x"))
    with pytest.raises(StateError, match="not a directory"):
        restore(tmp_path / "b", find(tmp_path / "b"))


def test_root_gives_the_files_to_the_owner_of_the_directory(state: StateDirectory, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    backup.make(state, tmp_path / "b")
    other = find(tmp_path / "other")
    other.path.mkdir()
    os.chown(other.path, 12345, 12346)
    restore(tmp_path / "b", other)
    assert {(path.stat().st_uid, path.stat().st_gid) for path in other.path.rglob("*")} == {(12345, 12346)}


# --- archives that somebody has tampered with -----------------------------------------------------------

Change = Callable[[dict[str, Any], list[tuple[bytes, bytes]]], None]


def tampered(source: Path, target: Path, change: Change) -> Path:
    """The archive with its manifest and its list of (header, content) changed; sizes are not mended."""
    members: list[tuple[bytes, bytes]] = []
    with tarfile.open(source) as archive:
        for info in archive.getmembers():
            file = archive.extractfile(info)
            assert file is not None
            members.append((backup.header(info.name, info.size, 0), file.read()))
    about = msgspec.json.decode(members.pop(0)[1])
    change(about, members)
    text = msgspec.json.encode(about)
    out = io.BytesIO()
    for header, content in ((backup.header(backup.MANIFEST, len(text), 0), text), *members):
        out.write(header + content + bytes(-len(content) % 512))
    out.write(bytes(1024))
    target.write_bytes(gzip.compress(out.getvalue(), 1))
    return target


def declare(about: dict[str, Any], name: str, content: bytes = b"") -> None:
    digest = hashlib.sha256(content).hexdigest()
    about["members"].append({"name": name, "size": len(content), "sha256": digest})


def extra(name: str, kind: bytes = tarfile.REGTYPE, declared: bool = True) -> Change:
    def change(about: dict[str, Any], members: list[tuple[bytes, bytes]]) -> None:
        if declared:
            declare(about, name)
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, "/etc/passwd" if kind != tarfile.REGTYPE else ""
        members.append((info.tobuf(tarfile.USTAR_FORMAT, "utf-8", "strict"), b""))

    return change


def newer(key: str, value: object) -> Change:
    def change(about: dict[str, Any], members: list[tuple[bytes, bytes]]) -> None:
        about[key], about["program"] = value, "9.1"

    return change


def other_content(about: dict[str, Any], members: list[tuple[bytes, bytes]]) -> None:
    header, content = members[0]
    members[0] = header, bytes([content[0] ^ 1]) + content[1:]


def left_out(about: dict[str, Any], members: list[tuple[bytes, bytes]]) -> None:
    members.pop()


def not_named(about: dict[str, Any], members: list[tuple[bytes, bytes]]) -> None:
    about["members"] = [member for member in about["members"] if member["name"] != "authority/ca.pem"]


def huge(about: dict[str, Any], members: list[tuple[bytes, bytes]]) -> None:
    about["members"][-1]["size"] = 1 << 60


def negative(about: dict[str, Any], members: list[tuple[bytes, bytes]]) -> None:
    about["members"][-1]["size"] = -1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (extra("/etc/x"), "no place"),
        (extra("../x"), "no place"),
        (extra("client/../../x"), "no place"),
        (extra("client/./x"), "no place"),
        (extra("client//x"), "no place"),
        (extra("authority/../../x.pem"), "no place"),
        (extra("authority/.x.pem"), "no place"),
        (extra("service.json"), "no place"),
        (extra("store/events.db-wal"), "no place"),
        (extra("schema"), "contradicts"),
        (extra("client/x", declared=False), "more than its manifest"),
        (extra("client/x", tarfile.SYMTYPE), "not expected"),
        (extra("client/x", tarfile.LNKTYPE), "not expected"),
        (extra("client/x", tarfile.CHRTYPE), "not expected"),
        (extra("client/x", tarfile.FIFOTYPE), "not expected"),
        (extra("client/x", tarfile.DIRTYPE), "not expected"),
        (extra("client/x", tarfile.XHDTYPE), "not expected"),
        (extra("client/x", tarfile.GNUTYPE_LONGNAME), "not expected"),
        (other_content, "not what it was"),
        (left_out, "cut short"),
        (not_named, "incomplete: authority/ca.pem"),
        (huge, "has .* left"),
        (negative, "contradicts"),
        (newer("format", 2), r"newer program \(9.1\)"),
        (newer("schema", 99), r"newer program \(9.1\)"),
        (newer("databases", {"store/events.db": 99}), r"newer program \(9.1\)"),
        (newer("members", 7), "manifest"),
    ],
)
def test_what_is_not_as_it_should_be_is_refused_and_leaves_nothing(
    state: StateDirectory, tmp_path: Path, change: Change, says: str
) -> None:
    backup.make(state, tmp_path / "b")
    bad = tampered(tmp_path / "b", tmp_path / "bad", change)
    with pytest.raises(StateError, match=says):
        restore(bad, find(tmp_path / "other"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "bad", "state"]


def holds_the_same(one: bytes, other: bytes) -> bool:
    try:
        return gzip.decompress(one) == gzip.decompress(other)
    except (OSError, EOFError, zlib.error):
        return False


def test_a_manifest_that_is_no_text(state: StateDirectory, tmp_path: Path) -> None:
    manifest = b'{"format": 1, "program": "\xc1"}'
    (tmp_path / "bad").write_bytes(
        gzip.compress(backup.header("manifest.json", len(manifest), 0) + manifest + bytes(512))
    )
    with pytest.raises(StateError, match="damaged"):
        restore(tmp_path / "bad", find(tmp_path / "other"))


def test_cut_or_damaged_or_something_else(state: StateDirectory, tmp_path: Path) -> None:
    backup.make(state, tmp_path / "b")
    whole = (tmp_path / "b").read_bytes()
    bad = tmp_path / "bad"
    other = find(tmp_path / "other")
    for length in {*range(0, len(whole), 997), len(whole) - 1}:
        bad.write_bytes(whole[:length])
        with pytest.raises(OpenStreamerError):
            restore(bad, other)
        assert not other.path.exists()
    for place in {*range(20, len(whole), 1499), *range(len(whole) - 8, len(whole))}:
        damaged = whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :]
        if holds_the_same(damaged, whole):  # a copy from elsewhere within the same zeros: no damage
            continue
        bad.write_bytes(damaged)
        with pytest.raises(OpenStreamerError):
            restore(bad, other)
        assert not other.path.exists()
    with tarfile.open(bad, "w:gz") as archive:
        archive.add(tmp_path / "b", "something")
    with pytest.raises(StateError, match="no backup"):
        restore(bad, other)
