"""The whole client against a server that says what the test tells it: dialogues, outputs, positions."""

from __future__ import annotations

import struct
import threading
import time
from pathlib import Path

import pytest

from openstreamer.client.request import make_request
from openstreamer.client.stream import begin
from openstreamer.errors import ConfigurationError, OutputError, PeerError, RemoteProtocolError
from openstreamer.outputs import json_lines
from openstreamer.outputs.batch import Batch
from openstreamer.outputs.interface import OutputClosed, OutputFull
from support import hand_made
from support.hand_made import SECOND, record
from support.scripted_server import Conversation, serving
from support.streams import Run, event_ids, lines


def alerts(*event_ids: int, second: int = SECOND) -> list[bytes]:
    """Bodies of event data messages."""
    return [record(400, hand_made.intrusion_85(event_id=number), second) for number in event_ids]


def test_an_extended_session_from_the_first_word_to_the_file(tmp_path: Path) -> None:
    metadata = [
        record(66, hand_made.rule_message(1, 2001219, 20, "ET SCAN"), None),
        record(123, hand_made.id_name(1, "sensor-1"), None),
    ]

    def script(conversation: Conversation) -> None:
        assert conversation.greet() == (0, 0x48900001)
        conversation.send(hand_made.null())
        conversation.bundles([*metadata, *alerts(1, 2, 3), record(2, hand_made.packet(3))])
        conversation.wait_for_end()

    with serving(script, tmp_path) as server:
        run = Run(tmp_path, server.port)
        assert run().reason == "idle"
    found = lines(tmp_path / "events.json")
    assert [line["event"] for line in found] == ["intrusion_event"] * 3 + ["packet"]
    assert found[0]["names"] == {"device": "sensor-1", "rule": "ET SCAN"}
    assert found[0]["server"] == f"127.0.0.1:{server.port}"
    assert found[0]["archive_time"] == SECOND
    (conversation,) = server.conversations
    pairs = conversation.received[1][1]
    # the bytes of the streaming request: service, length, flags, timestamp, pairs of version and type, 0/0
    assert pairs[:16] == struct.pack(">IIII", 6667, 16 + 40, 0x48900001, 0)
    assert struct.unpack(">20H", pairs[16:]) == (
        11,
        12,
        4,
        21,
        9,
        31,
        11,
        61,
        17,
        71,
        7,
        91,
        8,
        101,
        7,
        111,
        2,
        131,
        0,
        0,
    )
    # one Null a bundle, none for the server's own Null
    assert conversation.received[2:] == [(0, b"")] * 2
    assert run.feed.counts.metadata == 2
    assert run.feed.counts.delivered == 4


def test_a_flat_session_acknowledges_each_message(tmp_path: Path) -> None:
    def script(conversation: Conversation) -> None:
        assert conversation.greet() == (0, 0x00900045)
        for body in alerts(1, 2, 3):
            conversation.send(hand_made.header(4, body))
        conversation.send(hand_made.event_data(7, hand_made.intrusion_7(event_id=4)))
        for _ in range(4):
            assert conversation.receive() == (0, b"")
        conversation.wait_for_end()

    with serving(script, tmp_path) as server:
        Run(tmp_path, server.port, request=make_request("intrusion,packet", extended=False))()
    assert event_ids(tmp_path / "events.json") == [1, 2, 3, 4]


def test_what_an_output_does_not_take_is_told(tmp_path: Path) -> None:
    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.bundles([*alerts(1, 2, 3), record(2, hand_made.packet(1))])
        conversation.wait_for_end()

    with serving(script, tmp_path) as server:
        run = Run(tmp_path, server.port, outputs=(("json", "events.json"), ("pcap", "packets.pcap")))
        run()
    told = [text for text in run.notices.told if "passed by" in text]
    assert told == [f"3 events passed by pcap:{tmp_path}/packets.pcap, which takes packet events only"]


