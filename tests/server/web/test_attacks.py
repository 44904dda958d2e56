"""Every address of the pages attacked: the tests go over the application's own tables of addresses.

They share one service and must leave it as it was; attacks that need one of their own are in
`test_exhaustion`, those that need a browser in `test_browser_attacks`.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode

import pytest

from openstreamer.authority import EVENT_CLASSES
from openstreamer.server.web.application import PAGES, PLAIN
from openstreamer.server.web.guard import FORM_BYTES
from openstreamer.server.web.pages_clients import file_name
from support.live_service import LiveService, append, intrusion
from support.web_attacks import (
    ENDING,
    FORMS,
    LIVE,
    MARKUP,
    METHODS,
    PARAMETERS,
    READS,
    TARGETS,
    Target,
    escapes,
    filled,
    head_of,
    raw,
)
from support.web_client import PASSWORD, Answer, WebClient, logged_in


def named(target: Target) -> str:
    return f"{target.method} {target.path}"


@pytest.fixture(scope="module")
def live(shared_live: LiveService) -> LiveService:
    append(shared_live.store, [(400, intrusion(1))])
    return shared_live


@pytest.fixture(scope="module")
def browser(live: LiveService) -> WebClient:
    """One that is logged in."""
    return logged_in(live)


@pytest.fixture(scope="module")
def token(browser: WebClient) -> str:
    """The token of its forms."""
    return browser.csrf()


@pytest.fixture
def stranger(live: LiveService) -> WebClient:
    return WebClient(live)


def unchanged(live: LiveService) -> bool:
    registry = live.service.authority.registry
    return (
        registry.server_events() == frozenset(EVENT_CLASSES)
        and registry.get("one.invalid").revoked is None
        and registry.get("one.invalid").events == frozenset(EVENT_CLASSES)
        and len(registry.list(revoked=True)) == 5
    )


def secrets_in(live: LiveService, answer: Answer) -> list[str]:
    """Which secrets of the service an answer holds."""
    stamp = live.state.web_password.read_text().strip()
    found = [word for word in ("PRIVATE KEY", "argon2", stamp, PASSWORD) if word.encode() in answer.body]
    return found + [name for name in ("root:x:0",) if name.encode() in answer.body]


# --- who may ask ------------------------------------------------------------------------------------------


def test_only_the_login_and_the_plain_answers_are_public() -> None:
    assert {(item.method, item.path) for item in PAGES if item.public} == {
        ("GET", "/login"),
        ("POST", "/login"),
    }
    assert {item.path for item in PLAIN} == {"/", "/healthz", "/metrics", "/static/{name}", "/crl/{name}"}


@pytest.mark.parametrize("target", TARGETS, ids=named)
def test_nothing_is_shown_or_done_without_a_login(
    live: LiveService, stranger: WebClient, target: Target
) -> None:
    for cookie in ("", "x", "A" * 43, "../../etc/passwd", "%00"):
        stranger.cookies = {f"openstreamer-{stranger.port}": cookie} if cookie else {}
        if target.method == "POST":
            answer = stranger.post(target.path, {"type": "file", "host": "evil.invalid"}, csrf="x")
            assert answer.status in (401, 403)
        else:
            answer = stranger.get(target.path)
        if not target.public:
            assert "one.invalid" not in answer.text.replace(quote(target.path), "")
            assert answer.status in (303, 401)
            assert answer.status != 303 or answer.location.startswith("/login")
        assert secrets_in(live, answer) == []
    assert unchanged(live)


@pytest.mark.parametrize("target", FORMS, ids=named)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/json"},
        {"Content-Type": ""},
    ],
    ids=str,
)
def test_no_form_is_taken_from_another_site(
    live: LiveService, browser: WebClient, token: str, target: Target, headers: dict[str, str]
) -> None:
    pairs = [("type", "file"), ("host", "evil.invalid"), ("csrf", token), ("password", PASSWORD)]
    answer = browser.request("POST", target.path, pairs, headers)
    assert answer.status in (403, 415), headers
    assert browser.get("/types").status == 200, "still logged in"
    assert unchanged(live)


@pytest.mark.parametrize("target", FORMS, ids=named)
def test_no_form_is_taken_without_its_token(
    live: LiveService, browser: WebClient, token: str, target: Target
) -> None:
    other = logged_in(live).csrf()
    for given in ("", "x", other, token[:-1], token + "x", token.swapcase(), "\x00", "é" * 43):
        answer = browser.post(target.path, {"type": "file", "password": PASSWORD}, csrf=given)
        assert answer.status == 403, given
    # A token in the address would end up in logs and histories: it does not count there, nor without a name.
    answer = browser.request("POST", f"{target.path}?csrf={token}", {"type": "file"})
    assert answer.status == 403
    assert unchanged(live)


@pytest.mark.parametrize("target", TARGETS, ids=named)
def test_no_other_method_does_anything(
    live: LiveService, browser: WebClient, token: str, target: Target
) -> None:
    path = target.path
    allowed = {item.method for item in TARGETS if item.path == path}
    for method in METHODS:
        if method in allowed:
            continue
        answer = browser.request(method, path, {"csrf": token, "type": "file"})
        assert answer.status in (400, 405), method
    overrides = {"X-HTTP-Method-Override": "POST", "X-HTTP-Method": "POST", "X-Method-Override": "POST"}
    if target not in LIVE and "GET" in allowed:
        query = urlencode({"_method": "POST", "csrf": token})
        assert browser.request("GET", f"{path}?{query}", headers=overrides).status in (200, 303, 404)
        head = browser.request("HEAD", path)
        assert head.body == b""
    assert unchanged(live)


# --- what goes out ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ENDING, ids=named)
def test_every_answer_is_guarded(live: LiveService, browser: WebClient, target: Target) -> None:
    for client in (browser, WebClient(live)):
        answer = client.get(target.path)
        headers = answer.headers
        parts = str(headers["content-security-policy"]).split(";")
        policy = dict(part.strip().partition(" ")[::2] for part in parts)
        assert policy["default-src"] == "'self'"
        assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
        assert policy["form-action"] == "'self'"
        assert not any("unsafe" in part for part in parts)
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["referrer-policy"] == "same-origin"
        for telling in ("server", "x-powered-by", "access-control-allow-origin", "via"):
            assert telling not in headers
        if not target.path.startswith("/static/"):
            assert headers["cache-control"] == "no-store", "no page is kept by a browser or a proxy"
        assert secrets_in(live, answer) == []
        if (answer.headers["content-type"] or "").startswith("text/html"):
            assert "charset=utf-8" in str(answer.headers["content-type"])
            for line in answer.text.split("<")[1:]:
                assert not re.match(r"[a-z]+[^>]*\son\w+=", line), "nothing is inline"
                assert not re.match(r"script(?![^>]*\ssrc=\"/static/)", line)
                assert not re.match(r"(style|iframe|object|embed|base)\b", line)


@pytest.mark.parametrize("target", ENDING, ids=named)
def test_nothing_that_comes_in_goes_out_as_markup(browser: WebClient, target: Target) -> None:
    harmful = re.compile(rb"<script>hacked|<img src=x|<svg/onload")
    for parameters in (
        dict.fromkeys(PARAMETERS, MARKUP),
        {MARKUP: MARKUP},
        {"type": "file", "before": MARKUP},
        {"address": MARKUP},
    ):
        answer = browser.get(f"{target.path}?{urlencode(parameters)}")
        # No list goes by the name of the tables: it would be made from the CA's fingerprint.
        assert answer.status in ((404,) if target.path.startswith("/crl/") else (200, 303, 400)), parameters
        assert not harmful.search(answer.body)
        assert "<" not in answer.location
    headers = dict.fromkeys(
        ("User-Agent", "Referer", "X-Forwarded-For", "X-Forwarded-Host", "Accept-Language", "HX-Target"),
        MARKUP,
    )
    assert not harmful.search(browser.request("GET", target.path, headers=headers).body)


@pytest.mark.parametrize("item", [item for item in PAGES if "{" in item.path], ids=lambda item: item.path)
def test_no_value_in_a_path_goes_out_as_markup(browser: WebClient, token: str, item: object) -> None:
    method, path = item.method, item.path  # type: ignore[attr-defined]
    for evil in (
        MARKUP,
        "<script>hacked=1</script>",
        "javascript:hacked=1",
        "{{7*7}}${7*7}",
        "\u202egnp.exe",
    ):
        place = re.sub(r"{[^}]+}", quote(evil, safe=""), path)
        answer = browser.request(method, place, {"csrf": token} if method == "POST" else None)
        assert answer.status == 404
        assert b"<script>hacked" not in answer.body
        assert b"<img" not in answer.body
        assert "7*7" in answer.text or "49" not in answer.words, "no template is made of it"


@pytest.mark.parametrize("target", READS, ids=named)
def test_no_way_leads_out_of_an_address(live: LiveService, browser: WebClient, target: Target) -> None:
    for path in escapes(target.path):
        answer = browser.get(path)
        assert answer.status in (400, 404), path
        assert secrets_in(live, answer) == []
        assert "x-taken" not in answer.headers
        assert "taken" not in browser.cookies


def test_no_answer_fails_by_a_fault(live: LiveService, caplog: pytest.LogCaptureFixture) -> None:
    """Bytes that no browser sends."""
    client = WebClient(live)
    host = f"Host: localhost:{client.port}\r\n".encode()
    for request, expected in (
        (b"GET /status HTTP/1.1\r\n\r\n", "400"),
        (b"GET /status HTTP/1.0\r\n\r\n", "421"),
        (b"GET /status HTTP/1.1\r\n" + host + host + b"\r\n", "400"),
        (b"GET http://evil.example/status HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421"),
        (b"GET http://evil.example/status HTTP/1.1\r\n" + host + b"\r\n", "404"),
        (b"GET /status\x00 HTTP/1.1\r\n" + host + b"\r\n", "400"),
        (b"GET /st\xff HTTP/1.1\r\n" + host + b"\r\n", "400"),
        (b"GET /login HTTP/1.1\r\n" + host + b"X: " + b"a" * 700_000 + b"\r\n\r\n", "400"),
        (b"GET /" + b"a" * 700_000 + b" HTTP/1.1\r\n" + host + b"\r\n", "400"),
        (b"GET /login HTTP/9.9\r\n" + host + b"\r\n", ""),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", ""),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "421"),
        (b"POST /login HTTP/1.1\r\n" + host + b"Content-Length: -1\r\n\r\n", "400"),
        (
            b"POST /login HTTP/1.1\r\n"
            + host
            + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "",
        ),
        (b"POST /login HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", ""),
        (b"GET /login HTTP/1.1\r\n" + host + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "200"),
        (b"GET /login HTTP/1.1\r\n" + host + b"Cookie: " + b"a=" * 3000 + b"\r\n\r\n", "200"),
    ):
        answer = head_of(raw(client, request, wait=0.4))
        assert answer[""] == expected or (expected == "" and not answer[""].startswith("5")), request[:60]
    assert "fault of the program" not in caplog.text
    assert client.get("/healthz").status == 200


@pytest.mark.parametrize("target", TARGETS, ids=named)
def test_no_address_answers_under_another_name(live: LiveService, browser: WebClient, target: Target) -> None:
    """A page of an attacker whose name is turned to this server's address (DNS rebinding) gets nothing."""
    for host in ("evil.example", f"evil.example:{browser.port}", f"127.0.0.1.evil.example:{browser.port}"):
        answer = browser.request(target.method, target.path, headers={"Host": host})
        assert answer.status == 421
        assert "evil" not in answer.text
        assert answer.location == ""
    # A forwarded name changes nothing: no address of an answer is made from it.
    answer = WebClient(live).request(
        target.method,
        target.path,
        headers={"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"},
    )
    assert "evil" not in answer.location


