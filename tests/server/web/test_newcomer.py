"""A newcomer's walk, from `init` to a streaming client and its end, by what the program and its pages say."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.operator_at_browser import Operator, driver, webdriver
from support.processes import Place, eve_lines, wait_until

__all__ = ["driver"]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.stop()


@pytest.mark.slow
def test_from_init_to_a_client_and_its_end(place: Place, driver: webdriver.Chrome) -> None:
    downloads = place.folder / "downloads"
    downloads.mkdir()
    sensor = place.folder / "eve.json"
    sensor.touch()

    # The set-up shows a password and what comes next; the service says where its pages are.
    said = place.run("init").stdout
    password = re.search(r"\b(?:[a-z0-9]{5}-){3}[a-z0-9]{5}\b", said)
    assert password is not None, said
    assert "openstreamer serve" in said
    place.start(
        "serve",
        "--listen",
        "localhost:0",
        "--web",
        "127.0.0.1:0",
        "--input",
        f"eve:{sensor}",
        log="serve.log",
    )
    wait_until(lambda: "web pages on" in place.log("serve.log"), "the service to say where its pages are")
    address = re.search(r"web pages on (http://\S+)", place.log("serve.log"))
    assert address is not None
    driver.delete_all_cookies()
    driver.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)}
    )
    person = Operator(driver, address[1], downloads)
    person.errors()
    person.open("/")
    person.see("Log in")
    person.log_in(password[0])

    # The status page leads to what is missing; the event types are ticked and can be changed.
    person.see("No client is connected.")
    person.click("Event types")
    person.find("label[for=type-user]").click()
    person.click("Save")
    person.see("Switched off: user activity events.")
    person.find("label[for=type-user]").click()
    person.click("Save")
    person.see("Switched on: user activity events.")

    # A client, with a password; its page says what to do with its file.
    person.click("Clients")
    person.see("No client may connect yet.")
    person.find("#host").send_keys("127.0.0.1")
    person.find("#also").send_keys("::1")
    person.find("#password").send_keys("opens the file")
    person.find("#again").send_keys("opens the file")
    person.click("Add")
    person.see("Next: let it connect")
    person.click("Download 127.0.0.1.pkcs12")
    wait_until((downloads / "127.0.0.1.pkcs12").exists, "the download")
    command = shlex.split(person.find(".panel pre").text)
    assert command[:2] == ["openstreamer", "stream"]
    command[command.index("127.0.0.1.pkcs12")] = str(downloads / "127.0.0.1.pkcs12")
    secret = place.folder / "secret"
    secret.write_text("opens the file\n")
    client = place.start(*command[1:], "--password-file", secret, "-o", "json", log="client.log")

    # Events: on the client, on the status page, on the page of events.
    person.click("Status")
    person.see("intrusion v")
    with sensor.open("ab") as file:
        file.writelines(eve_lines(range(10)))
    wait_until(lambda: place.log("client.log").count('"intrusion_event"') == 8, "the events")
    person.see("Events kept 18", 20)
    person.see("up to date", 20)
    person.click("Events")
    person.see("TEST rule 3")
    assert len(person.all("#rows tr")) == 18
    person.click("Clients")
    person.see("connected")

    # Revoked, it ends, and says why by its exit status.
    person.find("[aria-label='Revoke 127.0.0.1']").click()
    person.see("Revoke 127.0.0.1?")
    person.click("Revoke")
    person.see("Revoked 127.0.0.1. Its session was ended.")
    assert client.wait(30) == 3, place.log("client.log")[-500:]
    person.click("Status")
    person.see("revoked", 20)
    assert [line for line in person.errors() if "favicon" not in line] == []
    person.open("/healthz")
