"""Requests as words and pairs: compared with numbers written down from the protocol reference."""

from __future__ import annotations

import pytest

from openstreamer.client.request import NEWEST, make_request, parse_flags
from openstreamer.errors import UsageError
from openstreamer.layouts.requests import EXTENDED, NUMBER_OF_CLASS

NEWEST_SET = ((12, 11), (21, 4), (31, 9), (61, 11), (71, 17), (91, 7), (101, 8), (111, 7), (131, 2))


def test_by_default_everything_in_the_newest_form() -> None:
    request = make_request()
    assert request.flags == 1 << 0 | 1 << 20 | 1 << 23 | 1 << 27 | 1 << 30
    assert request.event_types == NEWEST_SET
    assert request.extended
    assert request.archive_times
    assert request.notes == ()


def test_names_choose() -> None:
    request = make_request("intrusion,packet")
    assert request.flags == 0x40900001
    assert request.event_types == ((12, 11), (21, 4))
    assert make_request(["file", "connection"]).flags == 0x40900000
    assert make_request("extra-data").flags == 0x48900000


def test_a_version_can_be_named() -> None:
    assert make_request("intrusion@9,connection@14").event_types == ((12, 9), (21, 4), (71, 14))
    assert make_request("all,file@3").event_types == tuple(
        (number, 3 if number == 111 else version) for number, version in NEWEST_SET
    )


def test_flat_mode_has_bits_only() -> None:
    request = make_request("intrusion,packet", extended=False)
    assert request.flags == 1 << 0 | 1 << 2 | 1 << 6 | 1 << 20 | 1 << 23
    assert request.event_types == ()
    assert not request.extended
    assert make_request("connection@4", extended=False).flags == 1 << 18 | 1 << 20 | 1 << 23


def test_flat_mode_says_what_it_leaves_out() -> None:
    request = make_request("all", extended=False)
    assert request.notes == ("malware and file events are left out: flat requests cannot name them",)
    with pytest.raises(UsageError, match="malware events can only be asked for in an extended"):
        make_request("malware", extended=False)
    with pytest.raises(UsageError, match="no flag bit stands for version 9"):
        make_request("intrusion@9", extended=False)


def test_a_given_word_is_sent_as_it_is() -> None:
    assert make_request(flags=0x48900061).flags == 0x48900061
    assert make_request(flags=0x48900061).event_types == NEWEST_SET
    flat = make_request(flags=0x00800001)
    assert flat.event_types == ()
    assert not flat.extended
    assert not make_request(flags=1).archive_times


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ("intrusions", "there are no events 'intrusions'; there are all, intrusion"),
        ("intrusion@12", "versions 1 to 11, not '12'"),
        ("intrusion@x", "versions 1 to 11"),
        ("packet@1", "packet events have no version"),
        ("all@1", "there are no events"),
        ("", "there are no events ''"),
        ([], "no events are asked for"),
    ],
)
def test_mistakes_are_explained(events: str | list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make_request(events)


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("0x48900061", 0x48900061),
        ("33", 33),
        ("packets,metadata_v4", 1 | 1 << 20),
        ("archive_timestamps", 1 << 23),
    ],
)
def test_flags_are_numbers_or_names(text: str, flags: int) -> None:
    assert parse_flags(text) == flags


@pytest.mark.parametrize("text", ["", "nonsense", "0x1ffffffff", "-1"])
def test_flags_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="flags word"):
        parse_flags(text)


def test_the_newest_versions_exist() -> None:
    for name, version in NEWEST.items():
        assert (NUMBER_OF_CLASS[name], version) in EXTENDED
        assert (NUMBER_OF_CLASS[name], version + 1) not in EXTENDED
