"""The pages as an operator uses them, without a browser's rendering."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from openstreamer.authority import EVENT_CLASSES, read_pkcs12
from openstreamer.errors import AuthorityError
from openstreamer.server.session import Session
from support.eve_lines import alert as eve_alert
from support.live_service import (
    SECOND,
    LiveService,
    Start,
    append,
    intrusion,
    packet,
    rule_message,
    wait_until,
)
from support.raw_client import Closed, RawClient, request, streaming_request
from support.web_client import WebClient, logged_in, start_with_pages

FLAGS = 0x48900061


def ticked(text: str) -> set[str]:
    return set(re.findall(r'name="type" value="([^"]+)" checked', text))


def asks(session: Session) -> str:
    """What a session asks for, in words."""
    return session.selection.describe() if session.selection is not None else ""


def streaming(live: LiveService, name: str = "one") -> RawClient:
    client = live.client(name)
    client.send(request(0, FLAGS))
    assert client.message()[0] == 2051
    client.send(streaming_request(0, FLAGS, [(12, 11), (21, 4)]))
    return client


# --- event types ------------------------------------------------------------------------------------------


def test_event_types_are_ticked_and_unticked(live: LiveService, browser: WebClient) -> None:
    append(live.store, [(400, intrusion(1)), (2, packet(1))])
    page = browser.get("/types")
    assert ticked(page.text) == set(EVENT_CLASSES)
    for words in ("Intrusion events", "Impact flag alerts", "deletes nothing"):
        assert words in page.words
    kept = [name for name in EVENT_CLASSES if name not in ("file", "connection")]
    assert browser.post("/types", [("type", name) for name in kept]).location == "/types"
    page = browser.get("/types")
    assert "Switched off: file events, connection events. Nothing captured is deleted." in page.words
    assert ticked(page.text) == set(kept)
    assert live.service.authority.registry.server_events() == set(kept)
    assert "Switched off" not in browser.get("/types").words, "said once"
    assert live.store.statistics().records == 2
    browser.post("/types", [("type", name) for name in EVENT_CLASSES])
    assert "Switched on: file events, connection events." in browser.get("/types").words
    browser.post("/types", [("type", name) for name in EVENT_CLASSES])
    assert "Nothing changed." in browser.get("/types").words
    changes = [json.loads(line) for line in live.state.audit.read_text().splitlines()]
    assert [change["action"] for change in changes] == ["login", "event types changed", "event types changed"]
    assert changes[1]["details"] == {"on": [], "off": ["connection", "file"]}
    assert changes[1]["peer"] == "127.0.0.1"


def test_an_unticked_type_stops_within_a_second(live: LiveService, browser: WebClient) -> None:
    with streaming(live):
        wait_until(lambda: any(session.selection for session in live.service.sessions))
        browser.post("/types", [("type", "packet")])
        wait_until(
            lambda: all(
                "packet" in asks(session) and "intrusion v11 (not" in asks(session)
                for session in live.service.sessions
            ),
            1.0,
        )


# --- clients ----------------------------------------------------------------------------------------------


def test_a_client_from_the_form_to_its_file(live: LiveService, browser: WebClient) -> None:
    form = [
        ("host", "siem.invalid"),
        ("also", "192.0.2.17, 10.0.0.0/8"),
        ("password", "secret"),
        ("again", "secret"),
    ]
    answer = browser.post("/clients", [*form, ("type", "intrusion"), ("type", "packet")])
    assert (answer.status, answer.location) == (303, "/clients/siem.invalid")
    page = browser.get("/clients/siem.invalid")
    assert "Added siem.invalid." in page.words
    assert "siem.invalid does not resolve on this server" in page.words
    assert "no password" not in page.words
    assert ticked(page.text) == {"intrusion", "packet"}
    for shown in ("192.0.2.17", "10.0.0.0/8", "openstreamer stream", f"port {live.port}", "never came"):
        assert shown in page.words
    file = browser.get("/clients/siem.invalid/file")
    assert file.headers["content-disposition"] == 'attachment; filename="siem.invalid.pkcs12"'
    assert read_pkcs12(file.body, "secret").certificate_pem.startswith(b"-----BEGIN CERTIFICATE")
    with pytest.raises(AuthorityError):
        read_pkcs12(file.body, "wrong")
    assert "secret" not in live.state.audit.read_text()
    actions = [json.loads(line)["action"] for line in live.state.audit.read_text().splitlines()]
    assert actions[1:] == ["client added", "client file downloaded"]
    names = browser.get("/clients/siem.invalid/names")
    assert "does not resolve" in names.words


def test_a_file_without_a_password_is_said_to_be_one(browser: WebClient) -> None:
    browser.post("/clients", {"host": "192.0.2.50", "type": "file", "compat": "1"})
    page = browser.get("/clients/192.0.2.50")
    assert "The file has no password" in page.words
    assert "does not resolve" not in page.words
    assert read_pkcs12(browser.get("/clients/192.0.2.50/file").body).certificate_pem


def test_a_name_of_an_exempt_client_need_not_resolve(live: LiveService, browser: WebClient) -> None:
    live.service.authority.issue("siem.invalid", hostcheck=False)
    shown = browser.get("/clients/siem.invalid/names").words
    assert "need not: the client is exempt" in shown
    assert "refused" not in shown


def test_no_name_need_resolve_where_the_host_check_is_off(start: Start) -> None:
    browser = logged_in(start_with_pages(start, settings={"server": {"host_check": False}}))
    answer = browser.post("/clients", {"host": "siem.invalid", "type": "file"})
    assert "refused" not in browser.get(str(answer.location)).words
    assert "need not: the host check is off" in browser.get("/clients/siem.invalid/names").words


def test_an_ipv6_client_has_a_page_and_a_file_name(browser: WebClient) -> None:
    answer = browser.post("/clients", {"host": "2001:db8::99", "type": "file"})
    assert answer.location == "/clients/2001%3Adb8%3A%3A99"
    assert browser.get(answer.location).status == 200
    file = browser.get(f"{answer.location}/file")
    assert 'filename="2001_db8__99.pkcs12"' in str(file.headers["content-disposition"])


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({"host": ""}, "Give the host name or the address"),
        ({"host": "a b"}, "neither a host name nor an address"),
        ({"host": "10.0.0.0/8"}, "is a network"),
        ({"host": "siem.invalid", "also": "!!"}, "neither a host name nor an address"),
        ({"host": "siem.invalid", "password": "one", "again": "two"}, "passwords differ"),
        ({"host": "siem.invalid", "password": "x" * 300, "again": "x" * 300}, "longer than"),
        ({"host": "one.invalid"}, "already"),
    ],
)
def test_what_is_wrong_in_the_form_is_said_and_the_rest_kept(
    browser: WebClient, form: dict[str, str], problem: str
) -> None:
    answer = browser.post("/clients", {**form, "type": "file"})
    assert answer.status == 400
    assert problem in answer.words
    assert f'value="{form["host"]}"' in answer.text
    assert ticked(answer.text) == {"file"}
    assert 'value="one"' not in answer.text, "never a password"


def test_clients_show_where_they_are(live: LiveService, browser: WebClient) -> None:
    with streaming(live) as client:
        append(live.store, [(400, intrusion(number)) for number in range(10)])
        while client.message()[0] != 4002:
            pass
        page = browser.get("/clients")
        assert "one.invalid" in page.words
        wait_until(lambda: "connected" in browser.get("/clients/now").words)
        time.sleep(1.1)  # a snapshot serves for a second
        row = browser.get("/clients/one.invalid")
        assert "TLSv1.3" in row.words
        assert re.search(r"127\.0\.0\.1:\d+", row.words)
        assert "intrusion v11" in row.words
        assert "Behind" in row.words
    assert "never came" in browser.get("/clients/192.0.2.99").words


def test_a_clients_own_types(live: LiveService, browser: WebClient) -> None:
    answer = browser.post("/clients/one.invalid/types", [("type", "intrusion")])
    assert answer.location == "/clients/one.invalid"
    page = browser.get("/clients/one.invalid")
    assert "one.invalid no longer gets intrusion event packet data" in page.words
    assert live.service.authority.registry.get("one.invalid").events == {"intrusion"}
    browser.post("/types", [("type", "packet")])
    assert "off on the server" in browser.get("/clients/one.invalid").words


def test_revoking_asks_first_and_counts_at_once(live: LiveService, browser: WebClient) -> None:
    with streaming(live) as client:
        wait_until(lambda: live.service.sessions)
        time.sleep(1.1)
        question = browser.get("/clients/one.invalid/revoke")
        assert "Revoke one.invalid?" in question.words
        assert "its 1 open session ends at once" in question.words
        assert live.service.authority.registry.get("one.invalid").revoked is None
        began = time.monotonic()
        assert browser.post("/clients/one.invalid/revoke").location == "/clients"
        client.closed()
        assert time.monotonic() - began < 1.0
    page = browser.get("/clients")
    assert "Revoked one.invalid. Its session was ended." in page.words
    assert "1 revoked" in page.words
    assert browser.get("/clients/one.invalid/file").status == 404
    assert browser.get("/clients/one.invalid/revoke").status == 404
    assert browser.post("/clients/one.invalid/revoke").status == 409
    assert "Revoked" in browser.get("/clients/one.invalid").words
    assert '"client revoked"' in live.state.audit.read_text()


def test_there_is_no_such_client(browser: WebClient) -> None:
    for path in ("", "/file", "/revoke", "/names"):
        assert browser.get(f"/clients/nobody.invalid{path}").status == 404
    for path in ("/revoke", "/types"):
        assert browser.post(f"/clients/nobody.invalid{path}").status == 404


# --- status -----------------------------------------------------------------------------------------------


def test_status_shows_rates_sessions_store_and_inputs(start: Start, tmp_path: Path) -> None:
    log = tmp_path / "eve.json"
    log.write_bytes(json.dumps(eve_alert()).encode() + b"\n{broken\n")
    live = start_with_pages(start, inputs=[f"eve:{log}", f"eve:{tmp_path}/missing.json", f"eve:{tmp_path}"])
    browser = logged_in(live)
    wait_until(lambda: live.store.statistics().records > 0)
    with streaming(live):
        wait_until(lambda: "intrusion v11" in browser.get("/status/now").words)
        page = browser.get("/status")
    for shown in ("Events a second", "Sessions", "Event log", "Inputs", str(log), "one.invalid", "30 days"):
        assert shown in page.words
    assert "does not exist yet; waiting for it" in page.words
    assert "failed, tried again" in page.words
    assert page.text.count('<svg class="chart') == 10
    assert "None since the service was started" in page.words
    day = browser.get("/status?span=day")
    assert "in the day" in day.words
    assert browser.get("/status?span=<script>").status == 200


def test_status_tells_of_refusals_and_what_is_wrong(start: Start) -> None:
    live = start_with_pages(start, host_check=False)
    browser = logged_in(live)
    with pytest.raises(Closed):
        live.client("foreign").message()
    wait_until(lambda: live.service.statistics.refused)
    browser.post("/types", [])
    time.sleep(1.1)
    page = browser.get("/status")
    assert "unknown CA" in page.words
    assert "The host check is off" in page.words
    assert "All event types are switched off" in page.words
    assert "event types changed" in page.words


# --- events -----------------------------------------------------------------------------------------------


def test_events_newest_first_with_older_ones_behind(live: LiveService, browser: WebClient) -> None:
    for first in (0, 60):
        append(live.store, [(400, intrusion(number)) for number in range(first, first + 60)])
    page = browser.get("/events")
    links = re.findall(r'href="/events/(\d+\.\d+)"', page.text)
    assert links[0] == "2.59"
    assert len(links) == 50
    older = re.search(r'hx-get="(/events\?[^"]+)"', page.text)
    assert older is not None
    part = browser.get(older[1].replace("&amp;", "&"), HX_Request="true", HX_Target="more")
    assert "<html" not in part.text
    assert re.findall(r'href="/events/(\d+\.\d+)"', part.text)[0] == "2.9"
    assert browser.get(older[1]).text.count("<tr class=") == 50, "without scripts: a whole page"


def test_events_by_type_address_and_text(live: LiveService, browser: WebClient) -> None:
    append(
        live.store, [(400, intrusion(1)), (2, packet(1))], metadata=[(66, rule_message(1000, "Odd beacon"))]
    )
    assert browser.get("/events?type=packet").text.count("<tr class=") == 1
    assert "Odd beacon" in browser.get("/events?text=beacon").words
    assert browser.get("/events?address=192.0.2.0/24&type=intrusion").text.count("<tr class=") == 1
    nothing = browser.get("/events?text=nothing&type=bogus")
    assert "No event matches" in nothing.words
    wrong = browser.get("/events?address=nonsense")
    assert wrong.status == 200
    assert "is no address" in wrong.words
    for cursor in ("x", "1", "-1.0", "1.1.1", "9" * 30 + ".1"):
        assert browser.get(f"/events?before={cursor}").status == 200


def test_one_event_in_full(live: LiveService, browser: WebClient) -> None:
    append(
        live.store,
        [(400, intrusion(7)), (2, packet(7, 40)), (2, packet(8)), (999, b"strange")],
        metadata=[(66, rule_message(1000, "Odd beacon"))],
    )
    page = browser.get("/events/1.0")
    for shown in (
        "Odd beacon",
        "192.0.2.1",
        "signature_id",
        "Rule that fired",
        "As it is stored",
        "40 bytes",
    ):
        assert shown in page.words
    assert page.text.count('aria-label="Packet in hex"') == 1, "the other packet belongs to another event"
    assert '"signature_id":1000' in page.text.replace("&#34;", '"')
    assert "40 bytes" in browser.get("/events/1.1").words
    assert "The layout of this record is not known" in browser.get("/events/1.3").words
    assert browser.get("/events/1.4").status == 404
    assert browser.get("/events/7.0").status == 404
    assert browser.get(f"/events/{1 << 63}.0").status == 404


def test_new_events_come_by_themselves(live: LiveService, browser: WebClient) -> None:
    append(live.store, [(400, intrusion(1))])
    address = re.search(r'data-address="([^"]+)"', browser.get("/events?type=intrusion").text)
    assert address is not None
    append(live.store, [(400, intrusion(2))])  # between the page and the stream
    with browser.stream(address[1].replace("&amp;", "&")) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        append(live.store, [(2, packet(1))])
        append(live.store, [(400, intrusion(number)) for number in range(100)])
        rows, more = "", 0
        while rows.count("<tr") + more < 101:  # in one message or in several
            line = stream.readline().decode()
            if line.startswith("data:"):
                data = json.loads(line.removeprefix("data:"))
                assert data["rows"].count("<tr") <= 40
                rows += data["rows"]
                more += data["more"]
    assert rows.count("<tr") + more == 101
    assert more >= 60
    assert "192.0.2.1" in rows
    assert "packet" not in rows


def test_a_flood_is_passed_over_and_told(live: LiveService, browser: WebClient) -> None:
    with browser.stream("/events/live") as stream:
        for _ in range(40):
            append(live.store, [(400, intrusion(number)) for number in range(50)])
        shown = missed = 0
        while shown + missed < 2000:
            line = stream.readline().decode()
            if line.startswith("data:"):
                data = json.loads(line.removeprefix("data:"))
                shown += data["rows"].count("<tr")
                missed += data["more"]
    assert shown + missed == 2000
    assert missed > 0


def test_a_stream_ends_with_the_login(
    live: LiveService, browser: WebClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openstreamer.server.web.pages_events.BEAT_SECONDS", 0.1)
    with browser.stream("/events/live") as stream:
        while stream.readline() != b": beat\n":
            pass
        token = browser.csrf()
        browser.post("/logout", csrf=token)
        assert b"event: logout" in stream.read()
    assert browser.get("/events/live").status == 303
    with browser.stream("/events/live") as stream:
        assert stream.status == 401


def test_watchers_are_bounded(browser: WebClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openstreamer.server.web.pages_events.LIVE_STREAMS", 1)
    with browser.stream("/events/live") as stream:
        stream.readline()
        assert browser.get("/events/live").status == 503
    assert browser.get("/events/live?address=x").status == 400


def test_times_are_those_of_the_event(live: LiveService, browser: WebClient) -> None:
    append(live.store, [(400, intrusion(1))])
    assert time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(SECOND)) in browser.get("/events").words


# --- roles ------------------------------------------------------------------------------------------------


def test_a_managed_device_has_three_types(start: Start) -> None:
    """The pages show the types of the role alone, and leave the others' switches as they are."""
    live = start_with_pages(start, settings={"server": {"role": "managed-device"}})
    browser = logged_in(live)
    three = {"intrusion", "packet", "extra-data"}
    assert ticked(browser.get("/types").text) == three
    assert "role of a managed device" in browser.get("/types").words
    assert ticked(browser.get("/clients/one.invalid").text) == three
    assert browser.get("/status").text.count('<svg class="chart') == 3
    assert re.search(r"one\.invalid .*? all ", browser.get("/clients").words)
    assert browser.post("/types", [("type", "file")]).status == 400
    browser.post("/types", [("type", "packet")])
    assert "Switched off: intrusion events, intrusion event extra data." in browser.get("/types").words
    off = set(EVENT_CLASSES) - live.service.authority.registry.server_events()
    assert off == {"intrusion", "extra-data"}
    browser.post("/clients/one.invalid/types", [("type", "intrusion")])
    events = live.service.authority.registry.get("one.invalid").events
    assert events == set(EVENT_CLASSES) - {"packet", "extra-data"}
    assert re.search(r"one\.invalid .*? 1 of 3 ", browser.get("/clients").words)


