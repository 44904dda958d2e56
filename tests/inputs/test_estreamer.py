"""Another eStreamer server as the source: services in this process, and a scripted server for odd streams."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from openstreamer.errors import UsageError
from openstreamer.inputs.interface import Input
from openstreamer.inputs.uri import input_from_uri
from openstreamer.protocol.items import iter_items
from openstreamer.server.intake import Intake
from openstreamer.store import Store, open_store
from support.certificates import authority
from support.live_service import (
    LiveService,
    Start,
    append,
    intrusion,
    packet,
    rule_message,
    wait_until,
)
from support.raw_client import Item, request, streaming_request
from support.scripted_server import Conversation, ScriptedServer

ALL = [(12, 11), (21, 4)]
"""Pairs for intrusion events and metadata."""

EVENTS = frozenset({"intrusion", "packet"})

FLAGS = 1 << 0 | 1 << 20 | 1 << 23 | 1 << 30


def uri(above: LiveService, name: str = "one", **settings: object) -> str:
    """Names a service as the upstream of another, with the certificate of that name."""
    more = "".join(f"&{key}={value}" for key, value in settings.items())
    certificate = above.certificates[name]
    return (
        f"estreamer://127.0.0.1:{above.port}?certificate={certificate}"
        f"&authority={above.state.authority / 'ca.pem'}&retry_limit_seconds=0.2{more}"
    )


def stored(store: Store) -> list[tuple[int, bytes]]:
    """Everything in an event log: record type word and data, in order."""
    found = []
    after = 0
    while chunks := store.read(after, limit_bytes=1 << 20):
        for chunk in chunks:
            after = chunk.number
            found += [(word, chunk.data[start:end]) for _, word, start, end in iter_items(chunk.data)]
    return found


def received(service: LiveService, count: int, name: str = "two") -> list[Item]:
    """What a client with the newest versions gets from the beginning."""
    with service.client(name) as client:
        client.send(request(0, FLAGS))
        assert client.message()[0] == 2051
        client.send(streaming_request(0, FLAGS, ALL))
        return client.records(count)


def fill(store: Store, numbers: range, *, second: int | None = None) -> None:
    """Alerts with their packets; all refer to one rule."""
    records = [pair for number in numbers for pair in ((400, intrusion(number)), (2, packet(number)))]
    append(store, records, now=second, metadata=[(66, rule_message(1000, "a rule"))])


def status(service: LiveService) -> tuple[str, str]:
    """State and problem of a service's only input, as people see it."""
    from openstreamer.server.snapshot import take

    (about,) = service.call(lambda: take(service.service)).inputs
    return about.state, about.problem


def test_a_chain_of_three_gives_the_last_client_what_the_first_server_has(start: Start) -> None:
    first = start()
    fill(first.store, range(50))
    second = start(inputs=[uri(first)])
    third = start(inputs=[uri(second)])
    fill(first.store, range(50, 80))
    wait_until(lambda: third.store.statistics().records == 160, 20.0, "160 records at the end of the chain")

    assert stored(first.store) == stored(second.store) == stored(third.store)
    above, below = received(first, 161), received(third, 161)
    assert [(item.type, item.data) for item in below] == [(item.type, item.data) for item in above]
    assert below[0].type == 66, "metadata goes before the event that refers to it"


def test_a_restart_goes_on_where_it_was_though_a_second_holds_many_records(start: Start) -> None:
    first = start()
    fill(first.store, range(40), second=1_700_000_000)
    second = start(inputs=[uri(first)])
    wait_until(lambda: second.store.statistics().records == 80, 20.0)
    second.stop()
    fill(first.store, range(40, 60), second=1_700_000_000)
    fill(first.store, range(60, 70), second=1_700_000_001)

    with open_store(second.state.store) as store:
        run_until(store, uri(first), lambda _: store.statistics().records >= 140)
        assert stored(store) == stored(first.store)


def run_until(store: Store, address: str, condition: Callable[[Input], bool]) -> Intake:
    """Drive the input into a store, as the service does, until something holds."""
    stop = threading.Event()
    source = input_from_uri(address)
    intake = Intake(
        store,
        source,
        enabled=lambda: EVENTS,
        stop=stop,
        report=lambda level, text: None,
    )
    thread = threading.Thread(target=intake.keep_running)
    thread.start()
    try:
        wait_until(lambda: condition(source), 20.0)
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()
    return intake


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "below.db")
    yield opened
    opened.close()


