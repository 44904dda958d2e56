"""Syslog: against a real rsyslogd, over every transport; grouping; lost connections."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from openstreamer.errors import OutputError, UsageError
from openstreamer.outputs.batch import Batch
from openstreamer.outputs.interface import OutputFull, Refused
from openstreamer.outputs.registry import OutputSpec, create
from openstreamer.outputs.senders import Address, parse_address, shortened
from openstreamer.outputs.syslog import SyslogOutput
from openstreamer.protocol.identity import stable_id
from openstreamer.protocol.records import Record
from support import batches, hand_made
from support.log_servers import free_port, rsyslogd


def output(target: str, settings: str = "") -> SyslogOutput:
    made = create(OutputSpec("syslog", settings, target))
    assert isinstance(made, SyslogOutput)
    return made


def send(target: str, settings: str, *parts: Batch) -> None:
    made = output(target, settings)
    made.open(None)
    for part in parts:
        made.write(part)
        made.flush()
    made.finish()
    made.close()


def many(count: int) -> Batch:
    return batches.batch(*[batches.alert(event_id=number) for number in range(count)])


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_rsyslog_gets_every_message_and_the_tail(transport: str, tmp_path: Path) -> None:
    with rsyslogd(tmp_path, transport) as server:
        settings = f"ca={tmp_path}/ca.pem" if transport == "tls" else ""
        send(server.target, settings, *[many(1000) for _ in range(3)])
        lines = server.wait_for(3000)
    assert len(lines) == 3000
    facility, severity, moment, _, name, event, structured, text = lines[0].split("|", 7)
    assert (facility, severity, name, event) == ("user", "warning", "openstreamer", "intrusion_event")
    assert moment.startswith("2023-11-14T")
    identity = stable_id(batches.alert(event_id=0))
    assert (
        structured == f'[openstreamer@32473 id="{identity}" class="intrusion" server="fmc1:8302" count="1"]'
    )
    assert text.lstrip().startswith("ET SCAN Potential SSH Scan id=")
    assert "source_ip=192.0.2.1 source_port=51515 destination_ip=198.51.100.7" in text


def test_udp_in_the_old_form(tmp_path: Path) -> None:
    with rsyslogd(tmp_path, "udp") as server:
        send(server.target, "format=rfc3164,facility=local3,severity=alert,tag=ids,hostname=here", many(3))
        lines = server.wait_for(3)
    facility, severity, _, host, name, *_ = lines[0].split("|")
    assert (facility, severity, host, name) == ("local3", "alert", "here", "ids")
    assert "ET SCAN" in lines[0]


def test_the_local_service(tmp_path: Path) -> None:
    with rsyslogd(tmp_path, "local") as server:
        send(server.target, "content=reference", many(3))
        lines = server.wait_for(3)
    assert lines[0].endswith(
        "AlertPriority 2 SourceIp 192.0.2.1 DestinationIp 198.51.100.7 sfAlertCount 1 SourcePort 51515"
        " DestinationPort 22 EventMessage Sourcefire Alert ET SCAN Potential SSH Scan"
    )


@pytest.mark.parametrize("content", ["cef", "json"])
def test_other_contents(content: str, tmp_path: Path) -> None:
    parts = batches.batch(batches.alert(), batches.packet(), batches.connection(), batches.unknown())
    with rsyslogd(tmp_path, "tcp") as server:
        send(server.target, f"content={content}", parts)
        lines = server.wait_for(4)
    texts = [line.split("|", 7)[7].strip() for line in lines]
    if content == "cef":
        assert all(text.startswith("CEF:0|OpenStreamer|OpenStreamer|") for text in texts)
    else:
        assert [json.loads(text)["record_type"] for text in texts] == [400, 2, 71, 31_000]


def test_nothing_in_an_event_begins_another_message(tmp_path: Path) -> None:
    evil = batches.batch(batches.alert())
    assert evil.names is not None
    rule = Record(66, hand_made.rule_message(1, 2001219, 20, "one\n<0>1 - evil - - - - two\x1b[31m"))
    evil.names.learn(rule)  # type: ignore[attr-defined]
    with rsyslogd(tmp_path, "tcp") as server:
        send(server.target, "", evil)
        lines = server.wait_for(1)
    assert len(lines) == 1
    assert "one\\x0a<0>1 - evil" in lines[0]
    assert "\x1b" not in lines[0]


def test_a_server_with_a_foreign_certificate_gets_nothing(tmp_path: Path) -> None:
    with rsyslogd(tmp_path, "tls") as server:
        made = output(server.target)
        made.open(None)
        with pytest.raises(OutputFull, match="cannot be connected"):
            made.write(many(1))
        made.close()
        assert server.lines() == []
        send(server.target, "verify=no", many(1))
        server.wait_for(1)


def test_a_missing_authority_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be used for TLS"):
        output("tls://127.0.0.1:1", f"ca={tmp_path}/none.pem").open(None)


def test_a_server_that_comes_back_gets_everything(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    made = output(f"tcp://127.0.0.1:{free_port()}")
    made.open(None)
    batch = many(5)
    with pytest.raises(OutputFull):
        made.write(batch)
    made.close()
    with rsyslogd(one, "tcp") as server:
        made = output(server.target)
        made.open(None)
        made.write(batch)
        server.wait_for(5)
    with pytest.raises(OutputFull):
        made.write(many(7))
    with rsyslogd(two, "tcp", server.port) as again:
        made.write(many(7))
        made.close()
        assert len(again.wait_for(7)) == 7


def test_udp_where_nobody_listens_is_noticed() -> None:
    made = output(f"udp://127.0.0.1:{free_port(socket.SOCK_DGRAM)}")
    made.open(None)
    made.deliver([])
    with contextlib.suppress(OutputFull):  # the first may be told at once
        made.write(many(1))
        time.sleep(0.05)
        with pytest.raises(OutputFull):
            made.write(many(1))
    made.close()


class Catching:
    """A UDP socket that keeps what comes."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(5)
        self.target = f"udp://127.0.0.1:{self.socket.getsockname()[1]}"

    def next(self) -> str:
        return self.socket.recv(65536).decode()

    def nothing(self) -> bool:
        self.socket.settimeout(0.05)
        try:
            self.socket.recv(65536)
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(5)
        return False


