"""The reference client's face: what each form sends, byte by byte, and the files it makes and leaves."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from openstreamer.cli.ssl_test_options import expand, parse_flags
from openstreamer.errors import UsageError
from support import hand_made
from support.certificates import authority
from support.hand_made import SECOND
from support.hand_profiles import profile_ipv4
from support.scripted_server import Conversation, serving


def ssl_test(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "openstreamer.cli.ssl_test", *arguments],
        cwd=folder, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    authority().pkcs12(tmp_path / "client.pkcs12", "client")
    return tmp_path


FORMS = {
    "": 0x01F00004,
    "-o print -f out.txt": 0x01F00004,
    "-o pcap -f test.pcap": 0x00800001,
    "-o csv -f test.csv": 0x00800004,
    "-output csv -pipe": 0x00800004,
    "-o snmp -f 127.0.0.1:9": 0x00900004,
    "-o syslog -f udp://127.0.0.1:9": 0x00900004,
    "--flags 0x00800004": 0x00800004,
    "-flags FLAG_IDS|FLAG_SEND_ARCHIVE_TIMESTAMP": 0x00800004,
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_sends_the_request_of_its_output(form: str, folder: Path) -> None:
    seen: list[int] = []

    def script(conversation: Conversation) -> None:
        conversation.receive()
        for name in ("server.crt", "server.key"):
            seen.append(stat.S_IMODE(os.stat(folder / name).st_mode))
        conversation.close()

    with serving(script, folder) as server:
        done = ssl_test(folder, "127.0.0.1", "-po", str(server.port), "-s", "all", *form.split())
    assert server.conversations, done.stderr
    assert server.conversations[0].received == [(2, struct.pack(">II", 0, FORMS[form]))]
    assert seen == [0o600, 0o600]
    assert not (folder / "server.crt").exists()
    assert not (folder / "server.key").exists()
    assert "closed" in done.stderr
    assert done.returncode == 0, done.stderr


def test_every_message_is_answered_with_a_null(folder: Path) -> None:
    """Nulls too, and records that the output passes by; and a host's answer."""

    def script(conversation: Conversation) -> None:
        conversation.receive()
        for message in (
            hand_made.null(),
            hand_made.event_data(7, hand_made.intrusion_7(1), SECOND),
            hand_made.event_data(2, hand_made.packet(), SECOND),
            hand_made.header(99, b"?"),
        ):
            conversation.send(message)
            assert conversation.receive() == (0, b"")
        conversation.close()

    with serving(script, folder) as server:
        done = ssl_test(folder, "127.0.0.1", "-po", str(server.port), "-s", "all", "-o", "csv")
    assert len(server.conversations[0].received) == 5, done.stderr
    assert len(done.stdout.splitlines()) == 2


def test_the_answer_about_hosts_is_printed_and_answered(folder: Path) -> None:
    profile = profile_ipv4(92, "10.0.0.7")

    def script(conversation: Conversation) -> None:
        conversation.receive()
        conversation.receive()
        conversation.send(hand_made.header(7, profile))
        assert conversation.receive() == (0, b"")
        conversation.send(hand_made.header(7, b""))
        assert conversation.receive() == (0, b"")

    with serving(script, folder) as server:
        done = ssl_test(folder, "127.0.0.1", "-port", str(server.port), "-h", "10.0.0.0/8", "-f", "hosts.txt")
    assert (done.returncode, done.stderr) == (0, "")
    text = (folder / "hosts.txt").read_text()
    assert text.startswith("version: 1\nmsg_type: 7 (Host Data)\n")
    assert "ip_address: 10.0.0.7\n" in text


def test_the_bookmark_is_kept_and_taken_up(folder: Path) -> None:
    def script(conversation: Conversation) -> None:
        conversation.receive()
        conversation.send(hand_made.event_data(7, hand_made.intrusion_7(1), SECOND))
        conversation.receive()
        conversation.close()

    with serving(script, folder) as server:
        first = ssl_test(folder, "127.0.0.1", "-port", str(server.port), "-s", "all", "-o", "csv", "-pipe")
        assert (folder / "estreamer.bmark").read_text().strip() == str(SECOND), first.stderr
        ssl_test(folder, "127.0.0.1", "-port", str(server.port), "-o", "csv", "-f", "again.csv")
    assert server.conversations[1].received[0] == (2, struct.pack(">II", SECOND, 0x00800004))
    assert first.stdout.startswith(
        "sensor_id|event_id|event_sec|event_usec|sid|gen|rev|class|priority|src_addr|dst_addr|src_port|dst_port"
        "|ip_proto|impact_flag|pad\n"
    )
    assert len(first.stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("value", "data_type", "first", "last"),
    [
        ("10.0.0.0,10.255.255.255", 5, (10, 0, 0, 0), (10, 255, 255, 255)),
        ("10.0.0.0/8", 5, (10, 0, 0, 0), (10, 255, 255, 255)),
        ("10.0.0.7", 4, (10, 0, 0, 7), (10, 0, 0, 7)),
        ("10.0.0.7,10.0.0.7", 4, (10, 0, 0, 7), (10, 0, 0, 7)),
    ],
)
def test_host_requests(
    value: str, data_type: int, first: tuple[int, ...], last: tuple[int, ...], folder: Path
) -> None:
    def script(conversation: Conversation) -> None:
        conversation.receive()
        conversation.send(hand_made.null())
        while conversation.receive()[0] != 5:
            pass
        conversation.send(hand_made.header(7 if data_type == 5 else 6, b""))
        conversation.wait_for_end()

    with serving(script, folder) as server:
        ssl_test(folder, "127.0.0.1", "-port", str(server.port), "-s", "all", "-h", value)
    received = [message for message in server.conversations[0].received if message[0]]
    assert received[0] == (2, struct.pack(">II", 0, 0x00100000))
    assert received[1] == (5, struct.pack(">II", data_type, 0) + bytes(first) + bytes(last))


