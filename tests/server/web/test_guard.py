"""What stands before every page, tried from outside: hosts, headers, logins, tokens, probes."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from pathlib import Path

import pytest

from openstreamer.server.web.guard import FORM_BYTES, local_page
from openstreamer.server.web.logins import FAILURES
from openstreamer.server.web.passwords import write_password
from support.live_service import LiveService, Start, append, intrusion, wait_until
from support.web_client import PASSWORD, WebClient, logged_in, start_with_pages

PAGES = (
    "/status", "/status/now", "/events", "/events/1.0", "/types", "/clients", "/clients/now",
    "/clients/one.invalid", "/clients/one.invalid/names", "/clients/one.invalid/revoke",
)  # fmt: skip
CHANGES = (
    "/types", "/clients", "/clients/one.invalid/revoke", "/clients/one.invalid/types", "/logout",
)  # fmt: skip
PROBES = (
    "/etc/passwd", "/../../etc/passwd", "/static/../app.css", "/static/%2e%2e/base.html",
    "/static/..%2fbase.html", "/static/htmx/LICENSE", "/static/", "/static/nothing.css", "/.env",
    "/.git/config", "/wp-login.php", "/admin",
    "/status/", "/Status", "/events/", "/events/1", "/events/x.y", "/events/1.0/",
    "/clients/", "/clients/a/b/c", "/clients/..%2f..%2fca.pem", "/%00", "/\\status", "/metrics/", "//status",
    "/login/../status", "/openapi.json", "/docs", "/favicon.ico", "/robots.txt", "/static/app.css%00.js",
)  # fmt: skip


@pytest.mark.parametrize("path", ["/login", "/status", "/nothing", "/healthz", "/static/app.css", "/metrics"])
def test_every_answer_has_strict_headers(stranger: WebClient, path: str) -> None:
    headers = stranger.get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'self'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert "server" not in headers
    assert len(headers.get_all("cache-control") or []) == 1


def test_pages_are_not_kept_by_browsers_and_assets_are(browser: WebClient) -> None:
    page = browser.get("/status")
    assert page.headers["cache-control"] == "no-store"
    for line in page.text.splitlines():
        if "/static/" in line:
            address = line.split('"')[3 if "rel=" in line else 1]
            asset = browser.get(address)
            assert asset.status == 200
            assert "immutable" in asset.headers["cache-control"]
    assert browser.get("/static/app.css").headers["cache-control"] == "no-cache"


def test_pages_name_no_other_host_and_have_nothing_inline(browser: WebClient) -> None:
    for path in (*PAGES, "/login"):
        text = browser.get(path).text
        assert "http://" not in text.replace("http://www.w3.org", "")
        assert "https://" not in text
        assert "style=" not in text
        assert "<style" not in text
        assert " onclick" not in text
        assert "<script>" not in text


@pytest.mark.parametrize("path", PAGES)
def test_pages_want_a_login(stranger: WebClient, path: str) -> None:
    answer = stranger.get(path)
    assert answer.status == 303
    assert answer.location.startswith("/login")
    part = stranger.get(path, hx_request="true")
    assert (part.status, part.headers["hx-redirect"]) == (401, "/login")


@pytest.mark.parametrize("path", CHANGES)
def test_changes_want_a_login_and_a_token(live: LiveService, stranger: WebClient, path: str) -> None:
    assert stranger.post(path, csrf="x").status == 401
    browser = logged_in(live)
    foreign = WebClient(live)
    foreign.log_in()
    for token in ("", "x", foreign.csrf()):
        answer = browser.post(path, csrf=token)
        assert answer.status == 403, path
    assert browser.get("/types").status == 200, "still logged in"
    assert browser.post(path, csrf=browser.csrf(), Origin="http://evil.example").status == 403
    assert browser.post(path, csrf=browser.csrf(), Origin="null").status == 403
    assert browser.post(path, csrf=browser.csrf(), Sec_Fetch_Site="cross-site").status == 403
    assert live.service.authority.registry.get("one.invalid").revoked is None


@pytest.mark.parametrize("path", PROBES)
def test_probes_find_nothing(browser: WebClient, stranger: WebClient, path: str) -> None:
    for client in (browser, stranger):
        answer = client.request("GET", path)
        assert answer.status in (404, 400), path
        assert b"root:" not in answer.body
        assert "PRIVATE KEY" not in answer.text


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "localhost.evil.example", "10.9.8.7", "", "[::", "a b"]
)
def test_other_hosts_are_refused(stranger: WebClient, host: str) -> None:
    answer = stranger.request("GET", "/login", headers={"Host": host})
    assert answer.status == 421
    assert "password" not in answer.text


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8303", socket.gethostname()]
)
def test_our_own_names_are_not(stranger: WebClient, host: str) -> None:
    assert stranger.request("GET", "/login", headers={"Host": host}).status == 200


def test_names_of_the_settings_count(start: Start) -> None:
    live = start_with_pages(start, settings={"web": {"names": ["Console.Example.NET", "192.0.2.9"]}})
    client = WebClient(live)
    for host in ("console.example.net", "192.0.2.9:443"):
        assert client.request("GET", "/login", headers={"Host": host}).status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "OPTIONS", "PATCH", "BREW"])
def test_other_methods_are_refused(browser: WebClient, method: str) -> None:
    assert browser.request(method, "/types").status == 405


def test_wrong_method_for_a_page(browser: WebClient) -> None:
    assert browser.post("/status", csrf="x").status == 405
    assert browser.get("/logout").status == 405


def test_forms_are_bounded(browser: WebClient) -> None:
    token = browser.csrf()
    assert browser.request("POST", "/types", b"a=" + b"x" * FORM_BYTES).status == 413
    assert browser.request("POST", "/types", b"a=1&" * 500).status == 400
    assert browser.request("POST", "/types", b"csrf=%ff%fe\xff").status in (400, 403)
    assert browser.request("POST", "/types", b"{}", {"Content-Type": "application/json"}).status == 415
    assert browser.post("/types", [("type", "intrusion")], csrf=token).status == 303


def test_login_and_logout(live: LiveService, stranger: WebClient) -> None:
    answer = stranger.log_in(target="/events?type=file")
    assert (answer.status, answer.location) == (303, "/events?type=file")
    cookie = next(line for line in stranger.set_cookies if "Max-Age=0" not in line)
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert "Secure" not in cookie, "plain HTTP on loopback"
    assert stranger.get("/login").status == 303
    assert stranger.get("/status").status == 200
    kept = dict(stranger.cookies)
    assert stranger.post("/logout").status == 303
    stranger.cookies = kept
    assert stranger.get("/status").status == 303, "the token is worth nothing afterwards"
    actions = [json.loads(line)["action"] for line in live.state.audit.read_text().splitlines()]
    assert actions == ["login", "logout"]


def test_the_login_form_has_a_token_too(stranger: WebClient) -> None:
    form = {"password": PASSWORD}
    assert stranger.post("/login", form, csrf="x").status == 403
    token = stranger.token_in(stranger.get("/login"))
    stranger.cookies.clear()
    assert stranger.post("/login", form, csrf=token).status == 403
    assert stranger.log_in().status == 303


def test_wrong_passwords_and_the_wait_after_them(live: LiveService, stranger: WebClient) -> None:
    for _ in range(FAILURES):
        answer = stranger.log_in("wrong password")
        assert answer.status == 403
        assert "not the password" in answer.words
    answer = stranger.log_in()
    assert answer.status == 429
    assert int(answer.headers["retry-after"] or 0) > 100
    assert "Too many" in answer.words
    assert live.state.audit.read_text().count("login failed") == FAILURES
    assert "wrong password" not in live.state.audit.read_text()


def test_a_new_password_ends_logins(live: LiveService, browser: WebClient) -> None:
    assert browser.get("/status").status == 200
    write_password(live.state.web_password, "another password")
    assert browser.get("/status").status == 303
    assert browser.log_in().status == 403
    assert browser.log_in("another password").status == 303


def test_without_a_password_nobody_gets_in(start: Start) -> None:
    live = start_with_pages(start, password=False)
    client = WebClient(live)
    page = client.get("/login")
    assert "openstreamer web-password" in page.words
    (cookie,) = client.cookies.values()
    token = live.service._web.context.login_forms.token(cookie)  # type: ignore[union-attr]
    for password in ("", PASSWORD):
        assert client.post("/login", {"password": password}, csrf=token).status == 403
        (cookie,) = client.cookies.values()
        token = live.service._web.context.login_forms.token(cookie)  # type: ignore[union-attr]
    assert client.get("/status").status == 303


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/events?type=file&text=a", "/events?type=file&text=a"),
        ("/clients/2001:db8::1", "/clients/2001:db8::1"),
        ("//evil.example", "/status"),
        ("/events//evil.example", "/status"),
        ("https://evil.example", "/status"),
        ("/\\evil.example", "/status"),
        ("/login", "/status"),
        ("/statusx", "/status"),
        ("/events\r\nSet-Cookie: a=b", "/status"),
        ("", "/status"),
    ],
)
def test_only_our_own_pages_come_after_the_login(path: str, expected: str) -> None:
    assert local_page(path) == expected


def test_an_idle_login_ends(start: Start) -> None:
    live = start_with_pages(start, settings={"web": {"idle_minutes": 0.005}})
    browser = logged_in(live)
    assert browser.get("/status").status == 200
    time.sleep(0.4)
    assert browser.get("/status").status == 303


def test_text_of_events_and_clients_is_never_markup(live: LiveService, browser: WebClient) -> None:
    from openstreamer.layouts.intrusion import IntrusionEvent
    from openstreamer.wire import encoder
    from support.live_service import SECOND, rule_message

    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"
    data = encoder(IntrusionEvent, 85)(
        IntrusionEvent(
            block_type=85, event_id=1, event_second=SECOND, generator_id=1, signature_id=1000,
            source_ip="192.0.2.1", destination_ip="192.0.2.2", http_uri=evil, smtp_from=evil,
        )
    )  # fmt: skip
    append(live.store, [(400, data)], metadata=[(66, rule_message(1000, evil))])
    query = "text=%3Cscript%3Ealert(1)&address=%22%3E%3Cscript%3E"
    for path in (
        "/events",
        "/events/1.0",
        "/events?text=%3Cscript%3Ealert(1)",
        f"/events?{query}",
        "/clients/%3Cscript%3E",
    ):
        text = browser.get(path).text
        assert "<script>alert" not in text
        assert "<img" not in text
        assert '<script>"' not in text
    page = browser.get("/events/1.0").text
    assert "&lt;script&gt;alert(1)" in page
    assert "{{7*7}}" in page
    answer = browser.post("/clients", [("host", "<script>alert(1)</script>"), ("type", "file")])
    assert answer.status == 400
    assert "<script>alert" not in answer.text
    assert browser.post("/types", [("type", "<script>")]).status == 400


def test_https_away_from_loopback(start: Start) -> None:
    live = start_with_pages(start, web="0.0.0.0:0")
    assert live.service.web_address.startswith("https://")
    client = WebClient(live)
    assert client.secure
    assert client.log_in().status == 303
    cookie = next(line for line in client.set_cookies if "Max-Age=0" not in line)
    assert cookie.startswith("__Host-")
    assert "Secure" in cookie
    plain = http.client.HTTPConnection("127.0.0.1", client.port, timeout=5)
    plain.request("GET", "/login")
    with pytest.raises((OSError, http.client.HTTPException)):
        plain.getresponse()
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname = False
    old.verify_mode = ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSVersion"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", client.port), 5) as raw,
        pytest.raises((ssl.SSLError, OSError)),
    ):
        old.wrap_socket(raw)


def test_a_renewed_certificate_is_shown_at_once(start: Start) -> None:
    live = start_with_pages(start, web="0.0.0.0:0")
    port = WebClient(live).port
    first = ssl.get_server_certificate(("127.0.0.1", port))
    live.service.authority.renew_server(within_days=None)
    live.call(live.service.renew_context)
    assert ssl.get_server_certificate(("127.0.0.1", port)) != first


def test_silent_connections_are_dropped(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openstreamer.server.web.server.FIRST_REQUEST_SECONDS", 0.2)
    live = start_with_pages(start)
    with socket.create_connection(("127.0.0.1", WebClient(live).port), 5) as peer:
        peer.sendall(b"GET /login HTTP/1.1\r\nHost: loc")
        assert peer.recv(100) == b""


def test_a_stop_ends_streams_and_gives_the_address_back(live: LiveService, browser: WebClient) -> None:
    with browser.stream("/events/live") as stream:
        assert stream.status == 200
        began = time.monotonic()
        live.stop()
        assert time.monotonic() - began < 3
        stream.read()
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", browser.port))


def test_pages_do_not_hold_up_sessions(live: LiveService, browser: WebClient) -> None:
    """The event loop answers while a search reads the whole event log."""
    for _ in range(20):
        append(live.store, [(400, intrusion(number)) for number in range(500)])
    waits = []
    import threading

    searching = threading.Thread(target=lambda: browser.get("/events?address=203.0.113.99"))
    searching.start()
    while searching.is_alive():
        began = time.monotonic()
        live.call(lambda: None)
        waits.append(time.monotonic() - began)
        time.sleep(0.005)
    searching.join()
    assert max(waits) < 0.5


def test_a_taken_address_is_an_error_if_it_was_chosen(
    live: LiveService, start: Start, browser: WebClient
) -> None:
    from openstreamer.errors import StateError

    with pytest.raises(StateError, match="cannot listen"):
        start(web=f"127.0.0.1:{browser.port}")


def test_a_taken_default_address_is_a_warning(
    start: Start, browser: WebClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"127.0.0.1:{browser.port}"
    monkeypatch.setattr("openstreamer.server.web.DEFAULT_WEB_ADDRESS", address)
    assert start(web=address).service.web_address == ""


def test_without_the_libraries_serving_goes_on(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import logging
    import sys

    monkeypatch.delitem(sys.modules, "openstreamer.server.web.server", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    logging.getLogger("openstreamer").propagate = True
    live = start(web="127.0.0.1:0")
    assert live.service.web_address == ""
    with live.client():
        pass
    assert "pip install 'openstreamer[web]'" in caplog.text


def test_the_state_directory_says_where_the_pages_are(live: LiveService) -> None:
    from openstreamer.server.state import running_service

    about = running_service(live.state)
    assert about is not None
    assert about["web"] == live.service.web_address
    wait_until(lambda: Path(live.state.web_password).exists())
