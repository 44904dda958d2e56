"""The listener's TLS context against a client in memory, and against OpenSSL's client over a socket."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from openstreamer.authority import Authority, Credentials, read_pkcs12
from openstreamer.authority.tls import server_context
from openstreamer.errors import AuthorityError, ConfigurationError
from support.peers import der, openssl
from support.tls_talk import Talk, client_context


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority of today: TLS looks at the real clock."""
    state = tmp_path_factory.mktemp("tls")
    with Authority(state) as authority:
        authority.create()
    return state


@pytest.fixture(scope="module")
def credentials(state: Path) -> Credentials:
    with Authority(state) as authority:
        return read_pkcs12(authority.issue("client.example", ["127.0.0.1"]))


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    """Credentials of another authority."""
    with Authority(tmp_path_factory.mktemp("foreign")) as authority:
        authority.create()
        return read_pkcs12(authority.issue("client.example", ["127.0.0.1"]))


def contexts(state: Path, credentials: Credentials) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return client_context(credentials), server_context(Authority(state).server_context_files())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_ends_know_each_other(state: Path, credentials: Credentials, version: ssl.TLSVersion) -> None:
    client, server = contexts(state, credentials)
    client.maximum_version = version
    talk = Talk(client, server)
    assert talk.client.version() == version.name.replace("_", ".")
    shown = talk.server.getpeercert(binary_form=True)
    assert shown == der(credentials.certificate_pem)
    with Authority(state) as authority:
        assert authority.check_peer(shown, "127.0.0.1").host == "client.example"
    seen = talk.client.getpeercert(binary_form=True)
    assert seen is not None
    assert seen == der((state / "authority" / "server.pem").read_bytes())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_resumed_session_still_shows_its_certificate(
    state: Path, credentials: Credentials, version: ssl.TLSVersion
) -> None:
    client, server = contexts(state, credentials)
    client.maximum_version = version
    first = Talk(client, server)
    session = first.client.session
    assert session is not None
    second = Talk(client, server, session)
    assert second.client.session_reused
    assert second.server.getpeercert(binary_form=True) == der(credentials.certificate_pem)


def test_a_client_of_another_authority_is_refused(
    state: Path, credentials: Credentials, foreign: Credentials
) -> None:
    mixed = Credentials(foreign.certificate_pem, foreign.private_key_pem, credentials.ca_pem)
    with pytest.raises(ssl.SSLError, match=r"(?i)certificate verify failed|unknown ca"):
        Talk(*contexts(state, mixed))


def test_a_client_without_a_certificate_is_refused(state: Path, credentials: Credentials) -> None:
    server = server_context(Authority(state).server_context_files())
    client = ssl.create_default_context(cadata=credentials.ca_pem.decode())
    with pytest.raises(ssl.SSLError, match=r"(?i)did not return a certificate"):
        Talk(client, server)


def test_a_server_of_another_authority_is_refused(
    state: Path, credentials: Credentials, foreign: Credentials
) -> None:
    mixed = Credentials(credentials.certificate_pem, credentials.private_key_pem, foreign.ca_pem)
    with pytest.raises(ssl.SSLError, match="certificate verify failed"):
        Talk(*contexts(state, mixed))


def test_versions(state: Path, credentials: Credentials) -> None:
    files = Authority(state).server_context_files()
    assert server_context(files).minimum_version == ssl.TLSVersion.TLSv1_2
    only = server_context(files, minimum="1.3")
    client = client_context(credentials)
    assert Talk(client, only).client.version() == "TLSv1.3"
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        Talk(client, only)
    for minimum in ("2", ""):
        with pytest.raises(ConfigurationError, match="is not one of"):
            server_context(files, minimum=minimum)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated")
def test_tls_1_0_by_explicit_switch_only(state: Path, credentials: Credentials) -> None:
    files = Authority(state).server_context_files()

    def old_client() -> ssl.SSLContext:
        context = client_context(credentials)
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
        return context

    assert Talk(old_client(), server_context(files, minimum="1.0")).client.version() == "TLSv1"
    with pytest.raises(ssl.SSLError):
        Talk(old_client(), server_context(files))


def test_server_files_that_cannot_be_used(state: Path, tmp_path: Path) -> None:
    files = Authority(tmp_path).server_context_files()
    with pytest.raises(AuthorityError, match=r"server\.pem \(No such file.*init --force"):
        server_context(files)
    shutil.copytree(state, tmp_path / "copy")
    files = Authority(tmp_path / "copy").server_context_files()
    for path in (files.trusted, files.certificate):
        path.write_text("no certificate\n")
        with pytest.raises(AuthorityError, match=rf"{path.name} \(it does not hold .*put back a copy"):
            server_context(files)


# OpenSSL's own client over a socket


@pytest.fixture
def listener(state: Path) -> Iterator[int]:
    """A server that greets each client that gets through the handshake; its port."""
    context = server_context(Authority(state).server_context_files())
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                with contextlib.suppress(OSError):
                    plain, _ = server.accept()
                    plain.settimeout(10)
                    with plain, context.wrap_socket(plain, server_side=True) as connection:
                        connection.sendall(b"greetings\n")
                        connection.unwrap()

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        stop.set()
        thread.join()


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssls_client_with_our_certificate(
    listener: int, credentials: Credentials, tmp_path: Path, version: str
) -> None:
    done = openssl(
        *("s_client", "-connect", f"127.0.0.1:{listener}", version, "-verify_return_error", "-quiet"),
        *("-cert", write(tmp_path / "certificate.pem", credentials.certificate_pem)),
        *("-key", write(tmp_path / "key.pem", credentials.private_key_pem)),
        *("-CAfile", write(tmp_path / "ca.pem", credentials.ca_pem), "-verify_hostname", "localhost"),
    )
    assert b"greetings" in done.stdout, done.stderr


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("who", ["nobody", "foreign"])
def test_openssls_client_without_one_of_ours(
    listener: int, foreign: Credentials, tmp_path: Path, who: str, version: str
) -> None:
    shown: list[str | Path] = []
    if who == "foreign":
        shown = [
            *("-cert", write(tmp_path / "certificate.pem", foreign.certificate_pem)),
            *("-key", write(tmp_path / "key.pem", foreign.private_key_pem)),
        ]
    done = openssl("s_client", "-connect", f"127.0.0.1:{listener}", version, "-quiet", *shown)
    assert b"greetings" not in done.stdout
    assert b"alert" in done.stderr


def test_openssls_client_of_an_older_version_is_refused(listener: int) -> None:
    done = openssl(
        *("s_client", "-connect", f"127.0.0.1:{listener}", "-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0")
    )
    assert b"greetings" not in done.stdout
    assert b"alert protocol version" in done.stderr