def test_hosts_of_version_6_are_asked_for_in_the_newer_form(folder: Path) -> None:
    def script(conversation: Conversation) -> None:
        conversation.receive()
        conversation.receive()
        conversation.send(hand_made.header(7, b""))
        conversation.wait_for_end()

    with serving(script, folder) as server:
        ssl_test(folder, "127.0.0.1", "-port", str(server.port), "-h", "2001:db8::/126")
    ends = [hand_made.address(text) for text in ("2001:db8::", "2001:db8::3")]
    assert server.conversations[0].received[1] == (5, struct.pack(">II", 7, 0) + b"".join(ends))


def test_options_shortened_and_with_one_dash_or_two() -> None:
    assert expand(["s", "-o", "csv", "--out=pcap", "-i", "-p", "1", "-pk", "a", "-pa", "-x"]) == [
        "s", "--output=csv", "--output=pcap", "--ipv6", "--port=1", "--pkcs12=a", "--password=-x",
    ]  # fmt: skip
    assert expand(["-O", "csv", "-VERB", "-g", "0", "-h", "10.0.0.1", "-f", "x", "-d", "y"]) == [
        "--output=csv", "--verbose", "--group=0", "--host=10.0.0.1", "--file=x", "--domain=y",
    ]  # fmt: skip
    for wrong in (["-zzz"], ["-o"], ["-pip", "-fl"]):
        with pytest.raises(UsageError):
            expand(wrong)


def test_flags_by_number_and_by_name() -> None:
    assert parse_flags("FLAG_IDS|FLAG_METADATA_4") == parse_flags("ids,metadata_4") == 0x00100004
    assert parse_flags("0x10") == parse_flags("16") == 16
    assert parse_flags("0") == 0x00000003, "as the reference client's library: packets and metadata"
    with pytest.raises(UsageError, match="FLAG_RUA"):
        parse_flags("NONSENSE")


def test_the_settings_of_an_output_are_told(folder: Path) -> None:
    done = ssl_test(folder, "-o", "csv:help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "separator=" in done.stdout


def test_the_port_may_stand_behind_the_server(folder: Path) -> None:
    with serving(lambda conversation: conversation.close(), folder) as server:
        done = ssl_test(folder, f"127.0.0.1:{server.port}")
    assert server.conversations, done.stderr


@pytest.mark.parametrize("numbers", [[signal.SIGQUIT], [signal.SIGINT] * 5, [signal.SIGTERM, signal.SIGINT]])
def test_no_signal_leaves_the_key_behind(numbers: list[signal.Signals], folder: Path) -> None:
    """Whoever presses Ctrl-C again and again, or Ctrl-\\, gets an end without key and without traceback."""
    here = threading.Event()

    def script(conversation: Conversation) -> None:
        conversation.receive()
        here.set()
        with contextlib.suppress(OSError, EOFError):
            conversation.receive()

    with serving(script, folder) as server:
        process = subprocess.Popen(
            [sys.executable, "-m", "openstreamer.cli.ssl_test", "127.0.0.1", "-po", str(server.port)],
            cwd=folder, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert here.wait(30)
        assert (folder / "server.key").exists()
        for number in numbers:
            process.send_signal(number)
            time.sleep(0.01)
        _, told = process.communicate(timeout=30)
    assert process.returncode in ((0, 130) if signal.SIGTERM in numbers else (130,))
    assert "Traceback" not in told
    assert not (folder / "server.crt").exists()
    assert not (folder / "server.key").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ("", 1, "  syslog  lines to the system log"),
        ("h -o tape", 2, "there is no output 'tape'"),
        ("h -o pcap", 2, "needs the file"),
        *[
            (f"h -o {name} -f x -h 10.0.0.1", 2, "host queries do not go with")
            for name in ("csv", "pcap", "snmp", "syslog")
        ],
        ("h -s yesterday", 2, "ssl_test: -start takes all, now or bookmark"),
        ("h:99999", 2, "ssl_test: '99999' is no port"),
        ("h -o tape:help", 2, "there is no output 'tape'"),
        ("h -pkcs12 missing", 2, "cannot read missing"),
    ],
)
def test_wrong_usage(arguments: str, status: int, words: str, folder: Path) -> None:
    done = ssl_test(folder, *arguments.split())
    assert (done.returncode, words in done.stderr) == (status, True), done.stderr