@pytest.mark.parametrize("target", FORMS, ids=named)
def test_long_forms_are_refused(live: LiveService, browser: WebClient, target: Target) -> None:
    assert browser.request("POST", target.path, b"a=" + b"x" * FORM_BYTES).status == 413
    # One that says it is long is not waited for: the first bytes over the limit end it.
    client = WebClient(live)
    head = (
        f"POST {target.path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000000\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Cookie: {'; '.join(f'{name}={value}' for name, value in browser.cookies.items())}\r\n\r\n"
    ).encode()
    assert head_of(raw(client, head + b"x" * (FORM_BYTES + 1), wait=1.0))[""] == "413"
    assert unchanged(live)


# --- the download, the login ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "a\r\nSet-Cookie: taken=1",
        'a"; filename="evil.exe',
        "../../etc/passwd",
        "a\x00b",
        "ü.example",
        "",
        "\u202egnp",
    ],
)
def test_the_name_of_a_download_is_plain(host: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._-]*\.pkcs12", file_name(host))


def test_a_download_is_for_nobody_else(live: LiveService, browser: WebClient) -> None:
    answer = browser.get(filled("/clients/{host}/file"))
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/x-pkcs12"
    assert str(answer.headers["content-disposition"]).startswith("attachment;")
    assert WebClient(live).get(filled("/clients/{host}/file")).status == 303


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "/%09/evil.example",
        "///evil.example", "javascript:hacked=1", "/status\r\nSet-Cookie: taken=1", "/status@evil.example",
        "http:evil.example", " //evil.example", "/status/..//evil.example", "evil.example",
        "/\t/evil.example",
        "/logout", "/metrics", "/static/app.js",
    ],
)  # fmt: skip
def test_a_login_leads_nowhere_else(live: LiveService, target: str) -> None:
    client = WebClient(live)
    form = client.get(f"/login?{urlencode({'next': target})}")
    assert 'name="next" value="/status"' in form.text
    again = client.post("/login", {"next": target, "password": "x"}, csrf="no token of ours")
    assert 'name="next" value="/status"' in again.text
    assert again.location == ""
    assert "taken" not in client.cookies


