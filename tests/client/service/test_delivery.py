"""Real servers, outputs that fail, refuse, are slow or full: what arrives where, and that nothing is lost."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from openstreamer.client.service import running as running_module
from openstreamer.errors import ConfigurationError, OutputError
from openstreamer.outputs import registry
from openstreamer.outputs.batch import Batch
from openstreamer.outputs.interface import OutputFull
from openstreamer.protocol.records import encode_event, event_from_json
from support.client_service import (
    CLIENT,
    Behaviour,
    Gate,
    ScriptedOutput,
    lines_of,
    numbers_of,
    output_section,
    refusing,
    running,
    server_section,
)
from support.live_service import Start, append, intrusion, packet, rule_message


@pytest.fixture
def behaviours(monkeypatch: pytest.MonkeyPatch) -> dict[str, Behaviour]:
    """What the output "scripted" does, by target."""
    monkeypatch.setitem(registry.BUILT_IN, "scripted", "support.client_service:ScriptedOutput")
    monkeypatch.setattr(ScriptedOutput, "behaviours", {})
    return ScriptedOutput.behaviours


def alerts(numbers: range | list[int]) -> list[tuple[int, bytes]]:
    return [(400, intrusion(number)) for number in numbers]


def test_two_servers_into_one_file_and_one_of_them_into_another(start: Start, tmp_path: Path) -> None:
    first, second = start(), start()
    append(first.store, alerts(range(100)), metadata=[(66, rule_message(1000, "A RULE"))])
    append(second.store, alerts(range(1000, 1050)))
    text = (
        server_section("first", first)
        + server_section("second", second)
        + output_section("both", "json", "both.json")
        + output_section("one", "json", "one.json", servers=["second"])
    )
    with running(tmp_path, text) as run:
        run.wait_written("both", 150)
        run.wait_written("one", 50)
        assert run.service.health().reasons == []
    assert sorted(numbers_of(tmp_path / "both.json")) == [*range(100), *range(1000, 1050)]
    assert numbers_of(tmp_path / "one.json") == [*range(1000, 1050)]
    lines = lines_of(tmp_path / "both.json")
    assert {line["names"]["rule"] for line in lines if line["data"]["event_id"] < 100} == {"A RULE"}
    assert {line["server"] for line in lines} == {f"127.0.0.1:{live.port}" for live in (first, second)}

    append(first.store, alerts(range(100, 120)))
    append(second.store, alerts(range(1050, 1060)))
    with running(tmp_path, text) as run:
        run.wait_written("both", 30)
        run.wait_written("one", 10)
    assert Counter(numbers_of(tmp_path / "both.json")) == Counter([*range(120), *range(1000, 1060)])
    assert numbers_of(tmp_path / "one.json") == [*range(1000, 1060)]


def test_filters_route_events_and_packets_go_with_their_alert(start: Start, tmp_path: Path) -> None:
    live = start()
    records = [row for number in range(20) for row in ((400, intrusion(number)), (2, packet(number)))]
    append(live.store, records)
    text = (
        server_section("fmc", live)
        + '[filters.rule]\nrules = ["1:1000"]\nnetworks = ["192.0.2.0/24"]\n'
        + '[filters.other]\nrules = ["!1:1000"]\n'
        + '[filters.packets]\nevents = ["packet"]\n'
        + output_section("all", "json", "all.json", filters=["rule"])
        + output_section("none", "json", "none.json", filters=["other"])
        + output_section("packets", "json", "packets.json", filters=["other", "packets"])
    )
    with running(tmp_path, text) as run:
        run.wait_written("all", 40)
        run.wait_written("packets", 20)
        run.wait(lambda: run.output("none").filtered == 40, "the others to be left out")
    assert {line["event"] for line in lines_of(tmp_path / "packets.json")} == {"packet"}
    assert lines_of(tmp_path / "none.json") == []


def test_an_output_without_room_holds_the_others_up_at_the_bound_and_no_earlier(
    start: Start, tmp_path: Path, behaviours: dict[str, Behaviour]
) -> None:
    live = start()
    for part in range(40):
        append(live.store, alerts(range(part * 100, part * 100 + 100)))
    gate = Gate()
    behaviours["full"] = full = Behaviour()
    full.on_write = gate
    text = (
        server_section("fmc", live)
        + output_section("full", "scripted", "full", queue_bytes="200k")
        + output_section("file", "json", "events.json")
    )
    with running(tmp_path, text, client=f"{CLIENT}stalled_seconds = 1\n") as run:
        run.wait(lambda: run.server("fmc").waiting_for == "full", "the queue to be full")
        held = run.output("full")
        assert held.state == "failing"
        assert "is shut" in held.trouble
        assert 0 < held.queue_bytes <= 200 * 1024
        run.wait(lambda: run.output("file").queue_bytes == 0, "the file to have what was let in")
        assert 0 < run.output("file").written < 4000
        run.wait(lambda: not run.service.health().healthy, "the failure to be called one")
        assert "output full has failed" in run.service.health().reasons[0]
        gate.opened.set()
        run.wait_written("file", 4000)
        run.wait_written("full", 4000)
        assert not any("output" in reason for reason in run.service.health().reasons)
    assert numbers_of(tmp_path / "events.json") == list(range(4000))
    assert full.events == list(range(4000))
    assert full.finished == 1


def test_a_full_output_may_drop_and_counts_what_it_dropped(
    start: Start,
    tmp_path: Path,
    behaviours: dict[str, Behaviour],
    caplog: pytest.LogCaptureFixture,
) -> None:
    live = start()
    for part in range(40):
        append(live.store, alerts(range(part * 100, part * 100 + 100)))
    gate = Gate()
    behaviours["full"] = full = Behaviour()
    full.on_write = gate
    text = (
        server_section("fmc", live)
        + output_section("full", "scripted", "full", queue_bytes="200k", full="drop")
        + output_section("file", "json", "events.json")
    )
    with running(tmp_path, text) as run:
        run.wait_written("file", 4000)
        gate.opened.set()
        run.wait(lambda: run.output("full").queue_bytes == 0 and not run.output("full").busy_for, "rest")
        state = run.output("full")
        assert state.dropped > 0
        assert state.written + state.dropped == 4000
    assert len(full.events) == state.written
    told = [line for line in caplog.messages if "events are dropped and lost" in line]
    assert len(told) == 1, "at once, and then once a minute"


def test_a_full_output_may_catch_up_and_gets_all(
    start: Start, tmp_path: Path, behaviours: dict[str, Behaviour]
) -> None:
    live = start()
    now = 1_800_000_000
    for part in range(40):
        append(live.store, alerts(range(part * 100, part * 100 + 100)), now=now + part)
    gate = Gate()
    behaviours["full"] = full = Behaviour()
    full.on_write = gate
    text = (
        server_section("fmc", live)
        + output_section("full", "scripted", "full", queue_bytes="200k", full="catch-up")
        + output_section("file", "json", "events.json")
    )
    with running(tmp_path, text) as run:
        run.wait_written("file", 4000)
        assert run.output("full").behind
        gate.opened.set()
        run.wait_written("full", 4000)
        run.wait(lambda: not run.output("full").behind, "it to have caught up")
        assert run.server("fmc").sessions > 1
        assert run.output("file").repeated > 0
    assert full.events == list(range(4000))
    assert numbers_of(tmp_path / "events.json") == list(range(4000))


def test_many_dead_letters_are_told_up_to_a_number(
    start: Start,
    tmp_path: Path,
    behaviours: dict[str, Behaviour],
    caplog: pytest.LogCaptureFixture,
) -> None:
    live = start()
    append(live.store, alerts(range(50)))
    behaviours["picky"] = picky = Behaviour()
    picky.on_write = refusing(set(range(40)))
    text = server_section("fmc", live) + output_section("picky", "scripted", "picky")
    with running(tmp_path, text) as run:
        run.wait_written("picky", 10)
        assert run.output("picky").refused == 40
    assert sum("of type 400 is put aside" in line for line in caplog.messages) == 10
    assert sum("more records are put aside; they are counted" in line for line in caplog.messages) == 1


def test_what_an_output_refuses_is_put_aside_and_can_be_fed_again(
    start: Start, tmp_path: Path, behaviours: dict[str, Behaviour]
) -> None:
    live = start()
    append(live.store, alerts(range(50)), metadata=[(66, rule_message(1000, "A RULE"))])
    behaviours["picky"] = picky = Behaviour()
    picky.on_write = refusing({7, 30})
    text = server_section("fmc", live) + output_section(
        "picky", "scripted", "picky", dead_letters="dead.json"
    )
    with running(tmp_path, text) as run:
        run.wait_written("picky", 48)
        assert run.output("picky").refused == 2
    assert picky.events == [number for number in range(50) if number not in (7, 30)]
    letters = lines_of(tmp_path / "dead.json")
    assert [line["data"]["event_id"] for line in letters] == [7, 30]
    assert letters[0]["dead_letter"]["reason"] == "7 is not wanted"
    assert letters[0]["dead_letter"]["output"] == "picky"
    assert letters[0]["names"]["rule"] == "A RULE"
    for line, number in zip((tmp_path / "dead.json").read_bytes().splitlines(), (7, 30), strict=True):
        assert encode_event(event_from_json(line)).data == intrusion(number)


def test_an_output_that_breaks_on_records_loses_only_those(
    start: Start, tmp_path: Path, behaviours: dict[str, Behaviour]
) -> None:
    live = start()
    append(live.store, alerts(range(200)))

    def break_on_some(batch: Batch) -> None:
        for event in batch.events():
            if event.data.event_id in (3, 99):
                raise KeyError("no such thing")

    behaviours["fragile"] = fragile = Behaviour()
    fragile.on_write = break_on_some
    text = server_section("fmc", live) + output_section("fragile", "scripted", "fragile")
    with running(tmp_path, text) as run:
        run.wait_written("fragile", 198)
    assert fragile.counted == Counter(number for number in range(200) if number not in (3, 99))
    letters = lines_of(tmp_path / "state/dead-letters/fragile.json")
    assert [line["data"]["event_id"] for line in letters] == [3, 99]
    assert "KeyError" in letters[0]["dead_letter"]["reason"]


def test_a_record_that_cannot_be_decoded_is_put_aside_as_its_bytes(start: Start, tmp_path: Path) -> None:
    live = start()
    broken = intrusion(1)[:-8]
    append(live.store, [(400, intrusion(0)), (400, broken), (400, intrusion(2))])
    text = server_section("fmc", live) + output_section("file", "json", "events.json")
    with running(tmp_path, text) as run:
        run.wait_written("file", 2)
    assert numbers_of(tmp_path / "events.json") == [0, 2]
    line = (tmp_path / "state/dead-letters/file.json").read_bytes()
    assert "cannot be decoded" in json.loads(line)["dead_letter"]["reason"]
    assert encode_event(event_from_json(line)).data == broken


def test_an_output_that_cannot_go_on_begins_again_where_it_was_saved(start: Start, tmp_path: Path) -> None:
    live = start()
    append(live.store, alerts(range(100)), now=1_800_000_000)
    text = server_section("fmc", live) + output_section("file", "json", "events.json")
    text += output_section("copy", "json", "copy.json")
    with running(tmp_path, text) as run:
        run.wait_written("file", 100)
        run.wait_written("copy", 100)
        worker = run.service.workers["file"]
        run.wait(lambda: worker.saves > 1, "its position to be saved")
        failures = iter([OutputError("the disk is sick"), OutputError("still"), None])

        def write_once(batch: Batch, write: object = worker._output.write) -> None:
            write(batch)  # type: ignore[operator]
            error = next(failures)
            if error is not None:
                raise error

        worker._output.write = write_once  # type: ignore[method-assign]
        append(live.store, alerts(range(100, 200)), now=1_800_000_001)
        run.wait(lambda: run.output("file").restarts >= 1, "it to begin again")
        run.wait(lambda: len(lines_of(tmp_path / "events.json")) >= 200, "all to be there")
        run.wait_written("copy", 200)
    assert numbers_of(tmp_path / "events.json") == list(range(200))
    assert numbers_of(tmp_path / "copy.json") == list(range(200))


def test_an_output_that_cannot_be_opened_is_tried_again(
    start: Start, tmp_path: Path, behaviours: dict[str, Behaviour]
) -> None:
    live = start()
    append(live.store, alerts(range(10)))

    def not_yet() -> None:
        if late.opens < 3:
            raise OutputFull("not there yet")

    behaviours["late"] = late = Behaviour()
    late.on_open = not_yet
    text = server_section("fmc", live) + output_section("late", "scripted", "late")
    text += output_section("file", "json", "events.json")
    with running(tmp_path, text) as run:
        run.wait_written("file", 10)
        run.wait_written("late", 10)
    assert late.events == list(range(10))


def test_a_new_output_gets_the_past_and_its_siblings_do_not_notice(start: Start, tmp_path: Path) -> None:
    live = start()
    append(live.store, alerts(range(30)), now=1_800_000_000)
    append(live.store, alerts(range(30, 60)), now=1_800_000_005)
    text = server_section("fmc", live) + output_section("old", "json", "old.json")
    with running(tmp_path, text) as run:
        run.wait_written("old", 60)
        worker = run.service.workers["old"]
        run.reload(text + output_section("new", "json", "new.json"))
        run.wait_written("new", 60)
        assert run.service.workers["old"] is worker
        append(live.store, alerts(range(60, 70)), now=1_800_000_005)
        run.wait_written("old", 70)
        run.wait_written("new", 70)
    assert numbers_of(tmp_path / "old.json") == list(range(70))
    assert numbers_of(tmp_path / "new.json") == list(range(70))


def test_now_begins_with_what_comes(start: Start, tmp_path: Path) -> None:
    live = start()
    append(live.store, alerts(range(10)), now=1_700_000_000)
    text = server_section("fmc", live, since="now") + output_section("file", "json", "events.json")
    with running(tmp_path, text) as run:
        run.wait(lambda: run.server("fmc").connected, "a session")
        append(live.store, alerts([10, 11]))
        run.wait_written("file", 2)
    append(live.store, alerts([12]))
    with running(tmp_path, text) as run:
        run.wait_written("file", 1)
    assert numbers_of(tmp_path / "events.json") == [10, 11, 12]


def test_a_reload_waits_for_an_output_that_is_busy_and_never_runs_it_twice(
    start: Start, tmp_path: Path, behaviours: dict[str, Behaviour], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running_module, "RELOAD_SECONDS", 0.1)
    live = start()
    append(live.store, alerts(range(20)))
    gate = Gate(None)
    behaviours["slow"] = slow = Behaviour()
    slow.on_write = gate
    text = server_section("fmc", live) + output_section("file", "json", "events.json")
    with running(tmp_path, text + output_section("slow", "scripted", "slow")) as run:
        run.wait(lambda: slow.writes == 1, "it to be busy")
        run.reload(text + output_section("slow", "scripted", "slow", queue_bytes="1m"))
        assert "output slow is to begin anew, and has not ended yet" in run.service.health().reasons
        run.service.settle()
        assert (slow.opens, slow.closes) == (1, 0)
        gate.opened.set()

        def settled() -> bool:
            run.service.settle()
            return "slow" in run.service.workers

        run.wait(settled, "the new one to begin")
        append(live.store, alerts(range(20, 30)))
        run.wait(lambda: set(slow.events) >= set(range(30)), "all to arrive")
        run.wait_written("file", 30)
    assert slow.counted == Counter(range(30))


def test_a_damaged_state_stops_the_start_but_not_the_others_at_a_reload(start: Start, tmp_path: Path) -> None:
    live = start()
    append(live.store, alerts(range(5)))
    text = server_section("fmc", live) + output_section("file", "json", "events.json")
    more = output_section("other", "json", "other.json")
    with running(tmp_path, text + more) as run:
        run.wait_written("other", 5)
    for path in (tmp_path / "state/outputs").glob("other.state*"):
        path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ConfigurationError, match="move both away"), running(tmp_path, text + more):
        pass
    with running(tmp_path, text) as run:
        run.reload(text + more)
        assert "output other could not be begun" in run.service.health().reasons[-1]
        append(live.store, alerts([5]))
        run.wait_written("file", 1)
    assert numbers_of(tmp_path / "events.json") == list(range(6))


def test_it_may_be_started_before_its_server(start: Start, tmp_path: Path) -> None:
    live = start()
    text = server_section("fmc", live) + output_section("file", "json", "events.json")
    port = live.port
    live.stop()
    with running(tmp_path, text) as run:
        run.wait(lambda: "cannot connect" in run.server("fmc").trouble, "the reason")
        assert "has not said anything yet (cannot connect" in run.service.health().reasons[0]
        again = start(listen=[f"127.0.0.1:{port}"])
        append(again.store, alerts(range(5)))
        run.wait_written("file", 5)


def test_a_client_that_is_refused_is_patient(start: Start, tmp_path: Path) -> None:
    live = start()
    append(live.store, alerts(range(5)))
    text = server_section("fmc", live, "elsewhere") + output_section("file", "json", "events.json")
    with running(tmp_path, text) as run:
        run.wait(lambda: run.server("fmc").trouble, "the refusal")
        sessions = run.server("fmc").sessions
        run.wait(lambda: run.server("fmc").sessions > sessions + 1, "more tries")
        run.reload(server_section("fmc", live) + output_section("file", "json", "events.json"))
        run.wait_written("file", 5)


def test_servers_that_become_a_pair_take_their_position_along(start: Start, tmp_path: Path) -> None:
    first, second = start(), start()
    for live in (first, second):
        append(live.store, alerts(range(10)))
    servers = server_section("first", first) + server_section("second", second)
    with running(tmp_path, servers + output_section("file", "json", "e.json", servers=["first"])) as run:
        run.wait_written("file", 10)
    append(first.store, alerts([10]))
    pair = '[pairs.ha]\nprimary = "first"\nsecondary = "second"\n'
    with running(tmp_path, servers + pair + output_section("file", "json", "e.json")) as run:
        run.wait_written("file", 1)
    assert numbers_of(tmp_path / "e.json") == list(range(11))
