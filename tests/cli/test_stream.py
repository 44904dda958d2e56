"""The command `stream` as a process: options, outputs, exit statuses, signals, what is said where."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from openstreamer.cli.stream import default_position, pair_outputs
from openstreamer.client.address import parse_server
from openstreamer.client.request import events_for
from openstreamer.errors import UsageError
from openstreamer.outputs.registry import OutputSpec
from support import hand_made
from support.certificates import Authority, authority
from support.hand_made import SECOND, record
from support.scripted_server import Conversation, serving


def alerts(*event_ids: int, second: int = SECOND) -> list[bytes]:
    return [record(400, hand_made.intrusion_85(event_id=number), second) for number in event_ids]


def five(conversation: Conversation) -> None:
    since, _ = conversation.greet()
    named = [record(123, hand_made.id_name(1, "sensor-1"), None)]
    conversation.bundles(
        [*named, *(alerts(1, 2, 3) if since <= SECOND else []), *alerts(4, 5, second=SECOND + 1)]
    )
    conversation.wait_for_end()


class Command:
    """The command with a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        authority().pkcs12(folder / "client.pkcs12", "client")
        self.environment = {**os.environ, "OPENSTREAMER_STATE": str(folder / "state")}
        self.environment.pop("OPENSTREAMER_PASSWORD", None)

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        options.setdefault("stdout", subprocess.PIPE)
        return subprocess.Popen(
            [sys.executable, "-m", "openstreamer", "stream", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            **options,
        )

    def run(self, *arguments: str, status: int = 0) -> tuple[str, str]:
        """Run it to its end; gives what it wrote to standard output and standard error."""
        process = self.start(*arguments)
        out, told = process.communicate(timeout=60)
        assert process.returncode == status, (process.returncode, told.decode(), out.decode())
        return out.decode(), told.decode()


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def test_without_options_events_are_printed_and_the_next_run_goes_on(
    command: Command, tmp_path: Path
) -> None:
    with serving(five, tmp_path) as server:
        out, told = command.run(f"127.0.0.1:{server.port}", "--count", "3")
        assert [line.split()[2] for line in out.splitlines()] == ["INTRUSION"] * 3
        assert "192.0.2.1:51515 → 198.51.100.7:22 tcp  sensor-1" in out
        assert told == ""
        out, _ = command.run("127.0.0.1", "--port", str(server.port), "--idle-exit", "0.4")
        assert len(out.splitlines()) == 2
    (position,) = (tmp_path / "state" / "client").glob("*.position")
    assert position.name.startswith("127.0.0.1_")


def test_several_outputs_and_an_explicit_position(command: Command, tmp_path: Path) -> None:
    arguments = [
        "-o",
        "json",
        "-f",
        "a.json",
        "-o",
        "csv:columns=event_id",
        "-f",
        "a.csv",
        "-o",
        "json:sync=never",
    ]
    with serving(five, tmp_path) as server:
        out, _ = command.run(f"127.0.0.1:{server.port}", "--position", "p", "--idle-exit", "0.4", *arguments)
        assert [json.loads(line)["data"]["event_id"] for line in out.splitlines()] == [1, 2, 3, 4, 5]
        assert (tmp_path / "a.json").read_text() == out
        assert (tmp_path / "a.csv").read_text().split() == ["event_id", "1", "2", "3", "4", "5"]
        out, _ = command.run(f"127.0.0.1:{server.port}", "--position", "p", "--idle-exit", "0.4", *arguments)
        assert out == ""
    assert (tmp_path / "p").exists()


def test_options_reach_the_request(command: Command, tmp_path: Path) -> None:
    asked = []

    def script(conversation: Conversation) -> None:
        asked.append(conversation.greet())
        conversation.wait_for_end()

    common = ["--position", "p", "--idle-exit", "0.2"]
    with serving(script, tmp_path) as server:
        where = f"127.0.0.1:{server.port}"
        command.run(where, *common, "--events", "intrusion,packet", "--since", "beginning")
        command.run(
            where, *common, "--no-extended", "--events", "intrusion", "--since", "2023-11-14T22:13:20"
        )
        command.run(where, *common, "--flags", "0x00800001", "--since", "now")
        _, told = command.run(where, *common, "--flags", "0x1", "--since", "beginning")
        assert "the position cannot be kept" in told
        _, told = command.run(where, *common, "--no-extended", "--since", "beginning")
        assert "malware and file events are left out" in told
    assert asked[:4] == [(0, 0x40900001), (SECOND, 0x00900044), (0xFFFFFFFF, 0x00800001), (0, 1)]


def test_metadata_names_and_domain(command: Command, tmp_path: Path) -> None:
    with serving(five, tmp_path) as server:
        where = [f"127.0.0.1:{server.port}", "-o", "json", "--since", "beginning", "--idle-exit", "0.3"]
        out, _ = command.run(*where, "--metadata", "lines")
        assert json.loads(out.splitlines()[0])["event"] == "managed_device"
        out, _ = command.run(*where, "--no-names")
        assert "names" not in json.loads(out.splitlines()[0])
        out, _ = command.run(*where, "--domain", "7")
        assert out == ""


def test_the_manual_of_an_output(command: Command) -> None:
    out, _ = command.run("-o", "csv:help")
    assert "spreadsheet=…  (yes | no; default no)" in out
    _, told = command.run("-o", "nonsense:help", status=2)
    assert "there are: cef, csv, json" in told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing argument 'SERVER'"),
        (["h:99999"], "is no port"),
        (["h", "--events", "nonsense"], "there are no events 'nonsense'"),
        (["h", "--since", "whenever"], "'whenever' is no time"),
        (["h", "--until", "whenever"], "'whenever' is no time"),
        (["h", "--flags", "many"], "'many' is no flags word"),
        (["h", "-o", "nonsense"], "there is no output 'nonsense'"),
        (["h", "-o", "json:x=1"], "has no setting 'x'"),
        (["h", "-f", "a", "-f", "b"], "more -f than -o"),
        (["h", "--pkcs12", "none"], "none"),
        (["h", "--pkcs12", "client.pkcs12", "--cert", "x"], "say the same thing"),
        (["h", "--key", "x"], "--key needs --cert"),
        (["h", "--count", "0"], "0 is not in the range"),
        (["no-such-host.invalid", "--count", "1"], "there is no address for"),
    ],
)
def test_wrong_usage_is_one_sentence(command: Command, arguments: list[str], said: str) -> None:
    status = 1 if "invalid" in "".join(arguments) else 2
    _, told = command.run(*arguments, status=status)
    assert said in told
    assert len(told.splitlines()) == 1