def test_bundles_as_the_guide_prints_them_and_old_record_headers(tmp_path: Path) -> None:
    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.send(hand_made.bundle(1, alerts(1, 2), version=1))
        body = hand_made.intrusion_85(event_id=3)
        # short header; long header with flag and domain bits; record length that counts its own header
        conversation.send(hand_made.header(4, struct.pack(">II", 400, len(body)) + body))
        flagged = struct.pack(">IIII", 0x8003_0190, len(body), SECOND, 0) + body
        conversation.send(hand_made.bundle(2, [flagged]))
        conversation.wait_for_end()

    with serving(script, tmp_path) as server:
        Run(tmp_path, server.port)()
    found = lines(tmp_path / "events.json")
    assert [line["data"]["event_id"] for line in found] == [1, 2, 3, 3]
    assert "archive_time" not in found[2]
    assert found[3]["netmap_id"] == 3


def test_a_name_that_changes_in_the_middle_counts_from_there_on(tmp_path: Path) -> None:
    renamed = [
        record(123, hand_made.id_name(1, "old"), None),
        *alerts(1, 2),
        record(123, hand_made.id_name(1, "new"), None),
        *alerts(3),
    ]

    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.bundles(renamed, size=10)
        conversation.wait_for_end()

    with serving(script, tmp_path) as server:
        Run(tmp_path, server.port)()
    assert [line["names"]["device"] for line in lines(tmp_path / "events.json")] == ["old", "old", "new"]


def test_metadata_can_be_lines_of_its_own(tmp_path: Path) -> None:
    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.bundles([record(123, hand_made.id_name(1, "sensor-1"), None), *alerts(1)])
        conversation.wait_for_end()

    with serving(script, tmp_path) as server:
        Run(tmp_path, server.port, metadata=True)()
    assert [line["event"] for line in lines(tmp_path / "events.json")] == [
        "managed_device",
        "intrusion_event",
    ]


def test_broken_and_unknown_records_cost_themselves_only(tmp_path: Path) -> None:
    broken = record(400, hand_made.intrusion_85()[:90])
    strange = record(31_000, b"\x01\x02")

    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.bundles([*alerts(1), broken, strange, record(123, b"\0", None), *alerts(2)], size=10)
        conversation.send(hand_made.header(4, struct.pack(">II", 400, 9999)))
        conversation.send(hand_made.header(77, b"what is this"))
        conversation.wait_for_end()

    with serving(script, tmp_path) as server:
        run = Run(tmp_path, server.port)
        run()
    assert [line["event"] for line in lines(tmp_path / "events.json")] == [
        "intrusion_event",
        "unknown_record",
        "intrusion_event",
    ]
    assert run.feed.counts.undecodable == 2
    assert run.feed.counts.malformed == 1
    assert any("record 400" in text for text in run.notices.told)


def test_a_resumed_run_asks_for_its_second_and_takes_only_what_is_new(tmp_path: Path) -> None:
    asked: list[int] = []
    first = [*alerts(1, 2, second=SECOND - 1), *alerts(3, 4, 5)]
    second = [*alerts(3, 4, 5, 6), *alerts(7, second=SECOND + 1)]

    def script(conversation: Conversation) -> None:
        asked.append(conversation.greet()[0])
        conversation.bundles(first if len(asked) == 1 else second)
        conversation.wait_for_end()

    with serving(script, tmp_path) as server:
        Run(tmp_path, server.port)()
        Run(tmp_path, server.port)()
    assert asked == [0, SECOND]
    assert event_ids(tmp_path / "events.json") == [1, 2, 3, 4, 5, 6, 7]


def test_a_lost_connection_is_mended_and_nothing_comes_twice(tmp_path: Path) -> None:
    asked: list[int] = []

    def script(conversation: Conversation) -> None:
        asked.append(conversation.greet()[0])
        records = alerts(*range(1, 4 + 2 * len(asked)))
        conversation.send(hand_made.bundle(1, records))
        assert conversation.receive() == (0, b"")
        if len(asked) < 3:
            # a torn message, then the end
            conversation.send(hand_made.bundle(2, alerts(99))[:40])
            conversation.reset()
        conversation.wait_for_end()

    with serving(script, tmp_path) as server:
        run = Run(tmp_path, server.port)
        run()
    assert asked == [0, SECOND, SECOND]
    assert event_ids(tmp_path / "events.json") == list(range(1, 10))
    assert run.feed.counts.recognised == 5 + 7
    assert any("trying again" in text for text in run.notices.told)
    assert any("again" in text and "connected" in text for text in run.notices.told)


