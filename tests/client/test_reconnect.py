"""When to try again, and when that cannot help."""

from __future__ import annotations

import pytest

from openstreamer.client.connection import LostConnection, SilentPeer, UnknownHost
from openstreamer.client.reconnect import Backoff, ReconnectPolicy
from openstreamer.errors import (
    OutputError,
    PeerError,
    RefusedError,
    RemoteProtocolError,
    TransportError,
)


def policy() -> ReconnectPolicy:
    return ReconnectPolicy(backoff=Backoff(random_number=lambda: 0.0))


def test_waiting_times_double_up_to_a_minute() -> None:
    backoff = Backoff(random_number=lambda: 0.0)
    assert [backoff.delay() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    backoff.reset()
    assert backoff.delay() == 1


def test_jitter_takes_away_up_to_half() -> None:
    delays = [Backoff(8, 8).delay() for _ in range(200)]
    assert min(delays) >= 4
    assert max(delays) <= 8
    assert len(set(delays)) > 100


def test_what_the_network_does_is_tried_again_for_ever() -> None:
    one = policy()
    for _ in range(50):
        one.connecting()
        assert one.ended(TransportError("cannot connect")) <= 60
        assert one.ended(SilentPeer("silent")) <= 60


def test_after_a_record_the_waiting_begins_anew() -> None:
    one = policy()
    for _ in range(5):
        one.ended(TransportError("cannot connect"))
    one.record_came()
    assert one.ended(TransportError("cannot connect")) == 1


def test_a_refusal_is_final() -> None:
    one = policy()
    one.heard()
    one.record_came()
    with pytest.raises(RefusedError):
        one.ended(RefusedError("revoked"))


def test_an_unknown_name_is_final_only_at_first() -> None:
    with pytest.raises(UnknownHost):
        policy().ended(UnknownHost("no such name"))
    one = policy()
    one.heard()
    assert one.ended(UnknownHost("no such name")) == 1


def test_a_close_without_a_word_is_a_refusal() -> None:
    with pytest.raises(RefusedError, match="without a word"):
        policy().ended(LostConnection("closed", on_purpose=True))
    one = policy()
    for _ in range(2):
        one.connecting()
        one.ended(LostConnection("reset", on_purpose=False))
    with pytest.raises(RefusedError):
        one.ended(LostConnection("reset", on_purpose=False))


def test_a_close_without_a_word_is_a_refusal_also_where_no_other_session_follows() -> None:
    one = ReconnectPolicy(reconnect=False)
    one.connecting()
    with pytest.raises(RefusedError, match="without a word"):
        one.ended(LostConnection("closed", on_purpose=True))
    one = ReconnectPolicy(reconnect=False)
    one.connecting()
    one.heard()
    with pytest.raises(LostConnection):
        one.ended(LostConnection("closed", on_purpose=True))
    with pytest.raises(LostConnection):
        ReconnectPolicy(reconnect=False, silence_refuses=False).ended(
            LostConnection("closed", on_purpose=True)
        )


def test_a_close_after_words_is_none() -> None:
    one = policy()
    for _ in range(10):
        one.connecting()
        one.heard()
        assert one.ended(LostConnection("closed", on_purpose=True)) > 0


def test_a_client_that_is_revoked_later_is_refused_after_a_few_tries() -> None:
    one = policy()
    one.connecting()
    one.heard()
    one.record_came()
    one.ended(LostConnection("closed", on_purpose=True))
    for _ in range(2):
        one.connecting()
        one.ended(LostConnection("closed", on_purpose=True))
    one.connecting()
    with pytest.raises(RefusedError):
        one.ended(LostConnection("closed", on_purpose=True))


def test_a_server_that_crashes_again_and_again_is_no_refusal_once_it_was_there() -> None:
    one = policy()
    one.connecting()
    one.heard()
    for _ in range(20):
        assert one.ended(LostConnection("reset", on_purpose=False)) > 0
        one.connecting()


@pytest.mark.parametrize("error", [PeerError(-5, "no"), RemoteProtocolError("nonsense")])
def test_errors_of_the_peer_are_final_unless_records_had_come(error: PeerError | RemoteProtocolError) -> None:
    one = policy()
    one.heard()
    with pytest.raises(type(error)):
        one.ended(error)
    one = policy()
    one.record_came()
    for _ in range(3):
        one.ended(error)
    with pytest.raises(type(error)):
        one.ended(error)
    one.record_came()
    assert one.ended(error) > 0


def test_who_wants_no_reconnection_gets_the_error() -> None:
    with pytest.raises(TransportError):
        ReconnectPolicy(reconnect=False).ended(TransportError("lost"))


def test_our_own_errors_are_never_mended_by_reconnecting() -> None:
    with pytest.raises(OutputError):
        policy().ended(OutputError("broken"))
