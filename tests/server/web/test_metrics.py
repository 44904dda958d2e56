"""`/metrics` and `/healthz`: what they say, to whom; and that the dashboard asks for what there is."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from openstreamer.authority import EVENT_CLASSES
from openstreamer.server.web import metrics
from openstreamer.server.web.metrics import families
from support.eve_lines import alert as eve_alert
from support.eve_lines import flow
from support.live_service import LiveService, Start, append, intrusion, packet, wait_until
from support.raw_client import NULL, request, streaming_request
from support.web_client import WebClient, logged_in, start_with_pages

ROOT = Path(__file__).parents[3]

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(client: WebClient) -> Samples:
    """All samples, by name and labels."""
    answer = client.get("/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[f"openstreamer_{name}", frozenset(labels.items())]


def test_records_are_counted_by_event_type_and_peer(start: Start, tmp_path: Path) -> None:
    log = tmp_path / "eve.json"
    lines = [json.dumps(eve_alert(number)) for number in range(3)] + [json.dumps(flow(9)), "{broken"]
    live = start_with_pages(start, inputs=[f"eve:{log}"])
    live.service.authority.registry.set_server_events(disable=["connection"])
    wait_until(lambda: "connection" not in live.service._server_events)
    log.write_text("\n".join(lines) + "\n")
    wait_until(lambda: live.service.intakes[0].totals.broken)
    with live.client() as client:
        client.send(request(0, 0x48900061))
        client.message()
        client.send(streaming_request(0, 0x48900061, [(12, 11), (21, 4)]))
        wait_until(lambda: live.service.statistics.clients["one.invalid"].sent)
        samples = scrape(WebClient(live))
        peer = str(log)
        assert value(samples, "records_received_total", event_type="intrusion", peer=peer) == 3
        assert value(samples, "records_stored_total", event_type="intrusion", peer=peer) == 3
        assert value(samples, "records_stored_total", event_type="packet", peer=peer) == 3
        assert value(samples, "records_received_total", event_type="connection", peer=peer) == 1
        assert value(samples, "records_dropped_total", event_type="connection", peer=peer) == 1
        assert value(samples, "records_stored_total", event_type="connection", peer=peer) == 0
        assert value(samples, "records_undecodable_total", event_type="all", peer=peer) == 1
        assert value(samples, "records_sent_total", event_type="intrusion", peer="one.invalid") == 3
        assert value(samples, "records_sent_total", event_type="intrusion", peer="two.invalid") == 0
        assert value(samples, "sessions", peer="one.invalid") == 1
        assert value(samples, "sessions", peer="two.invalid") == 0
        assert value(samples, "input_up", peer=peer) == 1
        assert value(samples, "event_type_enabled", event_type="connection") == 0
        assert value(samples, "connections_accepted_total") == 1


def test_what_a_client_did_not_ask_for_is_filtered(start: Start) -> None:
    live = start_with_pages(start)
    append(live.store, [(400, intrusion(1)), (2, packet(1)), (2, packet(2))])
    with live.client() as client:
        client.send(request(0, 0x00800040))  # intrusion events of the newest flag, no packets
        wait_until(lambda: live.service.statistics.clients["one.invalid"].filtered)
        samples = scrape(WebClient(live))
    assert value(samples, "records_filtered_total", event_type="packet", peer="one.invalid") == 2
    assert value(samples, "records_sent_total", event_type="packet", peer="one.invalid") == 0


def test_lag_and_store(start: Start) -> None:
    live = start_with_pages(start)
    append(live.store, [(400, intrusion(number)) for number in range(10)], now=1_700_000_000)
    append(live.store, [(400, intrusion(number)) for number in range(5)], now=1_700_000_060)
    live.service.authority.registry.seen("two.invalid", now=1_700_000_100, position=0)
    samples = scrape(WebClient(live))
    assert value(samples, "position_lag_records", peer="two.invalid") == 15
    assert value(samples, "position_lag_seconds", peer="two.invalid") == 60
    assert value(samples, "client_last_seen_timestamp_seconds", peer="two.invalid") == 1_700_000_100
    assert ("openstreamer_position_lag_records", frozenset({("peer", "one.invalid")})) not in samples
    assert value(samples, "store_records", event_type="intrusion") == 15
    assert value(samples, "store_chunks") == 2
    assert value(samples, "store_bytes") > 1000
    assert value(samples, "store_oldest_timestamp_seconds") == 1_700_000_000
    assert value(samples, "store_newest_timestamp_seconds") == 1_700_000_060
    assert {name for name, labels in samples if name == "openstreamer_event_type_enabled"}
    assert len([1 for name, _ in samples if name == "openstreamer_event_type_enabled"]) == len(EVENT_CLASSES)


def test_an_acknowledged_position_is_no_lag(start: Start) -> None:
    live = start_with_pages(start)
    append(live.store, [(400, intrusion(number)) for number in range(10)])
    with live.client() as client:
        client.send(request(0, 0x48900061))
        client.message()
        client.send(streaming_request(0, 0x48900061, [(12, 11)]))
        while client.message()[0] != 4002:
            pass
        client.send(NULL)
        wait_until(lambda: any(session.acknowledged for session in live.service.sessions))
        samples = scrape(WebClient(live))
    assert value(samples, "position_lag_records", peer="one.invalid") == 0


def test_names_of_peers_cannot_break_the_format(live: LiveService) -> None:
    live.service.statistics.refused['a "quoted"\ncause\\'] += 1
    samples = scrape(WebClient(live))
    assert value(samples, "connections_refused_total", cause='a "quoted"\ncause\\') == 1


def test_metrics_are_for_this_machine_or_the_token(start: Start) -> None:
    live = start_with_pages(start, settings={"web": {"metrics_token": "s3cret"}})
    client = WebClient(live)
    assert client.get("/metrics").status == 200
    away = {"X-Forwarded-For": "203.0.113.1"}
    refused = client.request("GET", "/metrics", headers=away)
    assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
    for given, status in (
        ("Bearer s3cret", 200),
        ("bearer s3cret", 200),
        ("Bearer x", 401),
        ("Basic s3cret", 401),
    ):
        answer = client.request("GET", "/metrics", headers={**away, "Authorization": given})
        assert answer.status == status, given
    browser = logged_in(live)
    assert browser.request("GET", "/metrics", headers=away).status == 200


def test_an_empty_token_opens_nothing(live: LiveService) -> None:
    headers = {"X-Forwarded-For": "203.0.113.1", "Authorization": "Bearer "}
    assert WebClient(live).request("GET", "/metrics", headers=headers).status == 401


def test_health(live: LiveService, monkeypatch: pytest.MonkeyPatch) -> None:
    client = WebClient(live)
    assert (client.get("/healthz").status, client.get("/healthz").text) == (200, "ok\n")
    with monkeypatch.context() as patch:
        patch.setattr(metrics, "free_bytes", lambda path: metrics.LEAST_ROOM - 1)
        assert client.get("/healthz").status == 503
        assert client.get("/healthz").text == "there is no room to store events\n"

    def fail() -> int:
        raise live.service.store._database.translate(sqlite3.DatabaseError("gone"))  # type: ignore[attr-defined]

    monkeypatch.setattr(live.service.store, "newest", fail)
    assert client.get("/healthz").status == 503


def test_the_dashboard_asks_for_what_there_is(live: LiveService) -> None:
    board = json.loads((ROOT / "deploy" / "grafana.json").read_text("utf-8"))
    queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    queries += [
        entry["query"]["query"] for entry in board["templating"]["list"] if isinstance(entry["query"], dict)
    ]
    asked = {name for query in queries for name in re.findall(r"\b(?:openstreamer|process)_[a-z_]+", query)}
    answer = WebClient(live).get("/metrics").text
    known = set(re.findall(r"^# TYPE (\S+)", answer, re.MULTILINE))
    assert asked - known == set()
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for query in queries:
        assert query.count("(") == query.count(")"), query
        labels = set(re.findall(r"by \((\w+)\)", query))
        assert labels <= {"event_type", "peer", "cause"}


def test_every_metric_is_in_the_docs(live: LiveService) -> None:
    from openstreamer.server.snapshot import take

    text = (ROOT / "docs" / "web.md").read_text("utf-8")
    snapshot = live.call(lambda: take(live.service))
    for family in families(snapshot):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert f"`{name}`" in text, name


def test_a_snapshot_is_json(live: LiveService) -> None:
    import msgspec

    from openstreamer.server.snapshot import Snapshot, take

    snapshot = live.call(lambda: take(live.service))
    assert msgspec.json.decode(msgspec.json.encode(snapshot), type=Snapshot) == snapshot