def test_every_combination_of_since(tmp_path: Path) -> None:
    asked: list[int] = []

    def script(conversation: Conversation) -> None:
        asked.append(conversation.greet()[0])
        if len(asked) == 2:
            conversation.send(hand_made.null())
        conversation.wait_for_end()

    with serving(script, tmp_path) as server:
        for since in ("beginning", "now", 1_600_000_000, "resume"):
            Run(tmp_path, server.port, since=since, idle_exit=0.3)()  # type: ignore[arg-type]
    assert asked == [0, 0xFFFFFFFF, 1_600_000_000, 1_600_000_000]


def test_now_is_a_time_that_can_be_gone_back_to(tmp_path: Path) -> None:
    asked: list[int] = []
    began = int(time.time())

    def script(conversation: Conversation) -> None:
        asked.append(conversation.greet()[0])
        conversation.send(hand_made.null())
        if len(asked) == 1:
            time.sleep(0.2)
            conversation.reset()
        conversation.wait_for_end()

    with serving(script, tmp_path) as server:
        Run(tmp_path, server.port, since="now")()
    assert asked[0] == 0xFFFFFFFF
    assert began <= asked[1] <= began + 60


def test_count_ends_exactly_there_and_the_next_run_goes_on_behind(tmp_path: Path) -> None:
    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.send(hand_made.bundle(1, alerts(*range(1, 8))))
        conversation.wait_for_end()

    with serving(script, tmp_path) as server:
        assert Run(tmp_path, server.port, count=3)().reason == "count"
        assert event_ids(tmp_path / "events.json") == [1, 2, 3]
        Run(tmp_path, server.port, count=2)()
        Run(tmp_path, server.port, idle_exit=0.3)()
    assert event_ids(tmp_path / "events.json") == [1, 2, 3, 4, 5, 6, 7]


def test_until_ends_before_the_first_later_event(tmp_path: Path) -> None:
    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.bundles(
            [*alerts(1), *alerts(2, second=SECOND + 1), *alerts(3, second=SECOND + 2)], size=10
        )

    with serving(script, tmp_path) as server:
        assert Run(tmp_path, server.port, until=SECOND + 1)().reason == "until"
    assert event_ids(tmp_path / "events.json") == [1, 2]


def test_events_of_one_domain_by_number_and_by_name(tmp_path: Path) -> None:
    def of_domain(number: int, domain: int) -> bytes:
        data = hand_made.intrusion_85(event_id=number)
        return struct.pack(">IIII", domain << 16 | 400, len(data), SECOND, 0) + data

    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.bundles(
            [
                record(350, hand_made.id_name(5, "Branch"), None),
                of_domain(1, 0),
                of_domain(2, 5),
                of_domain(3, 6),
            ]
        )
        conversation.wait_for_end()

    for domain, expected in ((5, [2]), ("Branch", [2]), ("Elsewhere", [])):
        folder = tmp_path / str(domain)
        folder.mkdir()
        with serving(script, folder) as server:
            Run(folder, server.port, domain=domain, idle_exit=0.3)()
        assert event_ids(folder / "events.json") == expected


@pytest.mark.parametrize(("domain", "first", "told"), [(5, 0, 1), ("Branch", 0, 1), (5, 6, 0), (0, 0, 0)])
def test_it_is_told_where_a_server_tells_no_domains(
    tmp_path: Path, domain: int | str, first: int, told: int
) -> None:
    data = hand_made.intrusion_85()
    records = [
        struct.pack(">IIII", (first if number == 0 else 0) << 16 | 400, len(data), SECOND, 0) + data
        for number in range(60)
    ]

    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.bundles(records, 60)
        conversation.wait_for_end()

    with serving(script, tmp_path) as server:
        run = Run(tmp_path, server.port, domain=domain, idle_exit=0.3)
        run()
    assert sum("names a domain" in text for text in run.notices.told) == told


