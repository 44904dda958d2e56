"""PKCS#12 files: ours read by others and others' read by us, of both eras, with and without password."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from openstreamer.authority import Authority, Credentials, read_pem, read_pkcs12
from openstreamer.errors import AuthorityError
from support.peers import openssl


@pytest.fixture(scope="module")
def pem(made: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Key, certificate and CA of a client as files, for OpenSSL to make PKCS#12 of."""
    state = tmp_path_factory.mktemp("pem") / "state"
    shutil.copytree(made, state)
    with Authority(state) as authority:
        credentials = read_pkcs12(authority.issue("client.example", ["192.0.2.1"]))
    files = {
        "certificate": credentials.certificate_pem,
        "key": credentials.private_key_pem,
        "ca": credentials.ca_pem,
    }
    paths = {}
    for name, content in files.items():
        paths[name] = state / f"{name}.pem"
        paths[name].write_bytes(content)
    return paths


def holds(credentials: Credentials, pem: dict[str, Path]) -> bool:
    return (
        credentials.certificate_pem == pem["certificate"].read_bytes()
        and credentials.private_key_pem == pem["key"].read_bytes()
        and credentials.ca_pem == pem["ca"].read_bytes()
    )


# Ours, read by others


@pytest.mark.parametrize("compat", [False, True], ids=["modern", "compat"])
@pytest.mark.parametrize(
    "password", [None, "", "secret", "pässwörd €"], ids=["none", "empty", "ascii", "unicode"]
)
def test_openssl_reads_ours(authority: Authority, tmp_path: Path, password: str | None, compat: bool) -> None:
    content = authority.issue("client.example", ["192.0.2.1"], password=password, compat=compat)
    file = tmp_path / "client.pkcs12"
    file.write_bytes(content)
    word = tmp_path / "password"
    word.write_text(f"{password or ''}\n", "utf-8")
    done = openssl("pkcs12", "-in", file, "-passin", f"file:{word}", "-nodes", "-info")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b"-----BEGIN CERTIFICATE-----") == 2
    assert len(re.findall(rb"-----BEGIN PRIVATE KE[Y]-----", done.stdout)) == 1
    info = done.stderr.decode()
    assert f"MAC: {'sha1' if compat else 'sha256'}" in info
    if password:
        assert ("pbeWithSHA1And3-KeyTripleDES-CBC" if compat else "AES-256-CBC") in info
    own = read_pkcs12(content, password)
    assert own.certificate_pem in done.stdout
    assert own.ca_pem in done.stdout


def test_a_wrong_password_does_not_open_ours(authority: Authority, tmp_path: Path) -> None:
    for host, compat in (("a.example", False), ("b.example", True)):
        file = tmp_path / host
        file.write_bytes(authority.issue(host, password="secret", compat=compat))
        assert openssl("pkcs12", "-in", file, "-passin", "pass:wrong", "-nodes").returncode != 0


