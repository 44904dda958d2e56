"""The library: `openstreamer.connect` and its asyncio twin, one set of expectations for both."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import openstreamer
from openstreamer import aio
from openstreamer.client.connection import LostConnection
from openstreamer.errors import OpenStreamerError, PeerError, RefusedError, TransportError, UsageError
from support import hand_made
from support.certificates import Authority, authority
from support.hand_made import SECOND, record
from support.scripted_server import Conversation, serving


def alerts(*event_ids: int, second: int = SECOND) -> list[bytes]:
    return [record(400, hand_made.intrusion_85(event_id=number), second) for number in event_ids]


def everything(conversation: Conversation) -> None:
    """Metadata, seven alerts in one second, one a second later."""
    since, _ = conversation.greet()
    named = [record(123, hand_made.id_name(1, "sensor-1"), None)]
    older = alerts(1, 2, 3, 4, 5, 6, 7) if since <= SECOND else []
    conversation.bundles([*named, *older, *alerts(8, second=SECOND + 1)], size=3)
    conversation.wait_for_end()


Take = Callable[..., list[Any]]


def take_blocking(port: int, folder: Path, stop_after: int | None = None, **options: Any) -> list[Any]:
    found = []
    with openstreamer.connect("127.0.0.1", port=port, **_with_file(folder, options)) as events:
        for event in events:
            found.append(event)
            if len(found) == stop_after:
                break
    return found


def take_async(port: int, folder: Path, stop_after: int | None = None, **options: Any) -> list[Any]:
    async def run() -> list[Any]:
        found = []
        async with aio.connect("127.0.0.1", port=port, **_with_file(folder, options)) as events:
            async for event in events:
                found.append(event)
                if len(found) == stop_after:
                    break
        return found

    return asyncio.run(run())


def _with_file(folder: Path, options: dict[str, Any]) -> dict[str, Any]:
    path = folder / "client.pkcs12"
    if not path.exists():
        authority().pkcs12(path, "client")
    return {"pkcs12": path, "idle_exit": 0.3, **options}


@pytest.fixture(params=[take_blocking, take_async], ids=["blocking", "asyncio"])
def take(request: pytest.FixtureRequest) -> Take:
    return request.param  # type: ignore[no-any-return]


def ids(events: list[Any]) -> list[int]:
    return [event.data.event_id for event in events]


def test_events_come_in_order_with_their_names(take: Take, tmp_path: Path) -> None:
    with serving(everything, tmp_path) as server:
        events = take(server.port, tmp_path)
    assert ids(events) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert all(isinstance(event, openstreamer.Event) for event in events)
    assert events[0].id == "intrusion_event"
    assert events[0].names == {"device": "sensor-1"}
    assert events[0].server == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize("cut", range(1, 9))
def test_with_a_position_the_next_run_goes_on_exactly_there(take: Take, tmp_path: Path, cut: int) -> None:
    position = tmp_path / "position"
    with serving(everything, tmp_path) as server:
        first = take(server.port, tmp_path, stop_after=cut, position=position)
        second = take(server.port, tmp_path, position=position)
    assert ids(first) + ids(second) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_count_and_until_end_the_iteration(take: Take, tmp_path: Path) -> None:
    with serving(everything, tmp_path) as server:
        assert ids(take(server.port, tmp_path, count=5)) == [1, 2, 3, 4, 5]
        assert ids(take(server.port, tmp_path, until=SECOND)) == [1, 2, 3, 4, 5, 6, 7]


def test_metadata_can_be_events_and_names_can_be_left_out(take: Take, tmp_path: Path) -> None:
    with serving(everything, tmp_path) as server:
        events = take(server.port, tmp_path, metadata=True, names=False, count=1)
    assert [event.id for event in events] == ["managed_device", "intrusion_event"]
    assert events[1].names == {}


def test_a_lost_connection_is_mended(take: Take, tmp_path: Path) -> None:
    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.send(hand_made.bundle(1, alerts(*range(1, 3 + conversation.number))))
        assert conversation.receive() == (0, b"")
        if conversation.number < 2:
            conversation.reset()
        conversation.wait_for_end()

    told: list[str] = []
    with serving(script, tmp_path) as server:
        events = take(server.port, tmp_path, notice=told.append, idle_exit=2.5)
    assert ids(events) == [1, 2, 3, 4]
    assert sum("trying again" in text for text in told) == 2


def test_without_reconnection_the_loss_is_an_error(take: Take, tmp_path: Path) -> None:
    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.send(hand_made.null())
        conversation.reset()

    with serving(script, tmp_path) as server, pytest.raises(TransportError):
        take(server.port, tmp_path, reconnect=False, idle_exit=None)


def test_refusals_and_errors_are_raised(take: Take, tmp_path: Path) -> None:
    with serving(everything, tmp_path, own=Authority("Somebody else")) as server:
        with pytest.raises(RefusedError, match="another authority"):
            take(server.port, tmp_path, idle_exit=None)

    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.send(hand_made.error(-5, "no"))
        conversation.wait_for_end()

    with serving(script, tmp_path) as server, pytest.raises(PeerError, match="error -5"):
        take(server.port, tmp_path, idle_exit=None)


def test_a_client_without_an_authority_pins_the_certificate(take: Take, tmp_path: Path) -> None:
    path = authority().pkcs12(tmp_path / "bare.pkcs12", "client", with_authority=False)
    position = tmp_path / "position"
    with serving(everything, tmp_path) as server:
        take(server.port, tmp_path, pkcs12=path, position=position, count=1)
        known = tmp_path / "known-servers"
        assert known.read_text().startswith(f"127.0.0.1:{server.port} sha256 ")
        known.write_text(f"127.0.0.1:{server.port} sha256 00:11\n")
        with pytest.raises(RefusedError, match="another certificate"):
            take(server.port, tmp_path, pkcs12=path, position=position)


def test_a_server_that_is_not_there_is_told_at_the_end(take: Take, tmp_path: Path) -> None:
    with pytest.raises(TransportError, match=r"refused|Connect call failed"):
        take(1, tmp_path, idle_exit=0.2)


def test_mistakes_are_told_at_once(take: Take, tmp_path: Path) -> None:
    for options in ({"events": "nonsense"}, {"since": "whenever"}, {"until": "x"}):
        with pytest.raises(UsageError):
            take(1, tmp_path, **options)
    for port in (0, 65536):
        with pytest.raises(UsageError, match=f"{port} is no port"):
            take(port, tmp_path)


def test_an_event_that_was_not_finished_comes_again(tmp_path: Path) -> None:
    position = tmp_path / "position"
    options = _with_file(tmp_path, {"position": position})
    with serving(everything, tmp_path) as server:
        with contextlib.suppress(ZeroDivisionError):
            with openstreamer.connect("127.0.0.1", port=server.port, **options) as events:
                for event in events:
                    assert 1 / (event.data.event_id - 4)
        assert ids(take_blocking(server.port, tmp_path, position=position)) == [4, 5, 6, 7, 8]


def test_batches_are_the_same_events_many_at_a_time(tmp_path: Path) -> None:
    with serving(everything, tmp_path) as server:
        with openstreamer.connect("127.0.0.1", port=server.port, **_with_file(tmp_path, {})) as events:
            batches = list(events.batches())
            assert events.counts.delivered == 8
            assert events.position.second == SECOND + 1
    assert ids([event for batch in batches for event in batch]) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_stream_can_be_stopped_from_another_thread(tmp_path: Path) -> None:
    options = _with_file(tmp_path, {"idle_exit": None})
    with serving(everything, tmp_path) as server:
        with openstreamer.connect("127.0.0.1", port=server.port, **options) as events:
            threading.Timer(0.4, events.stop).start()
            began = time.monotonic()
            assert len(list(events)) == 8
            assert time.monotonic() - began < 5
        events.close()


def test_a_position_is_used_by_one_stream_at_a_time(tmp_path: Path) -> None:
    options = _with_file(tmp_path, {"position": tmp_path / "position"})
    with openstreamer.connect("127.0.0.1", port=1, **options):
        with pytest.raises(UsageError, match="uses the position"):
            openstreamer.connect("127.0.0.1", port=1, **options)
    openstreamer.connect("127.0.0.1", port=1, **options).close()


async def test_a_slow_reader_holds_the_server_back(tmp_path: Path) -> None:
    sent = 0

    def script(conversation: Conversation) -> None:
        nonlocal sent
        conversation.greet()
        body = record(400, hand_made.intrusion_85(), SECOND)
        message = hand_made.bundle(1, [body] * 500)
        for _ in range(400):
            conversation.send(message)
            sent += 1

    with serving(script, tmp_path) as server:
        async with aio.connect("127.0.0.1", port=server.port, **_with_file(tmp_path, {})) as events:
            await anext(events)
            await asyncio.sleep(0.5)
            assert sent < 350


async def test_many_streams_in_one_loop(tmp_path: Path) -> None:
    async def one(port: int) -> int:
        async with aio.connect("127.0.0.1", port=port, **_with_file(tmp_path, {"count": 8})) as events:
            return len([event async for event in events])

    with serving(everything, tmp_path) as server:
        assert await asyncio.gather(*[one(server.port) for _ in range(5)]) == [8] * 5


def test_both_are_iterators(tmp_path: Path) -> None:
    options = _with_file(tmp_path, {})
    with openstreamer.connect("127.0.0.1", port=1, **options) as events:
        assert isinstance(events, Iterator)
        assert events.server == "127.0.0.1:1"
        events.save()
    stream = aio.connect("127.0.0.1", port=1, **options)
    assert isinstance(stream, AsyncIterator)
    asyncio.run(stream.close())


def test_both_fronts_and_the_docs_have_the_same_arguments() -> None:
    arguments = list(inspect.signature(openstreamer.connect).parameters)
    assert arguments == list(inspect.signature(aio.connect).parameters)
    text = (Path(__file__).parents[2] / "docs" / "library.md").read_text("utf-8")
    for name in arguments:
        assert f"`{name}`" in text or name == "host"


def test_nothing_stays_open(take: Take, tmp_path: Path) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("not on this system: a list of open files")
    with serving(everything, tmp_path) as server:
        take(server.port, tmp_path, count=8)
        time.sleep(0.2)
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(5):
            take(server.port, tmp_path, count=8, position=tmp_path / "position", since="beginning")
        time.sleep(0.2)
        assert len(list(Path("/proc/self/fd").iterdir())) <= before + 2


@pytest.mark.parametrize(
    ("how", "expected"),
    [("close", RefusedError), ("reset", LostConnection), ("cut", LostConnection)],
)
async def test_asyncio_tells_a_leave_from_a_crash(
    tmp_path: Path, how: str, expected: type[OpenStreamerError]
) -> None:
    """A server that takes leave in TLS before a word does not let us in; one that vanishes has crashed."""

    def script(conversation: Conversation) -> None:
        conversation.receive()
        if how == "cut":
            conversation.cut()
        else:
            getattr(conversation, how)()

    pkcs12 = authority().pkcs12(tmp_path / "client.pkcs12", "client")
    with serving(script, tmp_path) as server:

        async def follow() -> None:
            async with aio.connect("127.0.0.1", port=server.port, pkcs12=pkcs12, reconnect=False) as events:
                async for _ in events:
                    pass

        with pytest.raises(OpenStreamerError) as caught:
            await follow()
    assert type(caught.value) is expected
