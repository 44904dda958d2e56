"""Certificates, keys, trust: what is loaded, what is refused and how, and that keys leave no trace."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest

from openstreamer.client.credentials import ClientCredentials, KnownServers, fingerprint, make_context
from openstreamer.errors import RefusedError, UsageError
from support.certificates import Authority, authority


def test_a_pkcs12_gives_certificate_key_and_authority(tmp_path: Path) -> None:
    path = authority().pkcs12(tmp_path / "client.pkcs12", "client")
    context = make_context(ClientCredentials(pkcs12=str(path)))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert not context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert len(context.get_ca_certs()) == 1


def test_without_an_authority_the_certificate_is_to_be_pinned(tmp_path: Path) -> None:
    path = authority().pkcs12(tmp_path / "client.pkcs12", "client", with_authority=False)
    assert make_context(ClientCredentials(pkcs12=str(path))).verify_mode is ssl.CERT_NONE


def test_the_password_matters(tmp_path: Path) -> None:
    path = str(authority().pkcs12(tmp_path / "client.pkcs12", "client", password="secret"))
    make_context(ClientCredentials(pkcs12=path, password="secret"))
    for wrong in (None, "", "other"):
        with pytest.raises(UsageError, match="password"):
            make_context(ClientCredentials(pkcs12=path, password=wrong))


def test_separate_files(tmp_path: Path) -> None:
    certificate, key = authority().pem_files(tmp_path, "client")
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority().pem)
    both = tmp_path / "both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    for credentials in (
        ClientCredentials(certificate=str(certificate), key=str(key), authority=str(ca)),
        ClientCredentials(certificate=str(both), authority=str(ca)),
    ):
        assert make_context(credentials).verify_mode is ssl.CERT_REQUIRED


def test_mistakes_are_explained(tmp_path: Path) -> None:
    certificate, _ = authority().pem_files(tmp_path, "one")
    _, other_key = authority().pem_files(tmp_path, "two")
    letters = tmp_path / "letters"
    letters.write_text("dear reader")
    for credentials, said in (
        (ClientCredentials(pkcs12=str(tmp_path / "none")), "none"),
        (ClientCredentials(pkcs12=str(letters)), "letters"),
        (ClientCredentials(certificate=str(certificate), key=str(other_key)), "do not belong together"),
        (ClientCredentials(certificate=str(letters)), "cannot be used"),
        (ClientCredentials(certificate=str(tmp_path / "none")), "cannot read"),
        (ClientCredentials(certificate=str(certificate), authority=str(letters)), "authority cannot be read"),
    ):
        with pytest.raises(UsageError, match=said):
            make_context(credentials)


def test_the_key_is_in_no_file_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    path = authority().pkcs12(tmp_path / "client.pkcs12", "client")
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    make_context(ClientCredentials(pkcs12=str(path)))
    assert os.listdir(tmp_path / "tmp") == []
    if before:
        assert len(os.listdir("/proc/self/fd")) == before


def test_secrets_are_logged_only_where_asked(tmp_path: Path) -> None:
    path = authority().pkcs12(tmp_path / "client.pkcs12", "client")
    log = tmp_path / "keys"
    assert make_context(ClientCredentials(pkcs12=str(path))).keylog_filename is None
    previous = os.umask(0)
    try:
        made = make_context(ClientCredentials(pkcs12=str(path), key_log=str(log)))
    finally:
        os.umask(previous)
    assert made.keylog_filename == str(log)
    assert log.stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageError, match="key log"):
        make_context(ClientCredentials(pkcs12=str(path), key_log=str(tmp_path / "no" / "such")))


def test_a_server_is_pinned_on_first_use_and_known_then(tmp_path: Path) -> None:
    known = KnownServers(tmp_path / "deep" / "known-servers")
    assert known.check("fmc1:8302", b"certificate one") is True
    assert known.check("fmc1:8302", b"certificate one") is False
    assert known.check("fmc2:8302", b"certificate two") is True
    again = KnownServers(tmp_path / "deep" / "known-servers")
    assert again.check("fmc2:8302", b"certificate two") is False
    with pytest.raises(
        RefusedError, match=r"another certificate than before.*remove the line of fmc1:8302 in"
    ):
        again.check("fmc1:8302", b"certificate two")
    assert os.stat(tmp_path / "deep" / "known-servers").st_mode & 0o777 == 0o600


def test_without_a_file_it_is_pinned_for_this_process() -> None:
    known = KnownServers(None)
    assert known.check("fmc1:8302", b"one") is True
    with pytest.raises(RefusedError, match="another certificate"):
        known.check("fmc1:8302", b"two")


def test_a_fingerprint_looks_as_people_know_it() -> None:
    assert fingerprint(b"") == (
        "E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:B8:55"
    )


def test_authorities_of_tests_differ() -> None:
    assert Authority("a").pem != Authority("a").pem
