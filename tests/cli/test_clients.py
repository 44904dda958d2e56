from __future__ import annotations

import json
import os
import stat
import threading
import time
from pathlib import Path

import pytest

from openstreamer.authority import read_pkcs12
from openstreamer.cli.events import MEANINGS
from openstreamer.errors import AuthorityError
from openstreamer.server.audit import AuditLog
from support.commands import Result, run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clients") / "state"
    assert run("init", state=path).status == 0
    return path


class Here:
    """A folder to work in, and a state directory that all tests of the module share."""

    def __init__(self, folder: Path, state: Path) -> None:
        self.folder = folder
        self.state = state

    def clients(self, *arguments: str, **rest: object) -> Result:
        return run("clients", *arguments, state=self.state, folder=self.folder, **rest)  # type: ignore[arg-type]

    def shown(self, host: str) -> dict[str, object]:
        return json.loads(self.clients("show", host, "--json").out)  # type: ignore[no-any-return]


@pytest.fixture
def here(tmp_path: Path, made: Path) -> Here:
    return Here(tmp_path, made)


def test_add_writes_a_private_file_without_password(here: Here) -> None:
    result = here.clients("add", "192.0.2.1")
    assert result.status == 0, result.err
    path = here.folder / "192.0.2.1.pkcs12"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"BEGIN CERTIFICATE" in read_pkcs12(path).certificate_pem
    assert result.err == ""


def test_add_takes_the_password_from_a_file_the_environment_or_standard_input(here: Here) -> None:
    (here.folder / "secret").write_text("från fil\n")
    here.clients("add", "192.0.2.2", "--password-file", "secret", "--out", "a.p12")
    here.clients("add", "192.0.2.3", "--out", "b.p12", environment={"OPENSTREAMER_PASSWORD": "variable"})
    here.clients("add", "192.0.2.4", "--out", "c.p12", "--password-file", "-", given="input\n")
    for name, password in (("a", "från fil"), ("b", "variable"), ("c", "input")):
        path = here.folder / f"{name}.p12"
        read_pkcs12(path, password)
        with pytest.raises(AuthorityError):
            read_pkcs12(path, "wrong")
    (here.folder / "empty").write_text("\nsecond line\n")
    for source in ("empty", "-"):
        result = here.clients("add", "192.0.2.52", "--password-file", source)
        assert (result.status, "is empty: write a password there" in result.err) == (2, True)
        assert not (here.folder / "192.0.2.52.pkcs12").exists()


def test_add_to_standard_output(here: Here) -> None:
    result = here.clients("add", "192.0.2.5", "--out", "-")
    assert read_pkcs12(result.out_bytes).private_key_pem
    assert list(here.folder.iterdir()) == []


def test_what_is_no_regular_file_is_written_to_and_stays(here: Here) -> None:
    pipe = here.folder / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    reader.start()
    assert here.clients("add", "192.0.2.50", "--out", "pipe").status == 0
    reader.join(10)
    assert read_pkcs12(got[0]).private_key_pem
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    (here.folder / "pipe").unlink()
    (here.folder / "folder").mkdir()
    result = here.clients("add", "192.0.2.51", "--out", "folder")
    assert (result.status, "is a directory; name a file" in result.err) == (1, True)
    assert here.clients("show", "192.0.2.51").status == 1
    (here.folder / "folder").rmdir()


def test_add_twice_is_refused_and_leaves_the_first_file(here: Here) -> None:
    here.clients("add", "192.0.2.6")
    before = (here.folder / "192.0.2.6.pkcs12").read_bytes()
    result = here.clients("add", "192.0.2.6")
    assert result.status == 1
    assert result.err.count("\n") == 1
    assert (here.folder / "192.0.2.6.pkcs12").read_bytes() == before


def test_add_into_a_missing_folder_adds_nobody(here: Here) -> None:
    result = here.clients("add", "192.0.2.7", "--out", "nowhere/x.p12")
    assert result.status == 1
    assert "no such directory" in result.err
    assert here.clients("show", "192.0.2.7").status == 1


def test_several_names_addresses_and_an_exemption(here: Here) -> None:
    result = here.clients(
        "add", "siem.invalid", "192.0.2.8", "2001:DB8::8", "198.51.100.0/24", "--no-hostcheck"
    )
    assert result.status == 0, result.err
    shown = here.shown("siem.invalid")
    assert shown["names"] == ["siem.invalid"]
    assert shown["addresses"] == ["192.0.2.8", "2001:db8::8"]
    assert shown["networks"] == ["198.51.100.0/24"]
    assert shown["host_check"] is False
    assert here.shown("192.0.2.8")["host"] == "siem.invalid"


def test_a_name_that_does_not_resolve_is_told(here: Here) -> None:
    result = here.clients("add", "nobody.invalid")
    assert result.status == 0
    assert "nobody.invalid does not resolve" in result.err


