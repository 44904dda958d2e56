"""Peers of the web pages that are slow, many, or never finish: others must not notice."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time

import pytest

from openstreamer.server.web.guard import FORM_BYTES
from openstreamer.server.web.logins import FAILURES
from support.live_service import LiveService, Start, append, intrusion, wait_until
from support.web_attacks import FORMS
from support.web_client import WebClient, logged_in, start_with_pages

HEAD = (
    "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    "Content-Length: 1000000\r\nCookie: {cookies}\r\n\r\na="
)


def cookies(client: WebClient) -> str:
    return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


def streams(live: LiveService) -> int:
    web = live.service._web
    assert web is not None
    return web.context.live_streams


def first_line(peer: socket.socket) -> bytes:
    return peer.recv(4096).partition(b"\r\n")[0]


def test_a_strangers_form_is_not_waited_for(live: LiveService) -> None:
    """It is answered before it has come, and the connection closed."""
    client = WebClient(live)
    for target in FORMS:
        with socket.create_connection(("127.0.0.1", client.port), 20) as peer:
            peer.sendall(HEAD.format(path=target.path, cookies="").encode())
            if target.public:
                peer.sendall(b"x" * FORM_BYTES)
            began = time.monotonic()
            assert first_line(peer).split()[1] == (b"413" if target.public else b"401")
            with contextlib.suppress(ConnectionError):
                while peer.recv(4096):
                    pass
            assert time.monotonic() - began < 5


def test_a_form_that_never_ends_is_given_up(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openstreamer.server.web.guard.FORM_SECONDS", 0.2)
    live = start_with_pages(start)
    known, unknown = logged_in(live), WebClient(live)
    for target in FORMS:
        browser = unknown if target.public else known
        with socket.create_connection(("127.0.0.1", browser.port), 10) as peer:
            peer.sendall(HEAD.format(path=target.path, cookies=cookies(browser)).encode())
            assert b" 408 " in first_line(peer), target.path


def test_a_body_after_the_answer_is_not_taken_for_ever(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GET with a body is answered before the body has come; the rest of it keeps no connection."""
    monkeypatch.setattr("openstreamer.server.web.server.FIRST_REQUEST_SECONDS", 0.5)
    client = WebClient(start_with_pages(start))
    with socket.create_connection(("127.0.0.1", client.port), 10) as peer:
        peer.sendall(HEAD.format(path="/healthz", cookies="").replace("POST", "GET").encode())
        assert b" 200 " in first_line(peer)
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - began < 10:
                peer.sendall(b"x")
                peer.settimeout(0.05)
                with contextlib.suppress(TimeoutError):
                    if not peer.recv(4096):
                        break
        assert time.monotonic() - began < 8


def test_a_later_request_must_be_whole_in_time_too(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openstreamer.server.web.server.FIRST_REQUEST_SECONDS", 0.5)
    client = WebClient(start_with_pages(start))
    with socket.create_connection(("127.0.0.1", client.port), 10) as peer:
        peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b""
        while b"ok\n" not in answer:
            answer += peer.recv(4096)
        peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: local")
        assert peer.recv(4096) == b"", "dropped"


def test_an_unhurried_browser_is_not_dropped(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openstreamer.server.web.server.FIRST_REQUEST_SECONDS", 0.3)
    browser = logged_in(start_with_pages(start))
    connection = http.client.HTTPConnection("127.0.0.1", browser.port, timeout=10)
    for _ in range(3):
        connection.request("GET", "/status", headers={"Cookie": cookies(browser)})
        answer = connection.getresponse()
        assert answer.status == 200
        answer.read()
        time.sleep(0.4)
    connection.close()


def test_watchers_are_bounded_and_leave_room_when_they_go(
    live: LiveService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openstreamer.server.web.pages_events.LIVE_STREAMS", 3)
    browser = logged_in(live)
    with contextlib.ExitStack() as stack:
        for number in range(3):
            assert stack.enter_context(browser.stream("/events/live")).status == 200
            wait_until(lambda: streams(live) == number + 1)  # noqa: B023 - awaited here
        with browser.stream("/events/live") as refused:
            assert refused.status == 503
        assert browser.get("/events").status == 200, "the pages go on"
        append(live.store, [(400, intrusion(1))])
    wait_until(lambda: streams(live) == 0, 20, "the streams to have been noticed as gone")
    with browser.stream("/events/live") as again:
        assert again.status == 200


def test_a_watcher_that_takes_nothing_holds_up_nobody(live: LiveService) -> None:
    browser = logged_in(live)
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        deaf.connect(("127.0.0.1", browser.port))
        head = f"GET /events/live?after=0 HTTP/1.1\r\nHost: localhost\r\nCookie: {cookies(browser)}\r\n\r\n"
        deaf.sendall(head.encode())
        wait_until(lambda: streams(live) == 1)
        with browser.stream("/events/live") as stream:
            for number in range(60):
                append(live.store, [(400, intrusion(100 * number + each)) for each in range(40)])
            began = time.monotonic()
            line = b""
            while not line.startswith(b"data:"):
                line = stream.readline()
            assert time.monotonic() - began < 10
        assert browser.get("/status").status == 200


def test_connections_are_bounded(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Idle connections take the room of new ones only until they are dropped, and never that of clients."""
    monkeypatch.setattr("openstreamer.server.web.server.CONNECTIONS", 8)
    monkeypatch.setattr("openstreamer.server.web.server.FIRST_REQUEST_SECONDS", 1.0)
    live = start_with_pages(start)
    client = WebClient(live)
    with contextlib.ExitStack() as stack:
        idle = [
            stack.enter_context(socket.create_connection(("127.0.0.1", client.port), 10)) for _ in range(30)
        ]
        with live.client() as unharmed:
            assert unharmed is not None
        with contextlib.suppress(OSError, http.client.HTTPException):
            assert client.get("/healthz").status == 503
        assert sum(_closed(peer) for peer in idle) >= 14

        def answers() -> bool:
            with contextlib.suppress(OSError, http.client.HTTPException):
                return client.get("/healthz").status == 200
            return False

        wait_until(answers, 10, "the idle connections to be dropped")


def _closed(peer: socket.socket) -> bool:
    peer.settimeout(0.1)
    try:
        return peer.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_many_wrong_passwords_at_once_count_as_many(live: LiveService) -> None:
    """Ten browsers that guess at the same moment get no more guesses than one."""
    clients = [WebClient(live) for _ in range(10)]
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda client=client: answers.append(client.log_in("a wrong one").status))
        for client in clients
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 10
    assert answers.count(403) <= FAILURES
    assert set(answers) <= {403, 429, 503}
    assert WebClient(live).log_in().status == 429, "the right one has to wait as well"