# --- what else is told ------------------------------------------------------------------------------------


def test_status_tells_the_last_refusals_and_when_certificates_end(
    live: LiveService, browser: WebClient
) -> None:
    with pytest.raises(Closed):
        live.client("elsewhere").message()
    wait_until(lambda: live.service.statistics.refused)
    time.sleep(1.1)
    words = browser.get("/status").words
    assert re.search(r"name does not match peer 127\.0\.0\.1:\d+", words)
    assert re.search(r"Server ends \d{4}-\d\d-\d\d \(in 82\d days\)", words)
    assert re.search(r"Authority ends \d{4}-\d\d-\d\d \(in 36\d\d days\)", words)
    assert re.search(r"Next client .*? ends \d{4}", words)


def test_a_client_shows_its_hosts_and_what_could_not_be_sent(live: LiveService, browser: WebClient) -> None:
    numbers = live.service.statistics.clients["one.invalid"]
    numbers.hosts = 12
    numbers.hosts_lost["no form of 5.0 for IPv6"] += 3
    numbers.lost["record 400: no IPv6 in block 25"] += 7
    words = browser.get("/clients/one.invalid").words
    assert "12 host profiles" in words
    assert "3: no form of 5.0 for IPv6" in words
    assert "7 events have no form in the version asked for (intrusion 7)" in words