def test_event_types_are_chosen_as_in_the_manual(here: Here) -> None:
    here.clients("add", "192.0.2.9", "--events", "intrusion", "packet", "--out", "x.p12")
    assert here.shown("192.0.2.9")["events"] == ["intrusion", "packet"]
    here.clients("add", "192.0.2.10", "--out", "y.p12", "--events", "file,connection")
    assert here.shown("192.0.2.10")["events"] == ["file", "connection"]
    assert here.clients("add", "192.0.2.11", "--events", "flows").status == 2
    assert here.clients("show", "192.0.2.11").status == 1


def test_event_types_change(here: Here) -> None:
    here.clients("add", "192.0.2.12")
    assert "off" not in here.clients("events", "192.0.2.12").out
    here.clients("events", "192.0.2.12", "disable", "connection", "file")
    assert set(MEANINGS) - set(here.shown("192.0.2.12")["events"]) == {"connection", "file"}  # type: ignore[call-overload]
    here.clients("events", "192.0.2.12", "set", "intrusion", "file")
    assert here.shown("192.0.2.12")["events"] == ["intrusion", "file"]
    result = here.clients("events", "192.0.2.12", "enable", "all", "--json")
    assert all(json.loads(result.out).values())


def test_download_gives_the_same_file(here: Here) -> None:
    here.clients("add", "192.0.2.13")
    result = here.clients("download", "192.0.2.13", "--out", "again.p12")
    assert result.status == 0
    assert (here.folder / "again.p12").read_bytes() == (here.folder / "192.0.2.13.pkcs12").read_bytes()
    (last,) = AuditLog(here.state / "audit.log").newest(1)
    assert (last.action, last.details) == ("client file downloaded", {"host": "192.0.2.13"})


def test_a_client_may_come_from_elsewhere_too_with_the_file_it_has(here: Here) -> None:
    here.clients("add", "192.0.2.20")
    before = here.shown("192.0.2.20")["serial"]
    assert "say from where" in here.clients("also", "192.0.2.20").err
    assert here.clients("also", "192.0.2.20", "not a name").status == 2
    said = here.clients("also", "192.0.2.20", "203.0.113.9", "10.20.0.0/16").out
    assert said == "192.0.2.20 may come from 192.0.2.20 203.0.113.9 10.20.0.0/16\n"
    shown = here.shown("192.0.2.20")
    assert (shown["addresses"], shown["networks"]) == (["192.0.2.20", "203.0.113.9"], ["10.20.0.0/16"])
    assert shown["serial"] == before
    (last,) = AuditLog(here.state / "audit.log").newest(1)
    assert last.details == {"host": "192.0.2.20", "names": ["203.0.113.9", "10.20.0.0/16"]}
    said = here.clients("also", "192.0.2.20", "203.0.113.10", "--remove", "203.0.113.9").out
    assert said == "192.0.2.20 may come from 192.0.2.20 203.0.113.10 10.20.0.0/16\n"
    (last,) = AuditLog(here.state / "audit.log").newest(1)
    assert last.details == {"host": "192.0.2.20", "names": ["203.0.113.10"], "removed": ["203.0.113.9"]}
    assert "does not come from" in here.clients("also", "192.0.2.20", "--remove", "203.0.113.9").err
    assert "any address" in here.clients("also", "192.0.2.20", "--no-hostcheck").out
    assert here.shown("192.0.2.20")["host_check"] is False
    assert "203.0.113.10" in here.clients("also", "192.0.2.20", "--hostcheck").out
    assert here.shown("192.0.2.20")["host_check"] is True


def test_list_and_revoke(here: Here) -> None:
    here.clients("add", "192.0.2.14")
    listed = json.loads(here.clients("list", "--json").out)
    assert "192.0.2.14" in [client["host"] for client in listed]
    assert "192.0.2.14" in here.clients("list").out
    assert here.clients("revoke", "192.0.2.14", "--reason", "moved").status == 0
    assert "192.0.2.14" not in here.clients("list").out
    assert "revoked" in here.clients("list", "--revoked").out
    assert here.shown("192.0.2.14")["revoked"] is not None
    assert "is revoked: add it again" in here.clients("also", "192.0.2.14", "192.0.2.15").err
    assert here.clients("revoke", "192.0.2.99").status == 1


def test_a_host_cannot_name_a_file_elsewhere(here: Here) -> None:
    for host in ("../evil", "a/b", "", "a b", "-x"):
        result = here.clients("add", "--", host)
        assert result.status in (1, 2), host
    assert list(here.folder.iterdir()) == []


def test_renew_gives_a_new_file_and_shows_both_certificates(here: Here) -> None:
    here.clients("add", "192.0.2.70", "--events", "intrusion")
    first = read_pkcs12(here.folder / "192.0.2.70.pkcs12").certificate_pem
    result = here.clients("renew", "192.0.2.70", "--password-file", "-", given="secret\n")
    assert result.status == 0, result.err
    assert "Its former certificate is good until " in result.out
    path = here.folder / "192.0.2.70.pkcs12"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_pkcs12(path, "secret").certificate_pem != first
    shown = here.shown("192.0.2.70")
    assert shown["events"] == ["intrusion"]
    old, new = shown["certificates"]  # type: ignore[misc]
    assert (old["until"] - new["issued"], new["until"]) == (14 * 86400, None)
    words = here.clients("show", "192.0.2.70").out
    assert "renewed; good until" in words
    assert words.count(new["serial"]) == 2
    again = here.clients("renew", "192.0.2.70", "--overlap", "0", "--compat", "--out", "-")
    read_pkcs12(again.out_bytes)
    assert "replaced" in here.clients("show", "192.0.2.70").out
    assert "no longer good" in here.clients("renew", "192.0.2.70", "--overlap", "0").out