@pytest.fixture
def catching() -> Any:
    caught = Catching()
    yield caught
    caught.socket.close()


def low(number: int) -> Record:
    """An alert of priority 3."""
    record = batches.alert(event_id=number)
    assert record.data[40:44] == b"\0\0\0\2"
    return Record(400, record.data[:40] + b"\0\0\0\3" + record.data[44:], record.archive_time)


def test_low_priorities_are_grouped_and_sent_at_the_end(catching: Catching) -> None:
    made = output(catching.target, "group=120,content=reference")
    made.open(None)
    made.write(batches.batch(low(1), batches.alert(event_id=2), low(3)))
    assert "sfAlertCount 1 " in catching.next()
    assert catching.nothing()
    made.write(batches.batch(low(4)))
    made.finish()
    assert "AlertPriority 3 " in (last := catching.next())
    assert "sfAlertCount 3 " in last
    assert catching.nothing()
    assert made.place() == {"held": []}
    made.close()


def test_groups_are_sent_by_the_timer(catching: Catching) -> None:
    made = output(catching.target, "group=1")
    made.open(None)
    began = time.monotonic()
    made.write(batches.batch(low(1), low(2)))
    assert 'count="2"' in catching.next()
    assert time.monotonic() - began >= 0.9
    made.close()


def test_what_is_held_survives_in_the_position(catching: Catching) -> None:
    first = output(catching.target, "group=120")
    first.open(None)
    first.write(batches.batch(low(1), low(2)))
    place = json.loads(json.dumps(first.place()))
    second = output(catching.target, "group=120")
    second.open(place)
    second.write(batches.batch(low(3)))
    second.finish()
    message = catching.next()
    assert 'count="3"' in message
    assert f'id="{stable_id(low(3))}"' in message