def test_several_outputs_get_the_same(tmp_path: Path) -> None:
    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.bundles([*alerts(1), record(2, hand_made.packet(1)), *alerts(2)])
        conversation.wait_for_end()

    outputs = (("json", "a.json"), ("csv:columns=event_id", "a.csv"), ("pcap", "a.pcap"), ("print", "a.txt"))
    with serving(script, tmp_path) as server:
        Run(tmp_path, server.port, outputs=outputs)()
    assert len(lines(tmp_path / "a.json")) == 3
    assert (tmp_path / "a.csv").read_text().split() == ["event_id", "1", "1", "2"]
    assert (tmp_path / "a.pcap").stat().st_size == 24 + 16 + 4
    assert len((tmp_path / "a.txt").read_text().splitlines()) == 3


def test_an_output_without_room_holds_everything_up_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = 3
    write = json_lines.JsonLinesOutput.write

    def full(self: json_lines.JsonLinesOutput, batch: Batch) -> None:
        nonlocal failures
        if failures and batch.records:
            failures -= 1
            raise OutputFull("no room", target="x")
        write(self, batch)

    monkeypatch.setattr(json_lines.JsonLinesOutput, "write", full)
    monkeypatch.setattr(
        "openstreamer.client.stream.Backoff", lambda *_: type("B", (), {"delay": lambda self: 0.01})()
    )

    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.bundles(alerts(*range(1, 9)))
        conversation.wait_for_end()

    with serving(script, tmp_path) as server:
        run = Run(tmp_path, server.port)
        run()
    assert event_ids(tmp_path / "events.json") == list(range(1, 9))
    assert run.notices.told[:2] == ["x: no room; the stream waits", "there is room again; the stream goes on"]