def test_renew_of_nobody_and_into_nowhere(here: Here) -> None:
    assert "no client" in here.clients("renew", "missing.invalid").err
    here.clients("add", "192.0.2.71")
    before = here.shown("192.0.2.71")
    assert here.clients("renew", "192.0.2.71", "--out", "missing/file").status == 1
    assert here.clients("renew", "192.0.2.71", "--overlap", "-1").status == 2
    assert here.shown("192.0.2.71") == before
    here.clients("revoke", "192.0.2.71")
    assert "add it again" in here.clients("renew", "192.0.2.71").err


def test_certificates_that_end_soon_are_told(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here.clients("add", "192.0.2.72")
    assert "192.0.2.72" not in here.clients("list").err
    later = time.time() + 1080 * 86400
    monkeypatch.setattr("openstreamer.cli.clients.time.time", lambda: later)
    told = here.clients("list").err
    assert "the certificate of 192.0.2.72 ends in 15 days: 'openstreamer clients renew 192.0.2.72'" in told


def test_several_are_renewed_into_a_folder(here: Here) -> None:
    for host in ("192.0.2.80", "192.0.2.81"):
        here.clients("add", host)
    result = here.clients(
        "renew", "192.0.2.80", "192.0.2.81", "--out-dir", "new", "--password-file", "-", given="secret\n"
    )
    assert result.status == 0, result.err
    assert stat.S_IMODE((here.folder / "new").stat().st_mode) == 0o700
    for host in ("192.0.2.80", "192.0.2.81"):
        assert f"Renewed {host}; its new file is new/{host}.pkcs12; its former certificate is" in result.out
        new = read_pkcs12(here.folder / "new" / f"{host}.pkcs12", "secret").certificate_pem
        assert new != read_pkcs12(here.folder / f"{host}.pkcs12").certificate_pem
        assert len(here.shown(host)["certificates"]) == 2  # type: ignore[arg-type]
    assert "Renewed 2 clients" in result.out


def test_nobody_is_renewed_where_one_cannot_be(here: Here) -> None:
    for host in ("192.0.2.82", "192.0.2.83"):
        here.clients("add", host)
    here.clients("revoke", "192.0.2.83")
    before = here.shown("192.0.2.82")
    assert "add it again" in here.clients("renew", "192.0.2.82", "192.0.2.83").err
    assert "no client" in here.clients("renew", "192.0.2.82", "missing.invalid").err
    assert here.clients("renew", "192.0.2.82", "--out-dir", "missing/below").status == 2
    assert here.clients("renew", "192.0.2.82", "--expiring", "1", "--out", "file").status == 2
    assert here.clients("renew").status == 2
    assert here.shown("192.0.2.82") == before


def test_those_that_end_soon_and_those_of_the_old_ca(tmp_path: Path) -> None:
    state = tmp_path / "state"
    here = Here(tmp_path, state)
    assert run("init", state=state).status == 0
    for host in ("192.0.2.84", "192.0.2.85", "192.0.2.86"):
        here.clients("add", host)
    here.clients("revoke", "192.0.2.86")
    assert "No client needs" in here.clients("renew", "--expiring", "90").out
    assert "No client needs" in here.clients("renew", "--old-ca").out
    result = here.clients("renew", "--expiring", "1100", "--out-dir", "soon")
    assert {path.name for path in (tmp_path / "soon").iterdir()} == {"192.0.2.84.pkcs12", "192.0.2.85.pkcs12"}
    assert "Renewed 2 clients" in result.out

    assert run("authority", "rotate", state=state).status == 0
    here.clients("renew", "192.0.2.84")
    assert "Renewed 192.0.2.85; its new file is after/192.0.2.85.pkcs12" in (
        here.clients("renew", "--old-ca", "--out-dir", "after").out
    )
    assert "No client needs" in here.clients("renew", "--old-ca", "--out-dir", "after").out
    assert run("authority", "finish", state=state).status == 0


def test_a_type_that_the_server_lacks_by_its_role_is_told(tmp_path: Path) -> None:
    state = tmp_path / "state"
    here = Here(tmp_path, state)
    assert run("init", "--role", "managed-device", state=state).status == 0
    told = here.clients("add", "192.0.2.87", "--events", "intrusion", "connection", "file")
    assert told.status == 0
    assert "this server has no file and no connection events; the client gets none" in told.err
    assert here.clients("add", "192.0.2.88").err == ""
    assert here.clients("add", "192.0.2.89", "--events", "all").err == ""
    assert here.clients("add", "192.0.2.90", "--events", "packet").err == ""
    assert "no malware events" in here.clients("events", "192.0.2.90", "enable", "malware").err
    assert here.clients("events", "192.0.2.90", "disable", "malware").err == ""