def test_a_right_login_leads_nowhere_else_either(live: LiveService) -> None:
    answer = WebClient(live).log_in(target="//evil.example/status")
    assert (answer.status, answer.location) == (303, "/status")


def test_a_login_that_somebody_planted_is_worth_nothing(live: LiveService) -> None:
    """Session fixation: the cookie of before is not the one after."""
    victim = WebClient(live)
    name = f"openstreamer-{victim.port}"
    victim.cookies[name] = planted = "planted-by-somebody-else"
    assert victim.log_in().status == 303
    assert victim.cookies[name] != planted
    attacker = WebClient(live)
    attacker.cookies[name] = planted
    assert attacker.get("/status").status == 303
    former = victim.cookies.pop(name)
    victim.log_in()
    assert victim.cookies[name] != former


def test_a_second_login_in_the_same_browser_ends_the_first(live: LiveService) -> None:
    victim = WebClient(live)
    victim.log_in()
    name = f"openstreamer-{victim.port}"
    first = dict(victim.cookies)
    fresh = WebClient(live)
    token = fresh.token_in(fresh.get("/login"))
    fresh.cookies[name] = first[name]
    assert fresh.post("/login", {"password": PASSWORD}, csrf=token).status == 303
    assert fresh.cookies[name] != first[name]
    victim.cookies = first
    assert victim.get("/status").status == 303


@pytest.mark.parametrize("target", [item for item in ENDING if item.page], ids=named)
def test_cookies_are_out_of_reach_of_scripts_and_other_sites(live: LiveService, target: Target) -> None:
    client = WebClient(live)
    for way in (lambda: client.get(target.path), client.log_in, lambda: client.get(target.path)):
        way()
        for line in client.set_cookies:
            low = line.lower()
            assert "httponly" in low
            assert "samesite=strict" in low
            assert "domain=" not in low
            assert "path=/" in low
