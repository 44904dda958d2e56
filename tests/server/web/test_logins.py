"""Logins without a server: how long they last, how often a wrong password may be tried."""

from __future__ import annotations

from openstreamer.server.web.logins import (
    FAILURE_SECONDS,
    FAILURES,
    LOGINS,
    LONGEST_SECONDS,
    PEERS,
    Attempts,
    LoginForms,
    Logins,
    same,
)


def test_a_login_lasts_while_it_is_used() -> None:
    logins = Logins(idle_seconds=100)
    token, login = logins.open("192.0.2.1", "stamp", now=0)
    assert logins.find(token, "stamp", 90) is login
    assert logins.find(token, "stamp", 180) is login
    assert logins.find(token, "stamp", 281) is None
    assert len(logins) == 0


def test_pages_that_refresh_themselves_do_not_keep_it() -> None:
    logins = Logins(idle_seconds=100)
    token, _ = logins.open("192.0.2.1", "stamp", now=0)
    for now in range(0, 100, 5):
        assert logins.find(token, "stamp", now, used=False) is not None
    assert logins.find(token, "stamp", 101, used=False) is None


def test_a_login_ends_however_busy() -> None:
    logins = Logins(idle_seconds=1e9)
    token, _ = logins.open("192.0.2.1", "stamp", now=0)
    assert logins.find(token, "stamp", LONGEST_SECONDS - 1) is not None
    assert logins.find(token, "stamp", LONGEST_SECONDS + 1) is None


def test_another_password_ends_all() -> None:
    logins = Logins(idle_seconds=100)
    token, _ = logins.open("192.0.2.1", "stamp", now=0)
    assert logins.find(token, "another", 1) is None
    token, _ = logins.open("192.0.2.1", "stamp", now=0)
    assert logins.find(token, "", 1) is None, "the password was taken away"


def test_tokens_are_long_differ_and_end() -> None:
    logins = Logins(idle_seconds=100)
    tokens = {logins.open("192.0.2.1", "stamp", now=0)[0] for _ in range(20)}
    assert len(tokens) == 20
    assert all(len(token) >= 43 for token in tokens)
    token = tokens.pop()
    logins.close(token)
    logins.close(token)
    assert logins.find(token, "stamp", 1) is None
    assert logins.find("made up", "stamp", 1) is None


def test_there_is_an_end_to_logins() -> None:
    logins = Logins(idle_seconds=100)
    first, _ = logins.open("192.0.2.1", "stamp", now=0)
    second, _ = logins.open("192.0.2.1", "stamp", now=0)
    assert logins.find(first, "stamp", 1) is not None
    for _ in range(LOGINS - 1):
        logins.open("192.0.2.1", "stamp", now=2)
    assert len(logins) == LOGINS
    assert logins.find(second, "stamp", 3) is None, "the one unused for longest"
    assert logins.find(first, "stamp", 3) is not None


def test_forms_belong_to_a_browser() -> None:
    forms = LoginForms()
    value, token = forms.make()
    other, _ = forms.make()
    assert forms.check(value, token)
    assert not forms.check(other, token)
    assert not forms.check("", token)
    assert not forms.check(value, "")
    assert not LoginForms().check(value, token), "of another process"


def test_wrong_passwords_are_counted_by_address() -> None:
    attempts = Attempts()
    for second in range(FAILURES):
        assert attempts.wait("192.0.2.1", second) == 0
        attempts.begin("192.0.2.1", second)
    assert attempts.wait("192.0.2.1", FAILURES) == FAILURE_SECONDS - FAILURES
    assert attempts.wait("192.0.2.2", FAILURES) == 0
    assert attempts.wait("192.0.2.1", FAILURE_SECONDS + 0.5) == 0, "the first is forgotten"
    attempts.begin("192.0.2.1", FAILURE_SECONDS + 0.5)
    assert attempts.wait("192.0.2.1", FAILURE_SECONDS + 0.5) > 0
    attempts.succeeded("192.0.2.1")
    assert attempts.wait("192.0.2.1", FAILURE_SECONDS + 0.5) == 0


def test_one_machine_has_a_whole_network_of_ipv6() -> None:
    attempts = Attempts()
    for number in range(FAILURES):
        attempts.begin(f"2001:db8::{number}", 0)
    assert attempts.wait("2001:db8::ffff", 1) > 0
    assert attempts.wait("2001:db8:0:1::1", 1) == 0


def test_addresses_are_not_remembered_without_end() -> None:
    attempts = Attempts()
    for number in range(PEERS + 10):
        attempts.begin(f"peer {number}", 0)
    assert len(attempts._failures) == PEERS


def test_tokens_of_any_text_are_compared() -> None:
    assert same("é\udc80", "é\udc80")
    assert not same("a", "b")
