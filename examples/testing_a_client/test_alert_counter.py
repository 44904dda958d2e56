"""Tests of alert_counter.py against a real server: run `pytest examples/testing_a_client`."""

from collections import Counter
from pathlib import Path

import pytest
from alert_counter import count_alerts

from openstreamer import OpenStreamerError
from openstreamer.testing import LocalServer


def alert(source: str) -> dict[str, object]:
    """An alert as JSON has it; what is left out is zero or empty."""
    return {"event": "intrusion_event", "data": {"source_ip": source}}


def count(server: LocalServer, folder: Path) -> Counter[str]:
    """Call the program as users would."""
    return count_alerts(server.host, server.port, server.pkcs12, server.password, folder / "position")


def test_alerts_are_counted_once(estreamer_server: LocalServer, tmp_path: Path) -> None:
    estreamer_server.send(alert("192.0.2.1"), alert("192.0.2.1"), alert("192.0.2.7"))
    assert count(estreamer_server, tmp_path) == {"192.0.2.1": 2, "192.0.2.7": 1}
    estreamer_server.restart()
    estreamer_server.send(alert("192.0.2.9"))
    assert count(estreamer_server, tmp_path) == {"192.0.2.9": 1}


def test_other_events_are_not_alerts(estreamer_server: LocalServer, tmp_path: Path) -> None:
    estreamer_server.send({"event": "connection_statistics", "data": {"initiator_ip": "192.0.2.1"}})
    assert count(estreamer_server, tmp_path) == {}


def test_a_revoked_client_is_told(estreamer_server: LocalServer, tmp_path: Path) -> None:
    estreamer_server.revoke()
    with pytest.raises(OpenStreamerError):
        count(estreamer_server, tmp_path)
