"""The service as a whole: who gets in, what switches and revocation do, how it stops."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import subprocess
import threading
import time
from pathlib import Path

import pytest

from openstreamer.authority import Authority
from openstreamer.errors import StateError
from openstreamer.inputs.interface import NewRecord
from openstreamer.server import periodic
from openstreamer.server.service import Service
from openstreamer.server.settings import Settings
from openstreamer.server.state import running_service
from openstreamer.store import open_store
from support.live_service import (
    HOST,
    LiveService,
    Start,
    append,
    event_number,
    intrusion,
    packet,
    wait_until,
)
from support.programs import program
from support.raw_client import NULL, Closed, RawClient, bundle_items, request, streaming_request

FLAGS = 0x48900061
NEWEST = [(12, 11), (21, 4)]


def ask(client: RawClient, timestamp: int = 0) -> None:
    """An extended request for intrusion events and packets."""
    client.send(request(timestamp, FLAGS))
    assert client.message()[0] == 2051
    client.send(streaming_request(timestamp, FLAGS, NEWEST))


def refused(live: LiveService, client_name: str | None, cause: str, **options: object) -> None:
    """Make sure that this client is refused for this reason, and gets no byte."""
    before = live.service.statistics.refused[cause]
    try:
        with live.client(client_name, **options) as client:  # type: ignore[arg-type]
            try:
                client.send(request(0, FLAGS))
            except OSError:
                pass
            assert client.closed() == []
    except (OSError, ssl.SSLError):
        pass  # the handshake itself failed
    wait_until(lambda: live.service.statistics.refused[cause] == before + 1, what=f"{cause}")
    assert live.service.statistics.accepted == 0


# --- who gets in ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        (None, "no certificate"),
        ("foreign", "unknown CA"),
        ("elsewhere", "name does not match peer"),
        ("nowhere", "name does not resolve"),
    ],
)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_who_is_refused_and_why(
    start: Start, name: str | None, cause: str, version: ssl.TLSVersion, caplog: pytest.LogCaptureFixture
) -> None:
    live = start()
    append(live.store, [(400, intrusion(1))])
    refused(live, name, cause, maximum=version)
    assert cause in caplog.text


def test_a_revoked_client_is_refused(start: Start) -> None:
    live = start()
    with Authority(live.state.path) as authority:
        authority.revoke("one.invalid")
    refused(live, "one", "revoked")


@pytest.mark.parametrize("error", [StateError("the registry cannot be read"), ZeroDivisionError()])
def test_a_revocation_is_not_passed_over_where_a_look_at_it_failed(
    start: Start, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    live = start()
    monkeypatch.setattr(periodic, "FAULT_SECONDS", 0.01)
    with live.client() as client:
        ask(client)
        wait_until(lambda: len(live.service.sessions) == 1)
        failed: list[bool] = []
        read = live.service._read_events

        def fail_twice() -> frozenset[str]:
            if len(failed) < 2:
                failed.append(True)
                raise error
            return read()

        monkeypatch.setattr(live.service, "_read_events", fail_twice)
        with Authority(live.state.path) as authority:
            authority.revoke("one.invalid")
        wait_until(lambda: live.service.statistics.ended["revoked"] == 1)
        assert len(failed) == 2


def test_no_host_check_for_one_client_and_for_all(start: Start) -> None:
    live = start()
    with live.client("anywhere") as client:
        ask(client)
    live = start(host_check=False)
    for name in ("elsewhere", "nowhere"):
        with live.client(name) as client:
            ask(client)


def test_peers_that_do_not_speak_tls(start: Start) -> None:
    live = start()
    with socket.create_connection((HOST, live.port), timeout=5) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP" not in plain.recv(1000)
    wait_until(lambda: live.service.statistics.refused["not TLS"] == 1)
    with socket.create_connection((HOST, live.port), timeout=5):
        pass
    wait_until(lambda: live.service.statistics.refused["left during the handshake"] == 1)


def test_connections_of_one_client_are_limited(start: Start) -> None:
    live = start(settings={"sessions": {"connections_per_client": 2}})
    with live.client() as first, live.client() as second:
        ask(first)
        ask(second)
        with live.client() as third:
            assert third.closed() == []
        with live.client("two") as other:
            ask(other)


def test_ipv4_and_ipv6_on_one_socket(start: Start) -> None:
    if not socket.has_ipv6:
        pytest.skip("not installed: IPv6 on this machine")
    live = start(listen=["[::]:0"])
    append(live.store, [(400, intrusion(1))])
    for host in (HOST, "::1"):
        with live.client(host=host) as client:
            ask(client)
            assert event_number(client.records(1)[0].data) == 1
    live = start(listen=["localhost:0"])
    ports = {address.rpartition(":")[2] for address in live.service.addresses}
    assert len(ports) == 1


def s_client(live: LiveService, *options: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [program("openssl"), "s_client", "-connect", f"{HOST}:{live.port}", "-ign_eof", "-quiet", *options],
        input=request(0, 0x00800046),
        capture_output=True,
        timeout=20,
        check=False,
    )


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl_without_with_foreign_and_with_revoked_certificate(start: Start, version: str) -> None:
    live = start()
    append(live.store, [(400, intrusion(1)), (2, packet(1))])
    with Authority(live.state.path) as authority:
        authority.revoke("two.invalid")
    for certificate in ((), ("-cert", live.certificates["foreign"]), ("-cert", live.certificates["two"])):
        done = s_client(live, version, *certificate)
        assert done.stdout == b""
    assert live.service.statistics.accepted == 0
    assert set(live.service.statistics.refused) == {"no certificate", "unknown CA", "revoked"}


# --- revocation and switches ------------------------------------------------------------------------------


@pytest.mark.parametrize("paused", [False, True])
def test_revocation_ends_live_sessions_within_a_second(start: Start, paused: bool) -> None:
    live = start(settings={"sessions": {"window_bundles": 1}})
    append(live.store, [(400, intrusion(number)) for number in range(500)])
    with live.client() as client, live.client("two") as other:
        ask(client)
        ask(other)
        assert client.message()[0] == 4002
        if not paused:
            client.send(NULL)
        with Authority(live.state.path) as authority:  # as another process does
            authority.revoke("one.invalid")
        began = time.monotonic()
        client.closed(timeout=1)
        assert time.monotonic() - began < 1
        wait_until(lambda: live.service.statistics.ended["revoked"] == 1)
        assert len(other.records(500)) == 500
        with live.client() as again:
            assert again.closed() == []


def capture(live: LiveService, records: list[NewRecord]) -> None:
    """What an input of the service does with records."""
    from openstreamer.inputs.interface import Batch, Input
    from openstreamer.server.intake import Intake

    class Once(Input):
        done = False

        @property
        def name(self) -> str:
            return "once"

        def open(self, context: object) -> None:
            pass

        def read(self, max_records: int, timeout: float) -> Batch | None:
            if self.done:
                return None
            self.done = True
            return Batch(records=records, lines=len(records))

    Intake(live.store, Once(), enabled=lambda: live.service._server_events, stop=threading.Event()).run()


def switch(live: LiveService, *, enable: tuple[str, ...] = (), disable: tuple[str, ...] = ()) -> None:
    """Turn switches of the server as another process does, and wait until the service has noticed."""
    with Authority(live.state.path) as authority:
        enabled = authority.registry.set_server_events(enable=enable, disable=disable)
    wait_until(lambda: live.service._server_events == enabled, 1)
    wait_until(lambda: all(session.selection.allowed <= enabled for session in live.service.sessions), 1)


def pair(number: int) -> list[NewRecord]:
    return [
        NewRecord(400, intrusion(number), "intrusion"),
        NewRecord(2, packet(number), "packet"),
    ]


def test_an_unticked_type_is_neither_captured_nor_sent_and_flows_again(start: Start) -> None:
    live = start()
    with live.client() as client:
        ask(client)
        capture(live, pair(1))
        assert [item.type for item in client.records(2)] == [400, 2]
        switch(live, disable=("packet",))
        append(live.store, [(400, intrusion(2)), (2, packet(2))])  # captured by somebody nevertheless
        capture(live, pair(3))
        found = client.records(2)
        assert [(item.type, event_number(item.data)) for item in found] == [(400, 2), (400, 3)]
        client.silence(0.2)
        switch(live, enable=("packet",))
        capture(live, pair(4))
        assert [item.type for item in client.records(2)] == [400, 2]
    with live.client() as client:
        ask(client)
        found = client.records(7)
        assert [(item.type, event_number(item.data)) for item in found] == [
            (400, 1),
            (2, 1),
            (400, 2),
            (2, 2),
            (400, 3),  # its packet was never captured
            (400, 4),
            (2, 4),
        ]


def test_a_clients_own_switches_touch_only_that_client(start: Start) -> None:
    live = start()
    with live.client() as client, live.client("two") as other:
        ask(client)
        ask(other)
        with Authority(live.state.path) as authority:
            authority.registry.set_events("one.invalid", disable=["packet"])
        wait_until(
            lambda: any(
                session.selection is not None and "packet" not in session.selection.allowed
                for session in live.service.sessions
            )
        )
        capture(live, pair(1) + pair(2))
        assert [item.type for item in client.records(2)] == [400, 400]
        assert [item.type for item in other.records(4)] == [400, 2, 400, 2]


def test_a_type_switched_off_in_the_middle_of_a_chunk(start: Start) -> None:
    """A paused client, half a chunk sent: no more of the type leaves, nothing else is lost or doubled."""
    live = start(settings={"sessions": {"window_bundles": 1}})
    append(
        live.store,
        [record for number in range(300) for record in ((400, intrusion(number)), (2, packet(number)))],
    )
    with live.client() as client:
        ask(client)
        first = bundle_items(client.message()[1])
        switch(live, disable=("packet",))
        client.send(NULL)
        left = 300 - sum(item.type == 400 for item in first)
        rest = client.records(left)
        assert {item.type for item in rest} == {400}
        events = [event_number(item.data) for item in first + rest if item.type == 400]
        assert events == list(range(300))


# --- many, and other processes ----------------------------------------------------------------------------


def test_two_hundred_clients(start: Start) -> None:
    live = start(settings={"sessions": {"connections_per_client": 300}})
    append(live.store, [(400, intrusion(number)) for number in range(200)])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(live.certificates["one"])

    async def one(number: int) -> int:
        reader, writer = await asyncio.open_connection(HOST, live.port, ssl=context)
        try:
            writer.write(request(0, FLAGS))
            got = 0
            while got < 300:
                _, kind, length = struct.unpack(">HHI", await reader.readexactly(8))
                body = await reader.readexactly(length)
                if kind == 2051:
                    writer.write(streaming_request(0, FLAGS, NEWEST if number % 2 else [(12, 5)]))
                elif kind == 4002:
                    got += len(bundle_items(body))
                    writer.write(NULL)
            return got
        finally:
            writer.close()

    async def all_of_them() -> list[int]:
        tasks = [asyncio.create_task(one(number)) for number in range(200)]
        await asyncio.sleep(1)
        for first in range(200, 300, 20):
            await asyncio.to_thread(
                append, live.store, [(400, intrusion(number)) for number in range(first, first + 20)]
            )
        return await asyncio.wait_for(asyncio.gather(*tasks), 60)

    assert asyncio.run(all_of_them()) == [300] * 200


def test_events_stored_by_another_process_arrive_quickly(start: Start) -> None:
    live = start()
    other = open_store(live.state.store)
    with live.client() as client:
        ask(client, 0xFFFFFFFF)
        client.silence(0.1)
        append(other, [(400, intrusion(1))])
        began = time.monotonic()
        client.records(1)
        assert time.monotonic() - began < 0.5
    other.close()


def test_a_second_service_is_refused(start: Start) -> None:
    live = start()
    with pytest.raises(StateError, match="already runs"):
        asyncio.run(Service(live.state, Settings(), listen=[f"{HOST}:0"]).start())
    about = running_service(live.state)
    assert about is not None
    assert about["listen"] == [f"{HOST}:{live.port}"]


def test_an_address_in_use_is_an_error_that_leaves_nothing_open(start: Start) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StateError, match=f"cannot listen on {HOST}:{port}"):
            start(listen=[f"{HOST}:{port}"])


def test_retention_deletes_what_is_too_old(start: Start) -> None:
    live = start(settings={"retention": {"keep_days": 1, "check_seconds": 0.2}})
    append(live.store, [(400, intrusion(1))], now=int(time.time()) - 2 * 86400)
    append(live.store, [(400, intrusion(2))])
    wait_until(lambda: live.service.statistics.trimmed_records == 1)
    with live.client() as client:
        ask(client)
        assert event_number(client.records(1)[0].data) == 2


def test_the_registry_knows_who_was_there_and_how_far(start: Start) -> None:
    live = start()
    number = append(live.store, [(400, intrusion(1))])
    with live.client() as client:
        ask(client)
        client.records(1)
        wait_until(lambda: any(session.acknowledged == number for session in live.service.sessions))
    with Authority(live.state.path) as authority:
        wait_until(lambda: authority.registry.get("one.invalid").position == number)
        seen = authority.registry.get("one.invalid")
    assert seen.last_address == HOST
    assert abs((seen.last_seen or 0) - time.time()) < 10


# --- stopping ---------------------------------------------------------------------------------------------


def test_a_stop_delivers_what_is_stored_and_closes_tls_properly(start: Start) -> None:
    live = start()
    with live.client() as client, live.client("two") as idle:
        ask(client)
        client.silence(0.1)
        for first in range(0, 1000, 100):
            append(live.store, [(400, intrusion(number)) for number in range(first, first + 100)])
        stopping = threading.Thread(target=live.stop)
        stopping.start()
        numbers = [event_number(item.data) for item in client.records(1000)]
        assert numbers == list(range(1000))
        with pytest.raises(Closed, match=r"^$"):  # a TLS close, not a broken connection
            client.message()
        assert idle.closed() == []
        client.socket.close()
        idle.socket.close()
        stopping.join(10)
        assert not stopping.is_alive()
    assert running_service(live.state) is None


def test_a_stop_does_not_wait_for_a_client_that_takes_nothing(start: Start) -> None:
    live = start(settings={"server": {"stop_seconds": 1}, "sessions": {"window_bundles": 100_000}})
    for _ in range(20):
        append(live.store, [(2, packet(number, 60_000)) for number in range(20)])
    with live.client(receive_buffer=4096) as client:
        ask(client)
        wait_until(lambda: any(session.connection.pending for session in live.service.sessions))
        began = time.monotonic()
        live.stop()
        assert time.monotonic() - began < 4