def test_without_credentials_the_sentence_says_what_to_give(command: Command, tmp_path: Path) -> None:
    (tmp_path / "client.pkcs12").unlink()
    _, told = command.run("h", status=2)
    assert "--pkcs12" in told


def test_the_password_comes_from_file_or_environment(command: Command, tmp_path: Path) -> None:
    authority().pkcs12(tmp_path / "client.pkcs12", "client", password="secret")
    (tmp_path / "password").write_text("secret\n")
    with serving(five, tmp_path) as server:
        where = [f"127.0.0.1:{server.port}", "--count", "1"]
        command.run(*where, "--password-file", "password")
        command.environment["OPENSTREAMER_PASSWORD"] = "secret"
        command.run(*where)
        command.environment["OPENSTREAMER_PASSWORD"] = "wrong"
        _, told = command.run(*where, status=2)
        assert "password" in told


def test_refused_by_the_peer_is_status_three(command: Command, tmp_path: Path) -> None:
    with serving(five, tmp_path, own=Authority("Somebody else")) as server:
        _, told = command.run(f"127.0.0.1:{server.port}", status=3)
        assert "is not to be trusted" in told
    with serving(five, tmp_path, clients=Authority("Somebody else")) as server:
        _, told = command.run(f"127.0.0.1:{server.port}", status=3)
        assert "refuses this client" in told
    with serving(Conversation.close, tmp_path) as server:
        _, told = command.run(f"127.0.0.1:{server.port}", status=3)
        assert "without a word" in told


def test_errors_of_the_peer_are_status_four(command: Command, tmp_path: Path) -> None:
    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.send(hand_made.error(-5, "no"))
        conversation.wait_for_end()

    with serving(script, tmp_path) as server:
        _, told = command.run(f"127.0.0.1:{server.port}", status=4)
    assert told == (
        f"openstreamer: 127.0.0.1:{server.port} reports error -5: no;"
        " 'openstreamer explain error -5' says what it means\n"
    )


def test_a_broken_protocol_is_told_with_the_server_and_what_to_do(command: Command, tmp_path: Path) -> None:
    def script(conversation: Conversation) -> None:
        conversation.greet()
        conversation.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        conversation.wait_for_end()

    with serving(script, tmp_path) as server:
        _, told = command.run(f"127.0.0.1:{server.port}", status=4)
    name = f"127.0.0.1:{server.port}"
    assert told == (
        f"openstreamer: {name} breaks the protocol: a message has header version 18516, not 1;"
        f" 'openstreamer test {name}' looks closer\n"
    )


def test_without_reconnection_a_loss_is_status_one(command: Command) -> None:
    _, told = command.run("127.0.0.1:1", "--no-reconnect", status=1)
    assert "cannot connect to port 1 of 127.0.0.1" in told


def saved(folder: Path) -> str:
    (path,) = (folder / "state" / "client").glob("*.position")
    return path.read_text()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_signals_end_it_cleanly_with_the_position_saved(
    command: Command, tmp_path: Path, number: int, status: int
) -> None:
    with serving(five, tmp_path) as server:
        process = command.start(f"127.0.0.1:{server.port}", "-o", "json", "-f", "a.json")
        path = tmp_path / "a.json"
        deadline = time.monotonic() + 30
        while not path.exists() or path.read_bytes().count(b"\n") < 5:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(number)
        _, told = process.communicate(timeout=30)
    assert process.returncode == status
    assert b"Traceback" not in told
    assert f'"length":{path.stat().st_size}' in saved(tmp_path)
    assert f'"second":{SECOND + 1},"ordinal":2' in saved(tmp_path)


