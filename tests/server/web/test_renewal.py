"""A client gets a new certificate on the pages."""

from __future__ import annotations

import json

from openstreamer.authority import read_pkcs12
from support.live_service import LiveService, wait_until
from support.web_client import WebClient

PATH = "/clients/one.invalid"


def test_renewing_gives_a_new_file(live: LiveService, browser: WebClient) -> None:
    registry = live.service.authority.registry
    before = registry.get("one.invalid")
    assert f'href="{PATH}/renew"' in browser.get(PATH).text
    question = browser.get(f"{PATH}/renew")
    assert "Renew the certificate of one.invalid?" in question.words
    form = {"password": "secret", "again": "secret", "overlap": "7"}
    assert browser.post(f"{PATH}/renew", form).location == PATH
    page = browser.get(PATH)
    assert "Renewed the certificate of one.invalid." in page.words
    assert "good for another 7 days" in page.words
    after = registry.get("one.invalid")
    assert after.serial != before.serial
    old, new = registry.certificates("one.invalid")
    assert old.until == new.issued + 7 * 86400
    read_pkcs12(browser.get(f"{PATH}/file").body, "secret")
    last = json.loads(live.state.audit.read_text().splitlines()[-2])
    assert (last["action"], last["details"]) == (
        "client renewed",
        {"host": "one.invalid", "overlap_days": 7},
    )
    assert "secret" not in live.state.audit.read_text()


def test_without_overlap_its_sessions_end(live: LiveService, browser: WebClient) -> None:
    with live.client() as client:
        wait_until(lambda: live.service.sessions)
        assert browser.post(f"{PATH}/renew", {"overlap": "0"}).status == 303
        client.closed()
    assert "The file has no password" in browser.get(PATH).words


def test_what_is_wrong_changes_nothing(live: LiveService, browser: WebClient) -> None:
    serial = live.service.authority.registry.get("one.invalid").serial
    for form, sentence in (
        ({"overlap": "7", "password": "a", "again": "b"}, "differ"),
        ({"overlap": "8"}, "Choose how long"),
        ({"overlap": "x"}, "Choose how long"),
        ({"overlap": "7", "password": "a" * 201, "again": "a" * 201}, "longer than"),
    ):
        answer = browser.post(f"{PATH}/renew", form)
        assert answer.status == 400
        assert sentence in answer.words
    assert live.service.authority.registry.get("one.invalid").serial == serial
    live.service.authority.revoke("one.invalid")
    assert browser.get(f"{PATH}/renew").status == 404
    assert browser.post(f"{PATH}/renew", {"overlap": "7"}).status == 409
    assert browser.get("/clients/nobody.invalid/renew").status == 404
