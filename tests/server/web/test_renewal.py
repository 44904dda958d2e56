"""A client gets a new certificate on the pages."""

from __future__ import annotations

import json

from openstreamer.authority import read_pkcs12, rotation
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


def test_the_list_tells_who_needs_a_new_file_while_the_ca_changes(
    live: LiveService, browser: WebClient
) -> None:
    authority = live.service.authority
    assert "new CA" not in browser.get("/clients").words
    rotation.rotate(authority)
    authority.renew("two.invalid")
    wait_until(lambda: "A change to a new CA is under way." in browser.get("/clients/now").words)
    wait_until(lambda: f'{PATH}/renew"' in browser.get("/clients/now").text)
    assert 'href="/clients/two.invalid/renew"' not in browser.get("/clients/now").text
    assert "of the CA that leaves: renew it before" in browser.get(PATH).words
    assert "of the CA that leaves" not in browser.get("/clients/two.invalid").words

    rotation.finish(authority)

    wait_until(lambda: "refused: former CA" in browser.get("/clients/now").words)
    table = browser.get("/clients").words
    assert "Clients whose CA has left are refused until they are renewed" in table
    assert table.count("refused: former CA") == len(authority.registry.list()) - 1
    assert "refused: former CA; renew it" in browser.get(PATH).words
    assert browser.post(f"{PATH}/renew", {"overlap": "0"}).status == 303
    assert "refused" not in browser.get(PATH).words
