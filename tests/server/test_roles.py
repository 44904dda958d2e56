"""A managed device has intrusion events, packets and extra data, and nothing else."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from openstreamer.server.snapshot import take
from support.commands import run
from support.live_service import Start, append, intrusion, packet, start, template
from support.raw_client import request, streaming_request

__all__ = ["start", "template"]

DEVICE = {"server": {"role": "managed-device"}}
ITS_OWN = ["intrusion", "packet", "extra-data"]


def test_init_and_events(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert run("init", "--role", "managed-device", state=state).status == 0
    assert '\nrole = "managed-device"\n' in (state / "openstreamer.toml").read_text()
    assert list(json.loads(run("events", "--json", state=state).out)) == ITS_OWN
    refused = run("events", "enable", "connection", state=state)
    assert refused.status == 2
    assert "managed device" in refused.err
    assert json.loads(run("events", "disable", "all", "--json", state=state).out) == dict.fromkeys(
        ITS_OWN, False
    )
    again = run("init", "--force", "--role", "management-center", state=state)
    assert again.status != 0
    assert "set 'role'" in again.err


def test_what_it_does_not_have_is_not_sent_and_the_log_says_so(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    live = start(settings=DEVICE)
    # An intrusion event, a packet, and a correlation event's record type between them.
    append(live.store, [(400, intrusion(1)), (112, bytes(40)), (2, packet(2))])
    flags = 0x40800001
    with caplog.at_level(logging.INFO, "openstreamer.server"), live.client() as client:
        client.send(request(0, flags))
        assert client.message()[0] == 2051
        client.send(streaming_request(0, flags, [(12, 11), (31, 9), (71, 17)]))
        assert [item.type for item in client.records(2)] == [400, 2]
        client.silence(0.2)
    assert "event type off: correlation, connection" in caplog.text
    assert list(live.call(lambda: take(live.service)).event_types) == ITS_OWN


def test_a_reload_changes_the_role(start: Start) -> None:
    from support.live_service import change

    live = start(settings=DEVICE)
    live.call(lambda: live.service.reload(change({})))
    assert len(live.call(lambda: take(live.service)).event_types) == 10