@pytest.mark.parametrize("compat", [False, True], ids=["modern", "compat"])
def test_java_reads_ours(authority: Authority, tmp_path: Path, compat: bool) -> None:
    """With a password: without one, Java's own tool does not look at the entries of any file."""
    keytool = shutil.which("keytool")
    if keytool is None:
        # Java is a heavy guest: where it isn't installed, OpenSSL's word has to do.
        return
    file = tmp_path / "client.pkcs12"
    file.write_bytes(authority.issue("client.example", password="secret", compat=compat))
    done = subprocess.run(
        [keytool, "-list", "-storetype", "PKCS12", "-keystore", file, "-storepass:env", "WORD"],
        env={**os.environ, "WORD": "secret"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "client.example" in done.stdout
    assert "PrivateKeyEntry" in done.stdout


# Others', read by us

OLD = ["-legacy", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1"]
FORMS = {
    "today": [],
    "RC2-40": [*OLD, "-certpbe", "PBE-SHA1-RC2-40"],
    "3DES": [*OLD, "-certpbe", "PBE-SHA1-3DES"],
    "nothing encrypted": ["-keypbe", "NONE", "-certpbe", "NONE"],
    "nothing encrypted, no check": ["-keypbe", "NONE", "-certpbe", "NONE", "-nomac"],
    "no friendly name, reversed": ["-CSP", "some provider"],
}


@pytest.mark.parametrize("password", ["", "secret", "pässwörd €"], ids=["empty", "ascii", "unicode"])
@pytest.mark.parametrize("form", FORMS)
def test_we_read_openssls(pem: dict[str, Path], tmp_path: Path, form: str, password: str) -> None:
    file = tmp_path / "other.p12"
    word = tmp_path / "password"
    word.write_text(f"{password}\n", "utf-8")
    done = openssl(
        *("pkcs12", "-export", "-out", file, "-passout", f"file:{word}", "-name", "client", *FORMS[form]),
        *("-in", pem["certificate"], "-inkey", pem["key"], "-certfile", pem["ca"]),
    )
    assert done.returncode == 0, done.stderr
    assert holds(read_pkcs12(file, password), pem)
    assert holds(read_pkcs12(file.read_bytes(), password.encode()), pem)
    if not password:
        assert holds(read_pkcs12(str(file)), pem)
    elif "-nomac" not in FORMS[form]:
        with pytest.raises(AuthorityError, match="cannot be opened with this password"):
            read_pkcs12(file, "wrong")
        with pytest.raises(AuthorityError, match="needs its password"):
            read_pkcs12(file)


def test_without_a_ca_certificate(pem: dict[str, Path], tmp_path: Path) -> None:
    file = tmp_path / "other.p12"
    done = openssl(
        *("pkcs12", "-export", "-out", file, "-passout", "pass:"),
        *("-in", pem["certificate"], "-inkey", pem["key"]),
    )
    assert done.returncode == 0, done.stderr
    credentials = read_pkcs12(file)
    assert credentials.ca_pem == b""
    assert credentials.certificate_pem == pem["certificate"].read_bytes()


def test_without_a_key(pem: dict[str, Path], tmp_path: Path) -> None:
    file = tmp_path / "other.p12"
    done = openssl(
        "pkcs12", "-export", "-nokeys", "-out", file, "-passout", "pass:", "-in", pem["certificate"]
    )
    assert done.returncode == 0, done.stderr
    with pytest.raises(AuthorityError, match="no private key"):
        read_pkcs12(file)


@pytest.mark.parametrize(
    "content",
    [b"", b"0", b"0\x82", b"not at all", b"0\x80\x02\x01\x03\0\0", b"0\x03\x02\x01\x03", bytes(100)],
)
def test_what_is_no_pkcs12_file(content: bytes) -> None:
    with pytest.raises(AuthorityError, match="PKCS#12"):
        read_pkcs12(content)


def test_a_pem_file_is_recognised(pem: dict[str, Path]) -> None:
    with pytest.raises(AuthorityError, match="is a PEM file"):
        read_pkcs12(pem["certificate"])


def test_a_file_that_is_missing_or_far_too_large(tmp_path: Path) -> None:
    with pytest.raises(AuthorityError, match=r"cannot read .*missing"):
        read_pkcs12(tmp_path / "missing")
    large = tmp_path / "large"
    large.write_bytes(bytes(2 << 20))
    with pytest.raises(AuthorityError, match="too large"):
        read_pkcs12(large)


def test_truncated_and_changed_files(authority: Authority) -> None:
    content = authority.issue("client.example")
    for length in range(0, len(content), 37):
        with pytest.raises(AuthorityError):
            read_pkcs12(content[:length])
    for place in range(0, len(content), 53):
        changed = bytearray(content)
        changed[place] ^= 0x55
        with pytest.raises(AuthorityError):
            read_pkcs12(bytes(changed))


def test_credentials_do_not_show_the_key(authority: Authority) -> None:
    assert "PRIVATE" not in repr(read_pkcs12(authority.issue("client.example")))


# PEM


def test_pem_files(pem: dict[str, Path], tmp_path: Path) -> None:
    assert holds(read_pem(pem["certificate"], pem["key"], pem["ca"]), pem)
    both = tmp_path / "both.pem"
    both.write_bytes(pem["key"].read_bytes() + pem["certificate"].read_bytes())
    credentials = read_pem(both)
    assert credentials.certificate_pem == pem["certificate"].read_bytes()
    assert credentials.ca_pem == b""
    # A password that is not needed does no harm.
    assert read_pem(both, password="secret") == credentials


@pytest.mark.parametrize("form", [[], ["-traditional"]])
def test_an_encrypted_pem_key(pem: dict[str, Path], tmp_path: Path, form: list[str]) -> None:
    key = tmp_path / "key.pem"
    done = openssl("rsa", "-in", pem["key"], "-aes256", "-passout", "pass:secret", "-out", key, *form)
    assert done.returncode == 0, done.stderr
    assert holds(read_pem(pem["certificate"], key, pem["ca"], password="secret"), pem)
    with pytest.raises(AuthorityError, match="needs its password"):
        read_pem(pem["certificate"], key)
    with pytest.raises(AuthorityError, match="with this password"):
        read_pem(pem["certificate"], key, password="wrong")


def test_pem_files_that_do_not_fit(pem: dict[str, Path], made: Path) -> None:
    with pytest.raises(AuthorityError, match="does not belong"):
        read_pem(pem["certificate"], made / "authority" / "server.pem")
    with pytest.raises(AuthorityError, match="holds no certificate"):
        read_pem(pem["key"])
    with pytest.raises(AuthorityError, match="holds no certificate"):
        read_pem(pem["certificate"], pem["key"], pem["key"])
    with pytest.raises(AuthorityError, match="cannot be read"):
        read_pem(pem["certificate"])
