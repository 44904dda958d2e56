"""testssl.sh (Debian: testssl.sh) against both ports: nothing above LOW.

It is told to trust the server's authority, as clients and browsers are that know it. Rules: `docs/server.md`,
"TLS".
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from openstreamer.server.settings import CertificateSettings, Settings
from support.live_service import LiveService, Start, start, template
from support.programs import program
from support.web_client import WebClient, start_with_pages

__all__ = ["start", "template"]

SERIOUS = {"MEDIUM", "HIGH", "CRITICAL", "FATAL"}


def publish_lists(live: LiveService) -> None:
    """Have the server's certificate name where its revocation list is."""
    base = f"http://localhost:{urlsplit(live.service.web_address).port}"
    certificates = CertificateSettings(revocation_list_url=base)
    live.call(lambda: live.service.reload(Settings(certificates=certificates)))
    live.service.authority.renew_server(within_days=None)
    live.call(live.service.renew_context)


def findings(address: str, trusted: Path, folder: Path, *checks: str) -> dict[str, tuple[str, str]]:
    """Severity and text by id."""
    report = folder / "report.json"
    command = [
        program("testssl"), "--warnings", "off", "--color", "0", "--nodns", "none", "--quiet",
        "--connect-timeout", "20", "--openssl-timeout", "20", "--add-ca", str(trusted),
        *checks, "--jsonfile", str(report), address,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=folder, check=False)
    assert report.exists(), done.stdout + done.stderr
    rows = json.loads(report.read_text("utf-8"))
    return {row["id"]: (row["severity"], row["finding"]) for row in rows}


def serious(found: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    return {name: about for name, about in found.items() if about[0] in SERIOUS}


def trusted(live: LiveService) -> Path:
    return live.service.authority.server_context_files().trusted


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_port_of_the_clients(start: Start, tmp_path: Path) -> None:
    live = start_with_pages(start)
    publish_lists(live)
    found = findings(
        f"127.0.0.1:{live.port}",
        trusted(live),
        tmp_path,
        "--protocols",
        "--standard",
        "--server-defaults",
        "-U",
    )
    assert serious(found) == {}
    for old in ("SSLv2", "SSLv3", "TLS1", "TLS1_1"):
        assert found[old][1].startswith("not offered"), old
    assert found["TLS1_3"][1].startswith("offered")
    assert found["cert_chain_of_trust"][0] == "OK"
    assert found["cert_trust"][0] == "OK"
    assert found["secure_renego"][0] == "OK"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_port_of_the_pages(start: Start, tmp_path: Path) -> None:
    live = start_with_pages(start, web="0.0.0.0:0")
    publish_lists(live)
    found = findings(
        f"127.0.0.1:{WebClient(live).port}",
        trusted(live),
        tmp_path,
        "--protocols",
        "--standard",
        "--server-defaults",
        "--headers",
        "--heartbleed",
        "--ccs-injection",
        "--ticketbleed",
        "--robot",
        "--renegotiation",
        "--compression",
    )
    assert serious(found) == {}
    assert found["TLS1_1"][1].startswith("not offered")
    assert found["cipherlist_AVERAGE"][0] in ("OK", "INFO"), "no CBC for browsers"
    assert found["cert_chain_of_trust"][0] == "OK"
    assert found["secure_client_renego"][0] == "OK"


def test_a_client_cannot_renegotiate(start: Start) -> None:
    """Each renegotiation costs the server far more than the client."""
    live = start()
    certificate = str(live.certificates["one"])
    done = subprocess.run(
        [
            program("openssl"), "s_client", "-connect", f"127.0.0.1:{live.port}", "-tls1_2",
            "-cert", certificate, "-key", certificate,
        ],
        input="R\n", capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert "RENEGOTIATING" in said
    assert "no renegotiation" in said, said[-600:]
