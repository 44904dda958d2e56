"""`openstreamer authority`, `init --ca-cert`, and the audit log of commands."""

from __future__ import annotations

import json
import shutil
import stat
import time
from pathlib import Path

import pytest
from cryptography import x509

from openstreamer.authority import read_pkcs12
from openstreamer.authority.certificates import load_certificates, load_signed, subject_names
from support.commands import Result, run
from support.hand_authorities import make


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("authority")
    assert run("init", state=folder / "state").status == 0
    assert run("clients", "add", "192.0.2.1", state=folder / "state", folder=folder).status == 0
    return folder / "state"


class Here:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"

    def run(self, *arguments: str, given: str = "") -> Result:
        return run(*arguments, state=self.state, folder=self.folder, given=given)

    def shown(self) -> dict[str, object]:
        return json.loads(self.run("authority", "show", "--json").out)  # type: ignore[no-any-return]

    def changes(self) -> list[dict[str, object]]:
        """What the audit log has since `init`."""
        lines = [json.loads(line) for line in (self.state / "audit.log").read_text().splitlines()]
        assert [line["action"] for line in lines[:2]] == [
            "state directory made",
            "password of the web pages set",
        ]
        return lines[2:]


@pytest.fixture
def here(made: Path, tmp_path: Path) -> Here:
    shutil.copytree(made, tmp_path / "state")
    return Here(tmp_path)


@pytest.fixture(autouse=True)
def quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openstreamer.authority.certificates._CA_BITS", 2048)


def test_a_change_of_ca_from_beginning_to_end(here: Here) -> None:
    assert "under way" not in here.run("authority", "show").out
    result = here.run("authority", "rotate", "--overlap", "10")
    assert result.status == 0, result.err
    assert "openstreamer clients renew 192.0.2.1" in result.out
    shown = here.run("authority", "show").out
    assert "issues" in shown
    assert "leaves" in shown
    assert "A change to a new CA is under way; the old one ends in 9 days" in shown
    assert here.run("authority", "rotate").status == 1
    result = here.run("authority", "finish")
    assert result.status == 1
    assert "192.0.2.1" in result.err
    assert here.run("clients", "renew", "192.0.2.1").status == 0
    assert here.shown()["not_renewed"] == []
    assert "'openstreamer authority finish'" in here.run("authority", "show").out
    assert here.run("authority", "finish").status == 0
    assert "no change of CA is under way" in here.run("authority", "finish").err
    assert [change["action"] for change in here.changes()] == [
        "client added",
        "change of CA begun",
        "client renewed",
        "change of CA completed",
    ]


def test_finishing_by_force_tells_who_is_shut_out(here: Here) -> None:
    here.run("authority", "rotate")
    result = here.run("authority", "finish", "--force")
    assert result.status == 0
    assert "openstreamer clients renew 192.0.2.1" in result.out
    assert "Refused" in here.run("authority", "show").out
    listed = here.run("clients", "list")
    assert "refused: former CA" in listed.out
    assert "of a CA that has left" in listed.err
    assert "refused: former CA" in here.run("clients", "show", "192.0.2.1").out


def test_renew_server_keeps_its_names_and_takes_more(here: Here) -> None:
    before = here.shown()["server"]
    assert isinstance(before, dict)
    assert here.run("authority", "renew-server", "--name", "more.example").status == 0
    after = here.shown()["server"]
    assert isinstance(after, dict)
    assert set(after["names"]) == {*before["names"], "more.example"}
    assert after["fingerprint"] != before["fingerprint"]


def test_revocation_lists_in_both_forms(here: Here) -> None:
    here.run("clients", "revoke", "192.0.2.1")
    result = here.run("authority", "crl")
    assert len(list(x509.load_pem_x509_crl(result.out_bytes))) == 1
    result = here.run("authority", "crl", "--form", "der", "--out", "list.crl")
    assert result.out == "Wrote list.crl (1 certificates)\n"
    assert len(list(x509.load_der_x509_crl((here.folder / "list.crl").read_bytes()))) == 1
    assert "no old CA" in here.run("authority", "crl", "--ca", "old").err
    here.run("authority", "rotate")
    assert here.run("authority", "crl").out.count("BEGIN X509 CRL") == 2
    assert len(list(x509.load_der_x509_crl(here.run("authority", "crl", "--form", "der").out_bytes))) == 0
    old = here.run("authority", "crl", "--form", "der", "--ca", "old").out_bytes
    assert len(list(x509.load_der_x509_crl(old))) == 1
    assert "choose with --ca" in here.run("authority", "crl", "--form", "der", "--ca", "all").err


