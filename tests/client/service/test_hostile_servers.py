"""Servers that reset, talk nonsense, refuse, fall silent, change their certificate: patience, then events."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from openstreamer.client.service import source as source_module
from openstreamer.client.service.health import reasons
from openstreamer.client.service.states import OutputHealth, ServerHealth, ServiceHealth, SourceHealth
from support import hand_made
from support.certificates import Authority, authority
from support.client_service import numbers_of, output_section, running
from support.hand_made import SECOND, record
from support.scripted_server import Conversation, ScriptedServer, serving


def alerts(*numbers: int, second: int = SECOND) -> list[bytes]:
    return [record(400, hand_made.intrusion_85(event_id=number), second) for number in numbers]


def section(folder: Path, server: ScriptedServer, **more: object) -> str:
    certificate, key = authority().pem_files(folder, "client")
    (folder / "ca.pem").write_bytes(authority().pem)
    values = {"read_deadline": 1, **more}
    return (
        f'[servers.fmc]\nhost = "127.0.0.1"\nport = {server.port}\n'
        f'certificate = "{certificate}"\nkey = "{key}"\n'
        'authority = "ca.pem"\nretry_first_seconds = 0.05\nretry_limit_seconds = 0.2\n'
        + "".join(f"{name} = {value}\n" for name, value in values.items())
    )


def resets(conversation: Conversation) -> None:
    conversation.send(hand_made.bundle(1, alerts(1, 2)))
    conversation.receive()
    conversation.reset()


def talks_nonsense(conversation: Conversation) -> None:
    conversation.send(hand_made.bundle(1, alerts(1, 2)))
    conversation.receive()
    conversation.send(b"\x00\x07nonsense" * 20)
    conversation.wait_for_end()


def refuses(conversation: Conversation) -> None:
    conversation.send(struct.pack(">HHI", 1, 1, 14) + struct.pack(">IH", 3, 8) + b"go away\0")
    conversation.close()


def leaves(conversation: Conversation) -> None:
    conversation.close()


def falls_silent(conversation: Conversation) -> None:
    conversation.send(hand_made.bundle(1, alerts(1, 2)))
    conversation.wait_for_end()


@pytest.mark.parametrize("misbehave", [resets, talks_nonsense, refuses, leaves, falls_silent])
def test_three_bad_sessions_and_a_good_one(tmp_path: Path, misbehave: Callable[[Conversation], None]) -> None:
    asked = []

    def script(conversation: Conversation) -> None:
        asked.append(conversation.greet()[0])
        if conversation.number < 3:
            misbehave(conversation)
            return
        conversation.bundles(alerts(1, 2, 3) + alerts(4, second=SECOND + 1))
        conversation.wait_for_end()

    with serving(script, tmp_path) as server:
        text = section(tmp_path, server) + output_section("file", "json", "events.json")
        with running(tmp_path, text) as run:
            run.wait_written("file", 4)
            assert run.server("fmc").sessions == 4
    assert numbers_of(tmp_path / "events.json") == [1, 2, 3, 4]
    assert asked[0] == 0
    assert set(asked[1:]) <= {0, SECOND}


def test_another_certificate_is_refused_until_it_is_the_right_one_again(tmp_path: Path) -> None:
    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.bundles(alerts(1))
        conversation.wait_for_end()

    with serving(script, tmp_path, own=Authority("another")) as server:
        text = section(tmp_path, server) + output_section("file", "json", "events.json")
        with running(tmp_path, text) as run:
            run.wait(lambda: "not to be trusted" in run.server("fmc").trouble, "the refusal")
            assert "not to be trusted" in run.service.health().reasons[0]
            (tmp_path / "ca.pem").write_bytes(server.own.pem)
            # the same text, but a file that it names is another: that is a change
            run.reload(text)
            run.wait_written("file", 1)


def test_a_primary_that_greets_and_refuses_is_not_back(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "SETTLED", 30.0)
    other = tmp_path_factory.mktemp("secondary")

    def refusing(conversation: Conversation) -> None:
        conversation.greet()
        refuses(conversation)

    def good(conversation: Conversation) -> None:
        conversation.greet()
        conversation.bundles(alerts(1, 2))
        conversation.wait_for_end()

    with serving(refusing, tmp_path) as primary, serving(good, other) as secondary:
        text = section(tmp_path, primary).replace("servers.fmc", "servers.one")
        text += section(tmp_path, secondary).replace("servers.fmc", "servers.two")
        text += '[pairs.ha]\nprimary = "one"\nsecondary = "two"\ntake_over_seconds = 0.5\n'
        with running(tmp_path, text + output_section("file", "json", "events.json")) as run:
            run.wait_written("file", 2)
            sessions = run.server("one").sessions
            run.wait(lambda: run.server("one").sessions > sessions + 1, "more refusals")
            source = run.service.health().sources[0]
            assert (source.active, source.take_overs) == ("two", 1)


def server_health(**changes: object) -> ServerHealth:
    values: dict[str, object] = {
        "name": "fmc", "address": "fmc:8302", "asked": True, "connected": True, "alive": True,
        "message_age": 1.0, "event_age": 1.0, "newest": 1, "lag": 0.0, "waiting_for": "", "trouble": "",
        "sessions": 1, "received": 0,
        "metadata": 0, "filtered": 0, "undecodable": 0, "bytes": 0,
    }  # fmt: skip
    return ServerHealth(**{**values, **changes})  # type: ignore[arg-type]


def output_health(**changes: object) -> OutputHealth:
    values: dict[str, object] = {
        "name": "file", "format": "json", "target": "/x", "state": "open", "alive": True, "trouble": "",
        "failing_for": 0.0, "busy_for": 0.0, "queue_bytes": 0, "queue_limit": 1, "behind": False, "lag": 0.0,
        "saved_age": 1.0, "written": 0, "filtered": 0, "dropped": 0, "refused": 0, "repeated": 0,
        "retries": 0, "restarts": 0,
    }  # fmt: skip
    return OutputHealth(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("servers", "output", "expected"),
    [
        ([{}], {}, ""),
        ([{"message_age": None}], {}, "fmc has not said anything yet"),
        ([{"message_age": None, "trouble": "no route"}], {}, "fmc has not said anything yet (no route)"),
        ([{"message_age": 61.0}], {}, "fmc has said nothing for 61 s"),
        ([{"message_age": 61.0}, {"message_age": 3.0}], {}, ""),
        ([{"message_age": 61.0, "waiting_for": "file"}], {}, ""),
        ([{}], {"trouble": "full", "failing_for": 10.0}, ""),
        ([{}], {"trouble": "full", "failing_for": 61.0}, "output file has failed for 61 s (full)"),
        ([{}], {"busy_for": 61.0}, "output file has been busy with one batch for 61 s"),
        ([{}], {"alive": False}, "the thread of file has ended"),
        ([{"alive": False}], {}, "the thread of fmc has ended"),
    ],
)
def test_what_is_not_well(servers: list[dict[str, object]], output: dict[str, object], expected: str) -> None:
    source = SourceHealth(
        name="fmc", pair=len(servers) > 1, active="fmc", take_overs=0, take_over_gap=0, take_over_gaps=0,
        running=100, servers=[server_health(**changes) for changes in servers],
    )  # fmt: skip
    state = ServiceHealth(uptime=100, reloads=0, sources=[source], outputs=[output_health(**output)])
    assert reasons(state, 60.0) == ([expected] if expected else [])