class Interrupted(Exception):
    """Stands for the end of the process."""


def run_once(store: Store, address: str, condition: Callable[[], bool]) -> None:
    """Like `run_until` in this thread, in small batches; what the store raises comes out."""
    intake = Intake(store, input_from_uri(address), enabled=lambda: EVENTS, stop=threading.Event())
    intake.source.open(intake)
    try:
        for _ in range(200):
            if condition():
                return
            if batch := intake.source.read(17, 0.1):
                intake._take(batch)
        raise AssertionError("it did not happen")
    finally:
        intake.source.close()


def test_what_was_not_stored_is_asked_for_again(
    start: Start, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start()
    for second in range(8):
        fill(first.store, range(second * 250, second * 250 + 250), second=1_700_000_000 + second)
    failures = iter([True, False, True, False, True])
    append_really = type(store).append

    def dies(*arguments: object, **options: object) -> object:
        if next(failures, False):
            raise Interrupted
        return append_really(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(type(store), "append", dies)
    ends = 0
    while store.statistics().records < 4000:
        assert ends < 10
        try:
            run_once(store, uri(first), lambda: store.statistics().records >= 4000)
        except Interrupted:
            ends += 1
    assert ends == 3
    assert stored(store) == stored(first.store)


def test_an_upstream_that_is_not_there_yet(start: Start) -> None:
    first = start()
    fill(first.store, range(3))
    address = uri(first)
    first.stop()
    second = start(inputs=[address])
    wait_until(lambda: "refused" in status(second)[1], 10.0, "the trouble to be shown")
    assert status(second)[0] == "failed"


def test_an_upstream_that_revokes_us_is_named_and_the_clients_below_go_on(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    from openstreamer.authority import Authority

    first = start()
    fill(first.store, range(5))
    second = start(inputs=[uri(first)])
    wait_until(lambda: second.store.statistics().records == 10, 20.0)
    assert status(second) == ("reading", "")
    with Authority(first.state.path) as registry:
        registry.revoke("one.invalid")
    wait_until(lambda: "does not let this client in" in status(second)[1], 20.0, "the refusal to be shown")
    assert status(second)[0] == "failed"
    assert len(received(second, 11)) == 11
    told = [item for item in caplog.records if "tried again until it works" in item.getMessage()]
    assert 1 <= len(told) <= 3
    assert {item.levelname for item in told} == {"WARNING"}


def test_event_types_that_are_off_are_not_captured(start: Start) -> None:
    first = start()
    fill(first.store, range(10))
    below = start(inputs=[uri(first, events="intrusion")])
    wait_until(lambda: below.store.statistics().records == 10, 20.0)
    assert {word for word, _ in stored(below.store)} == {400}


def _holds(store: Store, records: int) -> Callable[[Input], bool]:
    return lambda _: store.statistics().records == records


def test_two_upstreams_that_name_one_number_differently_keep_their_names(start: Start) -> None:
    east, west = start(), start()
    for server, place in ((east, "east"), (west, "west")):
        append(
            server.store,
            [(400, intrusion(number)) for number in range(3)],
            metadata=[(66, rule_message(1000, place))],
        )
    below = start()
    for server, total in ((east, 4), (west, 8), (east, 9), (west, 10)):
        append(server.store, [(400, intrusion(100 + total))])
        run_until(below.store, uri(server), _holds(below.store, total))
    stream = received(below, 10 + 4)
    names = [item.data for item in stream if item.type == 66]
    assert names == [rule_message(1000, place) for place in ("east", "west", "east", "west")]
    kinds = [item.type for item in stream]
    assert kinds == [66, *[400] * 4, 66, *[400] * 4, 66, 400, 66, 400]


def test_new_credentials_are_taken_without_a_restart(start: Start, store: Store, tmp_path: Path) -> None:
    from openstreamer.authority import Authority

    first = start()
    fill(first.store, range(5))
    certificate = tmp_path / "upstream.pem"
    certificate.write_bytes(first.certificates["one"].read_bytes())
    address = uri(first).replace(str(first.certificates["one"]), str(certificate))
    with Authority(first.state.path) as registry:
        registry.revoke("one.invalid")

    def renewed(source: Input) -> bool:
        if "does not let this client in" in source.trouble() or "refuses this client" in source.trouble():
            certificate.write_bytes(first.certificates["two"].read_bytes())
        return store.statistics().records == 10

    run_until(store, address, renewed)
    assert stored(store) == stored(first.store)


# --- odd streams --------------------------------------------------------------------------------------------


def odd_stream(conversation: Conversation, records: list[bytes]) -> None:
    conversation.greet()
    conversation.bundles(records)
    conversation.wait_for_end()


def address_of(server: ScriptedServer, folder: Path, **settings: object) -> str:
    certificate, key = authority().pem_files(folder, "client")
    more = "".join(f"&{key}={value}" for key, value in settings.items())
    return f"estreamer://127.0.0.1:{server.port}?certificate={certificate}&key={key}&retry_limit_seconds=0.2{more}"


def record(record_type: int, data: bytes, *, second: int, domain: int = 0) -> bytes:
    """A bundled record with the long header, written by hand."""
    word = domain << 16 | record_type
    return struct.pack(">IIII", word, len(data), second, 0) + data


def test_unknown_and_damaged_records_are_relayed_as_they_are(store: Store, tmp_path: Path) -> None:
    whole = intrusion(1)
    records = [
        record(400, whole, second=1000),
        record(399, b"nobody knows", second=1000),
        record(400, whole[:50], second=1001),
        record(400, whole, second=1001, domain=7),
        record(66, b"\0\0", second=1001),
    ]
    with ScriptedServer(lambda conversation: odd_stream(conversation, records), tmp_path) as server:
        intake = run_until(store, address_of(server, tmp_path), lambda _: store.statistics().records == 4)
    assert stored(store) == [
        (400, whole),
        (399, b"nobody knows"),
        (400, whole[:50]),
        (7 << 16 | 400, whole),
    ]
    assert intake.totals.broken == 1
    assert "66" in str(intake.totals.broken_lines[0])
    assert sum(intake.totals.notes.values()) == 2


def test_records_are_acknowledged_when_they_are_stored(store: Store, tmp_path: Path) -> None:
    seen: list[int] = []

    def script(conversation: Conversation) -> None:
        conversation.greet()
        for number in range(1, 4):
            conversation.bundles([record(400, intrusion(number), second=1000)])
            seen.append(store.statistics().records)
        conversation.wait_for_end()

    with ScriptedServer(script, tmp_path) as server:
        run_until(store, address_of(server, tmp_path), lambda _: len(seen) == 3)
    assert seen == [1, 2, 3]


def test_a_certificate_is_pinned_where_no_authority_is_known(store: Store, tmp_path: Path) -> None:
    from support.certificates import Authority

    records = [record(400, intrusion(1), second=1000)]
    script = lambda conversation: odd_stream(conversation, records)  # noqa: E731
    with ScriptedServer(script, tmp_path) as server:
        address = address_of(server, tmp_path, name="above")
        run_until(store, address, lambda _: store.statistics().records == 1)
        assert list(store.places("estreamer-pin:")) == ["estreamer-pin:above"]
    other = tmp_path / "other"
    other.mkdir()
    with ScriptedServer(script, other, own=Authority("somebody else")) as server:
        intake = run_until(
            store,
            address_of(server, other, name="above"),
            lambda source: "another certificate than before" in source.trouble(),
        )
    assert intake.totals.lines == 0


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("estreamer://fmc1", "needs pkcs12=FILE"),
        ("estreamer://fmc1?pkcs12=a&certificate=b", "needs pkcs12=FILE"),
        ("estreamer://fmc1:none?pkcs12=a", "no port"),
        ("estreamer://fmc1?pkcs12=a&events=all,nonsense", "nonsense"),
        ("estreamer://fmc1?pkcs12=a&since=yesterday", "is no time"),
        ("estreamer://fmc1?pkcs12=a&flags=0x1", "bit 23"),
        ("estreamer://fmc1?pkcs12=a&colour=red", "no setting 'colour'"),
        ("estreamer://fmc1?server=fmc2&pkcs12=a", "stands after the colon"),
    ],
)
def test_a_wrong_address_is_told_before_anything_runs(address: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        input_from_uri(address)


def test_how_a_server_is_named() -> None:
    for address, name in (
        ("estreamer://fmc1?pkcs12=a", "estreamer://fmc1:8302"),
        ("estreamer:fmc1:8400?pkcs12=a", "estreamer://fmc1:8400"),
        ("estreamer://[2001:db8::1]:8400/?pkcs12=a", "estreamer://[2001:db8::1]:8400"),
        ("estreamer://fmc1?pkcs12=a&name=east", "estreamer://east"),
    ):
        assert input_from_uri(address).name == name
