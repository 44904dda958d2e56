"""The openssl command knocks: with no certificate, a stranger's, a revoked one; no byte comes back."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from support.processes import PATIENCE, Place
from support.programs import program

REQUEST = bytes.fromhex("00010002000000080000000048900061")
"""Everything from the beginning, extended: a server that accepts the client answers at once."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    program("openssl")
    place = Place(tmp_path_factory.mktemp("openssl"))
    place.initialise()
    with resources.as_file(resources.files("openstreamer.samples") / "sample.eve.json") as sample:
        place.run("feed", "eve", sample)
    place.serve()
    yield place
    place.stop()


def pem(place: Place, pkcs12: Path) -> Path:
    """Certificate and key of a PKCS#12 file, as the manual says it is taken apart."""
    target = pkcs12.with_suffix(".pem")
    command = ["openssl", "pkcs12", "-in", pkcs12, "-nodes", "-passin", "pass:", "-out", target]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
    return target


def knock(place: Place, *options: str | Path) -> bytes:
    """Send a request and return what comes within two seconds, or until the server closes."""
    command = ["openssl", "s_client", "-quiet", "-connect", f"localhost:{place.port}", *map(str, options)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin is not None
        try:
            process.stdin.write(REQUEST)
            process.stdin.flush()
            process.wait(2)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            pass
        process.kill()
        assert process.stdout is not None
        return process.stdout.read()


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_client_of_ours_is_answered(place: Place, version: str) -> None:
    certificate = pem(place, place.folder / "client.pkcs12")
    answer = knock(place, "-cert", certificate, "-CAfile", certificate, "-verify_return_error", version)
    assert answer.startswith(bytes.fromhex("00010803"))


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_without_a_certificate(place: Place, version: str) -> None:
    assert knock(place, version) == b""


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_with_a_certificate_of_another_authority(place: Place, version: str, tmp_path: Path) -> None:
    stranger = Place(tmp_path)
    certificate = pem(stranger, stranger.initialise())
    assert knock(place, "-cert", certificate, version) == b""


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_with_a_revoked_certificate(place: Place, version: str) -> None:
    pkcs12 = place.folder / f"revoked{version}.pkcs12"
    place.run("clients", "add", "127.0.0.1", "--out", pkcs12)
    certificate = pem(place, pkcs12)
    assert knock(place, "-cert", certificate, version) != b""
    place.run("clients", "revoke", "127.0.0.1")
    time.sleep(1)
    assert knock(place, "-cert", certificate, version) == b""


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_from_a_host_that_the_certificate_does_not_name(place: Place, version: str) -> None:
    pkcs12 = place.folder / f"elsewhere{version}.pkcs12"
    place.run("clients", "add", f"192.0.2.{version[-1]}", f"198.51.100.{version[-1]}", "--out", pkcs12)
    assert knock(place, "-cert", pem(place, pkcs12), version) == b""


def test_an_old_tls_version(place: Place) -> None:
    certificate = pem(place, place.folder / "client.pkcs12")
    assert knock(place, "-cert", certificate, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0") == b""