def test_a_client_that_missed_deleted_events_is_told_of(live: LiveService, browser: WebClient) -> None:
    for number in range(5):
        append(live.store, [(400, intrusion(number))], now=SECOND + number)
    live.service.authority.registry.seen("one.invalid", now=SECOND, address="127.0.0.1", position=1)
    live.store.trim(before=SECOND + 3, max_bytes=None)
    assert "were deleted before it got them" in browser.get("/status").words
    assert "missed" in browser.get("/clients").words
    assert "Missed" in browser.get("/clients/one.invalid").words
    live.service.statistics.clients["one.invalid"].missed_records = 1234
    time.sleep(1.1)  # a snapshot serves for a second
    assert "Client one.invalid missed 1\u202f234 records" in browser.get("/status").text
    assert "1\u202f234 missed" in browser.get("/clients").text
    assert "1\u202f234 records were deleted before it came" in browser.get("/clients/one.invalid").text
    sample = 'openstreamer_client_missed_records_total{peer="one.invalid"} 1234.0'
    assert sample in browser.get("/metrics").text


def test_certificates_that_end_are_told_of() -> None:
    from openstreamer.server.web.words import ends

    assert ends(1000 + 86400 * 3, 1000) == "ends in 3 days"
    assert ends(1000 - 7200, 1000) == "ended 2 hours ago"
