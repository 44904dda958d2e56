"""Asking for host profiles, against a server that does as it is told."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import openstreamer
from openstreamer.client.credentials import ClientCredentials
from openstreamer.client.hosts import HostAnswer, HostSettings, ask_all, check_settings, parse_target
from openstreamer.errors import PeerError, RemoteProtocolError, TransportError, UsageError
from support import hand_made
from support.certificates import authority
from support.hand_made import header, null
from support.hand_profiles import host_request, legacy_host_request, profile_149, profile_ipv4
from support.scripted_server import Conversation, ScriptedServer, serving

ONE, TWO = profile_149("192.0.2.1"), profile_149("192.0.2.2")
NO_HOST, NO_MORE_HOSTS = header(6, b""), header(7, b"")


def settings(server: ScriptedServer, folder: Path, **options: object) -> HostSettings:
    path = authority().pkcs12(folder / "client.pkcs12", "client")
    values = {"silence": 0.4, **options}
    return HostSettings(
        host="127.0.0.1",
        port=server.port,
        credentials=ClientCredentials(pkcs12=str(path)),
        **values,  # type: ignore[arg-type]
    )


def answering(*answers: bytes) -> Callable[[Conversation], None]:
    """A server that answers each host data request with the next of these bytes."""

    def script(conversation: Conversation) -> None:
        conversation.greet()
        for data in answers:
            while conversation.receive()[0] != 5:
                pass
            conversation.send(data)
        conversation.wait_for_end()

    return script


def asked(
    folder: Path, script: Callable[[Conversation], None], *targets: str, **options: object
) -> tuple[list[HostAnswer], ScriptedServer]:
    with serving(script, folder) as server:
        wanted = [parse_target(text) for text in targets]
        return list(ask_all(settings(server, folder, **options), wanted)), server


def said(answers: list[HostAnswer]) -> list[bytes | str]:
    return [answer.data if answer.profile is not None else answer.problem for answer in answers]


# --- what can be asked for --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("2001:DB8::0:1", "2001:db8::1", "2001:db8::1"),
        ("192.0.2.1-192.0.2.9", "192.0.2.1", "192.0.2.9"),
        ("192.0.2.1 - 192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("2001:db8::1-2001:db8::ff", "2001:db8::1", "2001:db8::ff"),
        ("192.0.2.0/24", "192.0.2.0", "192.0.2.255"),
        ("192.0.2.77/24", "192.0.2.0", "192.0.2.255"),
        ("192.0.2.1/32", "192.0.2.1", "192.0.2.1"),
        ("0.0.0.0/0", "0.0.0.0", "255.255.255.255"),
        ("2001:db8::/64", "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff"),
    ],
)
def test_targets(text: str, start: str, end: str) -> None:
    target = parse_target(text)
    assert (target.text, target.start, target.end) == (text, start, end)
    assert target.is_range is (start != end)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fmc",
        "192.0.2",
        "192.0.2.9-192.0.2.1",
        "192.0.2.1-::1",
        "192.0.2.0/33",
        "-",
        "fe80::1%eth0",
        "1-2-3",
    ],
)
def test_targets_that_are_none(text: str) -> None:
    with pytest.raises(UsageError):
        parse_target(text)


@pytest.mark.parametrize(
    ("options", "flags", "single", "several"),
    [
        ({}, 1 << 20, host_request(6, 3, "192.0.2.1"), host_request(7, 3, "192.0.2.0", "192.0.2.3")),
        (
            {"notes": False, "data_type": 13},
            1 << 20,
            host_request(12, 2, "192.0.2.1"),
            host_request(13, 2, "192.0.2.0", "192.0.2.3"),
        ),
        (
            {"extended": True, "banners": False},
            1 << 20 | 1 << 30,
            host_request(6, 1, "192.0.2.1"),
            host_request(7, 1, "192.0.2.0", "192.0.2.3"),
        ),
        (
            {"legacy": True},
            1 << 11,
            legacy_host_request(4, 3, "192.0.2.1"),
            legacy_host_request(5, 3, "192.0.2.0", "192.0.2.3"),
        ),
        (
            {"legacy": True, "data_type": 0, "flags": 0},
            0,
            legacy_host_request(0, 3, "192.0.2.1"),
            legacy_host_request(1, 3, "192.0.2.0", "192.0.2.3"),
        ),
    ],
    ids=["default", "another data type", "extended", "legacy", "flags"],
)
def test_what_goes_over_the_wire(
    tmp_path: Path, options: dict[str, object], flags: int, single: bytes, several: bytes
) -> None:
    script = answering(header(6, ONE), NO_MORE_HOSTS)
    answers, server = asked(tmp_path, script, "192.0.2.1", "192.0.2.0/30", **options)
    assert said(answers) == [ONE, "no hosts"]
    received = server.conversations[0].received
    assert received[0] == (2, struct.pack(">II", 0xFFFFFFFF, flags))
    assert [header(*message) for message in received if message[0] == 5] == [single, several]
    if flags >> 30:
        assert received[1] == (
            2049,
            struct.pack(">IIIIIII", 6667, 28, flags, 0xFFFFFFFF, 4 << 16 | 21, 2 << 16 | 131, 0),
        )


def test_ipv6_in_16_bytes(tmp_path: Path) -> None:
    answers, server = asked(tmp_path, answering(NO_HOST), "2001:db8::1")
    assert said(answers) == ["no such host"]
    body = dict(server.conversations[0].received)[5]
    assert body[8:40] == hand_made.address("2001:db8::1") * 2


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"legacy": True}, "2001:db8::1"),
        ({"legacy": True, "extended": True}, "192.0.2.1"),
        ({"data_type": 14}, "192.0.2.1"),
        ({"data_type": -1}, "192.0.2.1"),
        ({"port": 65536}, "192.0.2.1"),
    ],
)
def test_what_does_not_go_together(options: dict[str, object], text: str) -> None:
    with pytest.raises(UsageError):
        check_settings(HostSettings(host="fmc", **options), [parse_target(text)])  # type: ignore[arg-type]


# --- how answers end --------------------------------------------------------------------------------------


def test_a_single_answer_ends_at_once(tmp_path: Path) -> None:
    began = time.monotonic()
    script = answering(header(6, ONE), NO_HOST + null(), header(6, TWO) + null())
    answers, _ = asked(tmp_path, script, "192.0.2.1", "192.0.2.9", "192.0.2.2", silence=30)
    assert said(answers) == [ONE, "no such host", TWO]
    assert time.monotonic() - began < 10


def test_a_range_ends_with_an_empty_message(tmp_path: Path) -> None:
    began = time.monotonic()
    several = null() + header(7, ONE) + null() + header(7, TWO) + NO_MORE_HOSTS + null()
    answers, _ = asked(tmp_path, answering(several, NO_MORE_HOSTS), "192.0.2.0/24", "10.0.0.0/8", silence=30)
    assert said(answers) == [ONE, TWO, "no hosts"]
    assert time.monotonic() - began < 10


def test_nulls_and_events_neither_end_an_answer_nor_prolong_it(tmp_path: Path) -> None:
    def script(conversation: Conversation) -> None:
        conversation.greet()
        while conversation.receive()[0] != 5:
            pass
        conversation.send(header(7, ONE))
        for number in range(50):
            time.sleep(0.05)
            conversation.send(null() + hand_made.event_data(2, hand_made.packet(number)))
            if number == 3:
                assert conversation.receive() == (0, b""), "events are acknowledged"

    began = time.monotonic()
    answers, _ = asked(tmp_path, script, "192.0.2.0/24", silence=0.5)
    assert said(answers) == [ONE, "the answer has no end within 0.5 seconds"]
    assert 0.4 < time.monotonic() - began < 2.4


def test_no_answer_at_all(tmp_path: Path) -> None:
    answers, _ = asked(tmp_path, answering(b"", header(6, TWO)), "192.0.2.1", "192.0.2.2")
    assert said(answers) == ["no answer within 0.4 seconds", TWO]


def test_a_range_that_is_answered_as_single_hosts(tmp_path: Path) -> None:
    script = answering(header(6, ONE) + header(6, TWO) + NO_HOST)
    assert said(asked(tmp_path, script, "192.0.2.0/24", silence=30)[0]) == [ONE, TWO]


def test_slow_takers_lose_nothing(tmp_path: Path) -> None:
    script = answering(header(7, ONE) + header(7, TWO) + NO_MORE_HOSTS)
    with serving(script, tmp_path) as server:
        found = []
        for answer in ask_all(settings(server, tmp_path, silence=0.3), [parse_target("192.0.2.0/24")]):
            found.append(answer)
            time.sleep(0.5)
    assert said(found) == [ONE, TWO]


def test_messages_in_pieces(tmp_path: Path) -> None:
    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.receive()
        data = header(7, ONE) + header(7, profile_ipv4(92, "192.0.2.3")) + NO_MORE_HOSTS
        for at in range(0, len(data), 300):
            conversation.send(data[at : at + 300])
            time.sleep(0.01)
        conversation.wait_for_end()

    answers, _ = asked(tmp_path, script, "192.0.2.0/24", silence=5)
    assert said(answers) == [ONE, profile_ipv4(92, "192.0.2.3")]


def test_profiles_that_cannot_be_read(tmp_path: Path) -> None:
    unknown = hand_made.block(200, b"abcd")
    script = answering(header(7, b"\0\0\0\x95") + header(7, ONE[:60]) + header(7, unknown) + NO_MORE_HOSTS)
    answers, _ = asked(tmp_path, script, "192.0.2.0/24", silence=5)
    assert [answer.problem.split(":")[0] for answer in answers] == [
        "a profile that cannot be decoded"
    ] * 2 + [""]
    assert answers[2].data == unknown
    assert answers[2].profile is not None
    assert answers[2].profile.addresses == []


def test_the_server_gives_up(tmp_path: Path) -> None:
    with pytest.raises(PeerError, match="busy"):
        asked(tmp_path, answering(hand_made.error(-1, "busy")), "192.0.2.1")
    with serving(answering(header(6, ONE) + hand_made.error(-1, "busy")), tmp_path) as server:
        targets = [parse_target("192.0.2.1"), parse_target("192.0.2.2")]
        answers = ask_all(settings(server, tmp_path), targets)
        assert next(answers).data == ONE
        with pytest.raises(PeerError, match="busy"):
            next(answers)


def test_the_server_leaves(tmp_path: Path) -> None:
    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.receive()
        conversation.close()

    with pytest.raises(TransportError):
        asked(tmp_path, script, "192.0.2.1")


def test_the_server_breaks_the_protocol(tmp_path: Path) -> None:
    with pytest.raises(RemoteProtocolError):
        asked(tmp_path, answering(b"\0\2\0\6\0\0\0\0"), "192.0.2.1")


def test_no_offer_in_an_extended_session(tmp_path: Path) -> None:
    def script(conversation: Conversation) -> None:
        conversation.wait_for_end()

    with pytest.raises(TransportError, match="does not answer"):
        asked(tmp_path, script, "192.0.2.1", extended=True, connect_timeout=0.5)


# --- as a library -----------------------------------------------------------------------------------------


def test_library(tmp_path: Path) -> None:
    told: list[str] = []
    script = answering(header(6, ONE), NO_HOST, header(7, TWO) + NO_MORE_HOSTS)
    with serving(script, tmp_path) as server:
        found = list(
            openstreamer.hosts(
                "127.0.0.1",
                "192.0.2.1",
                "192.0.2.9",
                "192.0.2.0/24",
                port=server.port,
                pkcs12=str(authority().pkcs12(tmp_path / "client.pkcs12", "client")),
                notice=told.append,
            )
        )
    assert [profile.addresses for profile in found] == [["192.0.2.1"], ["192.0.2.2"]]
    assert isinstance(found[0], openstreamer.HostProfile)
    assert found[0].data.netbios_name == "PC"
    assert told == ["192.0.2.9: no such host"]


def test_wrong_arguments_are_told_at_once() -> None:
    with pytest.raises(UsageError):
        openstreamer.hosts("fmc", "nowhere")
    with pytest.raises(UsageError):
        openstreamer.hosts("fmc", "::1", legacy=True)