def test_ctrl_c_while_connecting_is_at_once(command: Command, tmp_path: Path) -> None:
    process = command.start("192.0.2.1:9")
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=10)
    assert process.returncode == 130
    assert b"Traceback" not in told


def test_a_reader_that_leaves_ends_it_quietly(command: Command, tmp_path: Path) -> None:
    def script(conversation: Conversation) -> None:
        conversation.greet()
        for number in range(10_000):
            conversation.send(hand_made.bundle(1 + number, alerts(*range(20))))

    with serving(script, tmp_path) as server:
        process = command.start(f"127.0.0.1:{server.port}", "-o", "json")
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_two_at_once_need_two_positions(command: Command, tmp_path: Path) -> None:
    with serving(five, tmp_path) as server:
        first = command.start(f"127.0.0.1:{server.port}", "-o", "json", "-f", "a.json", "--position", "p")
        deadline = time.monotonic() + 30
        while not (tmp_path / "p").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        _, told = command.run(
            f"127.0.0.1:{server.port}", "-o", "json", "-f", "b.json", "--position", "p", status=2
        )
        assert f"process {first.pid}) uses the position" in told
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=30)


def test_killed_at_random_moments_in_one_archive_second(command: Command, tmp_path: Path) -> None:
    """Three thousand records share one second; the client is killed again and again while it takes them."""
    number = 3000

    def script(conversation: Conversation) -> None:
        conversation.greet()
        bodies = alerts(*range(number))
        for at in range(0, number, 20):
            conversation.send(hand_made.bundle(1 + at // 20, bodies[at : at + 20]))
            assert conversation.receive() == (0, b"")
            time.sleep(0.008)
        conversation.wait_for_end()

    path = tmp_path / "a.json"
    with serving(script, tmp_path) as server:
        arguments = [f"127.0.0.1:{server.port}", "-o", "json", "-f", "a.json"]
        for seconds in (0.5, 0.8, 1.1, 1.7, 1.4):
            process = command.start(*arguments)
            time.sleep(seconds)
            process.kill()
            process.communicate(timeout=30)
        command.run(*arguments, "--idle-exit", "1")
    assert path.read_bytes().endswith(b"\n")
    found = [json.loads(line)["data"]["event_id"] for line in path.read_bytes().splitlines()]
    assert found == list(range(number))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fmc1", ("fmc1", 8302)),
        ("fmc1:1234", ("fmc1", 1234)),
        ("2001:db8::1", ("2001:db8::1", 8302)),
        ("[2001:db8::1]", ("2001:db8::1", 8302)),
        ("[2001:db8::1]:1234", ("2001:db8::1", 1234)),
        ("192.0.2.1:8302", ("192.0.2.1", 8302)),
    ],
)
def test_servers_are_read(text: str, expected: tuple[str, int]) -> None:
    assert parse_server(text, None) == expected
    assert parse_server(text, 99) == (expected[0], 99)


def test_outputs_are_paired_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert pair_outputs((), ()) == [OutputSpec("print", "", "-")]
    assert pair_outputs(("json", "csv:header=no"), ("a",)) == [
        OutputSpec("json", "", str(tmp_path / "a")),
        OutputSpec("csv", "header=no", "-"),
    ]
    for formats, targets in ((("json", "csv"), ()), (("json",), ("a", "b")), (("json", "csv"), ("a", "a"))):
        with pytest.raises(UsageError):
            pair_outputs(formats, targets)


def test_each_set_of_outputs_has_its_own_position(tmp_path: Path) -> None:
    one = default_position(tmp_path, "h:1", [OutputSpec("json", "", "/a"), OutputSpec("csv", "", "/b")])
    same = default_position(
        tmp_path, "h:1", [OutputSpec("csv", "", "/b"), OutputSpec("json", "sync=never", "/a")]
    )
    assert one == same
    assert one != default_position(tmp_path, "h:1", [OutputSpec("json", "", "/a")])
    assert one != default_position(
        tmp_path, "h:2", [OutputSpec("json", "", "/a"), OutputSpec("csv", "", "/b")]
    )
    assert "/" not in default_position(tmp_path, "[::1]:1", []).name


def test_only_what_the_outputs_take_is_asked_for(command: Command, tmp_path: Path) -> None:
    asked = []

    def script(conversation: Conversation) -> None:
        asked.append(conversation.greet()[1])
        asked.append(len(conversation.received[1][1]))
        conversation.wait_for_end()

    with serving(script, tmp_path) as server:
        where = [f"127.0.0.1:{server.port}", "--idle-exit", "0.2"]
        command.run(*where, "-o", "pcap", "-f", "a.pcap")
        command.run(*where, "-o", "pcap", "-f", "b.pcap", "-o", "json", "-f", "b.json")
    # flags, then the size of the streaming request: 16 bytes and 4 a pair, the last pair being 0/0
    assert asked == [0x40900001, 16 + 4 * 3, 0x48900001, 16 + 4 * 10]
    assert events_for(frozenset({71, 400})) == "intrusion,connection"
    assert events_for(frozenset({99_999})) == "all"