def test_a_batch_offered_again_is_not_counted_again() -> None:
    made = output(f"tcp://127.0.0.1:{free_port()}", "group=120")
    made.open(None)
    batch = batches.batch(low(1), batches.alert())
    for _ in range(3):
        with pytest.raises(OutputFull):
            made.write(batch)
    assert made.place() == {"held": []}
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", made._address.port))
        listener.listen()
        made.write(batch)
        place = made.place()
        assert place is not None
        assert [held["count"] for held in place["held"]] == [1]
        listener.accept()[0].close()
        listener.close()
        time.sleep(0.05)
        with pytest.raises(OutputFull):
            made.finish()
    made.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-", Address("local", "/dev/log")),
        ("local", Address("local", "/dev/log")),
        ("/run/x", Address("local", "/run/x")),
        ("unix:///run/x", Address("local", "/run/x")),
        ("logs", Address("udp", "logs", 514)),
        ("logs:5514", Address("udp", "logs", 5514)),
        ("tcp://logs", Address("tcp", "logs", 601)),
        ("tls://[::1]:1", Address("tls", "::1", 1)),
        ("tls://[::1]", Address("tls", "::1", 6514)),
    ],
)
def test_addresses(text: str, expected: Address) -> None:
    assert parse_address(text) == expected
    assert parse_address(str(expected)) == expected


@pytest.mark.parametrize("text", ["http://logs", "tcp://", "tcp://logs:port", "udp://logs:70000"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError):
        parse_address(text)


def test_messages_are_cut_between_characters(catching: Catching) -> None:
    assert shortened("aé".encode(), 2) == b"a"
    made = output(catching.target, "limit=480,content=json,oversize=cut")
    made.open(None)
    made.write(many(1))
    assert len(catching.next().encode()) == 480
    made.close()


def test_what_is_too_long_to_be_cut_is_refused_and_all_else_is_taken(catching: Catching) -> None:
    made = output(catching.target, "limit=3500,content=json")
    made.open(None)
    long = batches.packet(data=bytes(3000))
    with pytest.raises(Refused, match="more than the limit of 3500") as caught:
        made.write(batches.batch(batches.packet(), long, batches.packet()))
    assert [row.index for row in caught.value.refused] == [1]
    assert catching.next()
    assert catching.next()
    assert catching.nothing()
    made.write(batches.batch(batches.packet()))
    assert catching.next()
    made.close()


def test_a_refusal_is_told_once_however_often_the_batch_was_offered() -> None:
    port = free_port()
    made = output(f"tcp://127.0.0.1:{port}", "limit=3500,content=json")
    made.open(None)
    batch = batches.batch(batches.packet(data=bytes(3000)), batches.alert())
    for _ in range(2):
        with pytest.raises(OutputFull):
            made.write(batch)
    with socket.create_server(("127.0.0.1", port)), pytest.raises(Refused) as caught:
        made.write(batch)
    assert [row.index for row in caught.value.refused] == [0]


def test_the_head_of_a_message(catching: Catching) -> None:
    made = output(catching.target, "hostname=h")
    made.open(None)
    made.write(many(1))
    assert re.match(
        r"<12>1 2023-11-14T22:13:20\.123\d{3}Z h openstreamer \d+ intrusion_event \[openstreamer@32473 ",
        catching.next(),
    )
    made.close()


def test_a_whole_client_delivers_to_rsyslogd_and_goes_on_where_it_ended(tmp_path: Path) -> None:
    from support.certificates import authority
    from support.hand_made import SECOND, intrusion_85, record
    from support.processes import Place
    from support.scripted_server import Conversation, serving

    def script(conversation: Conversation) -> None:
        since, _ = conversation.greet()
        if since <= SECOND:
            conversation.bundles([record(400, intrusion_85(event_id=n), SECOND) for n in range(500)])
        conversation.wait_for_end()

    pkcs12 = authority().pkcs12(tmp_path / "client.pkcs12", "client")
    with rsyslogd(tmp_path, "tls") as logs, serving(script, tmp_path) as server:
        place = Place(tmp_path)
        for count in (300, 200):
            place.run(
                "stream", f"127.0.0.1:{server.port}", "--pkcs12", pkcs12, "--count", str(count),
                "-o", f"syslog:ca={tmp_path}/ca.pem,group=120", "-f", logs.target,
            )  # fmt: skip
        lines = logs.wait_for(500)
    assert len({re.search(r'id="(\w+)"', line)[1] for line in lines}) == 500  # type: ignore[index]
    assert len(lines) == 500