def test_stopping_while_an_output_is_full_leaves_all_outputs_where_the_position_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first output has the batch, the second has not: the next run must cut the first one back."""
    seen = 0

    class Full(json_lines.JsonLinesOutput):
        def write(self, batch: Batch) -> None:
            nonlocal seen
            seen += 1
            if seen >= 2:
                run.stop.request()
                raise OutputFull("no room")
            super().write(batch)

    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.bundles(alerts(1, 2), size=2)
        conversation.bundles(alerts(3, 4), size=2)
        conversation.wait_for_end()

    outputs = (("json", "a.json"), ("json", "b.json"))
    with serving(script, tmp_path) as server:
        run = Run(tmp_path, server.port, outputs=outputs)
        run.outputs[1].output.__class__ = Full
        assert run().reason == "stopped"
        assert len(lines(tmp_path / "a.json")) > len(lines(tmp_path / "b.json"))
        again = Run(tmp_path, server.port, outputs=outputs, idle_exit=0.3)
        again()
    # the script sends the same second again, so everything must stand there once
    assert sorted(event_ids(tmp_path / "a.json")) == [1, 2, 3, 4]
    assert sorted(event_ids(tmp_path / "b.json")) == [1, 2, 3, 4]


def test_a_reader_that_has_gone_ends_the_stream_quietly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(self: object, batch: Batch) -> None:
        raise OutputClosed("is closed")

    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.bundles(alerts(1))
        conversation.wait_for_end()

    monkeypatch.setattr(json_lines.JsonLinesOutput, "write", closed)
    with serving(script, tmp_path) as server:
        assert Run(tmp_path, server.port)().reason == "closed"
    monkeypatch.undo()
    with serving(script, tmp_path) as again:
        run = Run(tmp_path, again.port, since="beginning", idle_exit=0.3)
        run()
    assert event_ids(tmp_path / "events.json") == [1]


def test_an_output_that_breaks_ends_the_stream_and_the_position_stays_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.send(hand_made.bundle(1, alerts(1, 2)))
        conversation.wait_for_end()

    def broken(self: object, batch: Batch) -> None:
        raise OutputError("input/output error", target="x")

    with serving(script, tmp_path) as server:
        with monkeypatch.context() as inner:
            inner.setattr(json_lines.JsonLinesOutput, "write", broken)
            with pytest.raises(OutputError, match="x: input/output"):
                Run(tmp_path, server.port)()
        Run(tmp_path, server.port, idle_exit=0.3)()
    assert event_ids(tmp_path / "events.json") == [1, 2]


def test_a_full_disk_under_the_position_does_not_stop_the_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.bundles(alerts(1, 2, 3))
        conversation.wait_for_end()

    with serving(script, tmp_path) as server:
        run = Run(tmp_path, server.port)
        save = run.file.save
        calls = 0

        def failing(state: object) -> None:
            nonlocal calls
            calls += 1
            if calls > 1:
                raise OutputError("the position cannot be saved: No space left on device")
            save(state)  # type: ignore[arg-type]

        monkeypatch.setattr(run.file, "save", failing)
        run()
        assert sum("cannot be saved" in text for text in run.notices.told) == 1
        Run(tmp_path, server.port, idle_exit=0.3)()
    assert event_ids(tmp_path / "events.json") == [1, 2, 3]


def test_the_servers_error_is_told_after_what_came_before_it(tmp_path: Path) -> None:
    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.send(hand_made.error(-5, "nothing that was asked for is known here"))
        conversation.wait_for_end()

    with serving(script, tmp_path) as server:
        with pytest.raises(PeerError, match=r"error -5: nothing that was asked for"):
            Run(tmp_path, server.port)()


def test_after_records_an_error_is_tried_again_but_not_for_ever(tmp_path: Path) -> None:
    def script(conversation: Conversation) -> None:
        conversation.greet()
        if conversation.number == 0:
            conversation.send(hand_made.bundle(1, alerts(1)))
        conversation.send(hand_made.error(-1, "no more"))
        conversation.wait_for_end()

    with serving(script, tmp_path) as server:
        with pytest.raises(PeerError):
            Run(tmp_path, server.port)()
        assert len(server.conversations) == 4
    assert event_ids(tmp_path / "events.json") == [1]


def test_a_broken_protocol_is_answered_and_told(tmp_path: Path) -> None:
    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.send(struct.pack(">HHI", 2, 4, 10) + bytes(10))
        assert conversation.receive()[0] == 1
        conversation.wait_for_end()

    with serving(script, tmp_path) as server:
        with pytest.raises(RemoteProtocolError, match="header version 2"):
            Run(tmp_path, server.port)()


def test_a_silent_server_is_taken_for_dead(tmp_path: Path) -> None:
    def script(conversation: Conversation) -> None:
        conversation.greet()
        if conversation.number:
            conversation.bundles(alerts(1))
        conversation.wait_for_end()

    with serving(script, tmp_path) as server:
        run = Run(tmp_path, server.port, read_deadline=0.4, count=1, idle_exit=None)
        run()
    assert any("so the link is dead" in text for text in run.notices.told)
    assert event_ids(tmp_path / "events.json") == [1]


def test_a_stop_from_another_thread_is_clean(tmp_path: Path) -> None:
    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.bundles(alerts(1, 2))
        conversation.wait_for_end()

    with serving(script, tmp_path) as server:
        run = Run(tmp_path, server.port, idle_exit=None)
        threading.Timer(0.4, run.stop.request).start()
        began = time.monotonic()
        assert run().reason == "stopped"
        assert time.monotonic() - began < 5
        state, _ = run.file.load()
    assert state is not None
    assert state.position.ordinal == 2
    assert state.outputs[run.outputs[0].key] == {
        "length": (tmp_path / "events.json").stat().st_size,
        "tail": (tmp_path / "events.json").read_bytes()[-64:].hex(),
        "inode": (tmp_path / "events.json").stat().st_ino,
    }


def test_a_position_of_another_server_is_not_used(tmp_path: Path) -> None:
    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.bundles(alerts(1))
        conversation.wait_for_end()

    with serving(script, tmp_path) as server:
        run = Run(tmp_path, server.port, idle_exit=0.1)
        run()
    told: list[str] = []
    with pytest.raises(ConfigurationError, match="belongs to"):
        begin("resume", run.file, "other:8302", told.append)
    assert begin("resume", run.file, "127.0.0.1:1", told.append)[0].initial_timestamp == SECOND
    assert "from now on" in told[0]
    assert begin("resume", None, "other:8302", told.append)[0].initial_timestamp == 0