def test_a_server_certificate_of_others(here: Here) -> None:
    now = int(time.time())
    root = make("Company Root", now)
    server = make("web.example", now, issuer=root, ca=False, names=["web.example"])
    server.write(here.folder, "web")
    (here.folder / "root.pem").write_bytes(root.pem)
    given = ("authority", "import-server", "--cert", "web.pem", "--key", "web.key", "--chain", "root.pem")
    before = (here.state / "authority" / "server.pem").read_bytes()
    result = here.run(*given)
    assert result.status == 1
    assert "192.0.2.1" in result.err
    assert (here.state / "authority" / "server.pem").read_bytes() == before
    result = here.run(*given, "--announce")
    assert result.status == 0
    assert "openstreamer clients renew 192.0.2.1" in result.out
    assert here.run("clients", "renew", "192.0.2.1").status == 0
    result = here.run(*given)
    assert result.status == 0, result.err
    assert "renewing it is up to you" in result.out
    assert "made for web.example" in result.err
    assert "(others; not renewed here)" in here.run("authority", "show").out
    assert "import-server" in here.run("authority", "renew-server").err
    changed = here.folder / "kept"
    shutil.copytree(here.state, changed)
    assert run("authority", "renew-server", "--own", state=changed).status == 0
    assert "not renewed here" not in run("authority", "show", state=changed).out
    assert not (changed / "authority" / "server-ca.pem").exists()
    credentials = read_pkcs12(here.folder / "192.0.2.1.pkcs12")
    assert root.certificate in load_certificates(credentials.ca_pem, "")


def test_init_with_a_ca_of_others(tmp_path: Path) -> None:
    now = int(time.time())
    root = make("Company Root", now)
    below = make("Company CA", now, issuer=root)
    below.write(tmp_path, "ca", root, password="deep")
    (tmp_path / "secret").write_text("deep\n")
    here = Here(tmp_path)
    given = ("init", "--ca-cert", "ca.pem", "--ca-key", "ca.key")
    assert "both --ca-cert and --ca-key" in here.run(*given[:3]).err
    result = here.run(*given)
    assert result.status == 1
    assert "needs its password" in result.err
    assert not here.state.exists(), "nothing is made before all is checked"
    assert here.run(*given, "--ca-key-password-file", "secret", "--name", "x.example").status == 0
    server = load_signed((here.state / "authority" / "server.pem").read_bytes(), "")
    server.certificate.verify_directly_issued_by(below.certificate)
    assert "x.example" in subject_names(server.certificate)
    assert stat.S_IMODE((here.state / "authority" / "ca.pem").stat().st_mode) == 0o600
    assert "It stands below Company Root." in here.run("authority", "show").out
    make("siem", now, issuer=below, ca=False).write(tmp_path, "siem")
    adopted = here.run("clients", "add", "192.0.2.5", "--cert", "siem.pem")
    assert adopted.out == "Added 192.0.2.5 with the certificate it has\n", adopted.err
    assert here.run("clients", "add", "192.0.2.6", "--cert", "siem.pem", "--compat").status == 2
    assert not (tmp_path / "192.0.2.5.pkcs12").exists()
    assert "has a CA already" in here.run(*given, "--ca-key-password-file", "secret", "--force").err


def test_rotating_to_a_ca_of_others(here: Here) -> None:
    make("Own Root", int(time.time())).write(here.folder, "ca")
    result = here.run("authority", "rotate", "--overlap", "0", "--ca-cert", "ca.pem", "--ca-key", "ca.key")
    assert result.status == 0, result.err
    assert "Own Root" in result.out
    first, *_ = here.shown()["authorities"]  # type: ignore[misc]
    assert first["name"] == "Own Root"


def test_commands_are_in_the_audit_log_with_who_gave_them(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openstreamer.server.audit.system_user", lambda: "ada as root")
    here.run("events", "disable", "file")
    here.run("clients", "events", "192.0.2.1", "set", "intrusion")
    here.run("clients", "revoke", "192.0.2.1", "--reason", "lost")
    here.run("clients", "revoke", "192.0.2.1")  # fails, and is no change
    here.run("events")
    here.run("clients", "list")
    changes = here.changes()[1:]
    assert {(change["peer"], change["user"]) for change in changes} == {("command", "ada as root")}
    assert [(change["action"], change["details"]) for change in changes] == [
        ("event types changed", {"off": ["file"]}),
        ("event types of a client changed", {"host": "192.0.2.1", "only": ["intrusion"]}),
        ("client revoked", {"host": "192.0.2.1", "reason": "lost"}),
    ]
