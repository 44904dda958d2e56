"""The pages in a real browser: a walk through them, the keyboard, narrow screens, colours, the live list.

Needs Chromium and its driver (Debian: chromium, chromium-driver).
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from openstreamer.authority import read_pkcs12
from support.live_service import LiveService, Start, append, intrusion, packet, rule_message, wait_until
from support.operator_at_browser import Keys, Operator, driver, operator, webdriver
from support.raw_client import RawClient, request, streaming_request
from support.web_attacks import ENDING
from support.web_client import PASSWORD, start_with_pages

__all__ = ["driver", "operator"]


def test_a_walk_through_all_pages(operator: tuple[Operator, LiveService]) -> None:
    person, live = operator
    person.open("/clients")
    assert person.path() == "/login?next=/clients"
    person.find("#password").send_keys("wrong password" + Keys.ENTER)
    person.see("That is not the password.")
    person.find("#password").send_keys(PASSWORD + Keys.ENTER)
    wait_until(lambda: person.path() == "/clients")

    # a client, its file, and a session with it
    person.find("#host").send_keys("127.0.0.1")
    person.find("#password").send_keys("secret")
    person.find("#again").send_keys("secret" + Keys.ENTER)
    person.see("Added 127.0.0.1.")
    person.click("Download 127.0.0.1.pkcs12")
    file = person.downloads / "127.0.0.1.pkcs12"
    wait_until(file.exists, 10, "the download")
    credentials = read_pkcs12(file.read_bytes(), "secret")
    pem = person.downloads / "client.pem"
    pem.write_bytes(credentials.certificate_pem + credentials.private_key_pem)
    with RawClient(("127.0.0.1", live.port), pem) as client:
        client.send(request(0, 0x48900061))
        client.message()
        client.send(streaming_request(0, 0x48900061, [(12, 11)]))
        person.click("Status")
        person.see("intrusion v11")

        # untick a type
        person.click("Event types")
        box = person.find("#type-connection")
        assert box.is_selected()
        person.find("label[for=type-connection]").click()
        person.click("Save")
        person.see("Switched off: connection events. Nothing captured is deleted.")
        assert not person.find("#type-connection").is_selected()
        assert "connection" not in live.service.authority.registry.server_events()

        # a live event
        person.click("Events")
        person.see("No events yet.")
        person.find("#live").click()
        person.see("watching")
        append(
            live.store,
            [(400, intrusion(5)), (2, packet(5))],
            metadata=[(66, rule_message(1000, "Odd beacon"))],
        )
        person.see("Odd beacon", 5)
        assert len(person.all("#rows tr")) == 2
        person.all("#rows tr a")[-1].click()
        person.see("All fields")
        assert "Odd beacon" in person.find("h1").text

        # revoke
        person.click("Clients")
        person.find("[aria-label='Revoke 127.0.0.1']").click()
        person.see("Revoke 127.0.0.1?")
        assert person.driver.switch_to.active_element.text == "Keep it", "a stray Enter does no harm"
        person.click("Revoke")
        person.see("Revoked 127.0.0.1. Its session was ended.")
        client.closed()
    person.click("Log out")
    wait_until(lambda: person.path() == "/login")
    person.driver.back()
    person.driver.refresh()
    wait_until(lambda: person.path().startswith("/login"))
    assert [line for line in person.errors() if "403" not in line] == []


def test_the_keyboard_is_enough(operator: tuple[Operator, LiveService]) -> None:
    person, live = operator
    person.log_in()
    person.open("/types")

    def press(*keys: str):  # type: ignore[no-untyped-def]
        for key in keys:
            person.driver.switch_to.active_element.send_keys(key)
        return person.driver.switch_to.active_element

    assert press(Keys.TAB).text == "To the content"
    for _ in range(40):
        if press(Keys.TAB).get_attribute("id") == "type-file":
            break
    else:
        pytest.fail("the check box is not reached")
    outline = person.driver.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    press(Keys.SPACE)
    for _ in range(10):
        if press(Keys.TAB).text == "Save":
            break
    press(Keys.ENTER)
    person.see("Switched off: file events.")
    assert "file" not in live.service.authority.registry.server_events()


def test_every_page_fits_a_telephone_and_loads_only_our_own_things(
    operator: tuple[Operator, LiveService],
) -> None:
    person, live = operator
    append(
        live.store, [(400, intrusion(1)), (2, packet(1, 200))], metadata=[(66, rule_message(1000, "x" * 200))]
    )
    long = f"{'collector-of-the-' * 3}siem.{'subsidiary' * 5}.invalid"
    live.service.authority.issue(long)
    of_long = [f"/clients/{long}{end}" for end in ("", "/renew", "/revoke")]
    person.log_in()
    try:
        for width in (360, 1280):
            person.command(
                "Emulation.setDeviceMetricsOverride",
                width=width,
                height=800,
                deviceScaleFactor=1,
                mobile=width < 500,
            )
            pages = ("/status", "/events", "/events/1.0", "/types", "/clients", "/clients/one.invalid")
            for path in (*pages, *of_long):
                person.open(path)
                wide = person.driver.execute_script("return document.documentElement.scrollWidth")
                assert wide <= width, f"{path} is {wide} wide on {width}"
                loaded = person.driver.execute_script(
                    "return performance.getEntriesByType('resource').map(entry => entry.name)"
                )
                assert all(name.startswith(person.base) for name in loaded)
                assert any("app.css" in name for name in loaded)
    finally:
        person.command("Emulation.clearDeviceMetricsOverride")
    assert person.errors() == []


LUMINANCE = """
const parse = (text) => text.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
  .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
const back = (element) => {
  for (; element; element = element.parentElement) {
    const colour = parse(getComputedStyle(element).backgroundColor);
    if (colour.length < 4 || colour[3] > 0) return colour;
  }
  return [255, 255, 255];
};
const poor = [];
for (const element of document.querySelectorAll("main *, header *, footer *")) {
  const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
  const passed = element.closest("svg, .off, :disabled, .hidden, .skip");
  if (!own || passed || !element.getClientRects().length) continue;
  const both = [parse(getComputedStyle(element).color), back(element)].map(light);
  const ratio = (Math.max(...both) + .05) / (Math.min(...both) + .05);
  const words = element.textContent.trim().slice(0, 30);
  if (ratio < arguments[0]) poor.push(`${element.tagName}.${element.className} ${ratio.toFixed(2)} ${words}`);
}
return poor;
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_in_both_schemes(operator: tuple[Operator, LiveService], scheme: str) -> None:
    person, live = operator
    append(live.store, [(400, intrusion(1)), (2, packet(1))])
    person.log_in()
    person.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    try:
        backs = set()
        for path in (
            "/status",
            "/events",
            "/events/1.0",
            "/types",
            "/clients",
            "/clients/one.invalid/revoke",
            "/clients/one.invalid/renew",
        ):
            person.open(path)
            assert person.driver.execute_script(LUMINANCE, 4.5) == [], path
            backs.add(person.driver.execute_script("return getComputedStyle(document.body).backgroundColor"))
        assert len(backs) == 1
        assert (backs == {"rgb(16, 21, 28)"}) == (scheme == "dark")
    finally:
        person.command("Emulation.setEmulatedMedia", features=[])


def test_the_status_page_brings_itself_up_to_date(operator: tuple[Operator, LiveService]) -> None:
    person, live = operator
    person.log_in()
    assert "Events kept 0" in person.words
    append(live.store, [(400, intrusion(1))])
    person.see("Events kept 1", 12)


def test_older_events_come_without_leaving_the_page(operator: tuple[Operator, LiveService]) -> None:
    person, live = operator
    append(live.store, [(400, intrusion(number)) for number in range(120)])
    person.log_in()
    person.open("/events")
    assert len(person.all("#rows tr:not(.more)")) == 50
    for expected in (100, 120):
        person.find("#more a").send_keys(Keys.ENTER)
        wait_until(lambda: len(person.all("#rows tr:not(.more)")) == expected)  # noqa: B023 - awaited here
    assert person.all("#more") == []
    assert person.path() == "/events"


def test_scripts_in_events_do_not_run(operator: tuple[Operator, LiveService]) -> None:
    person, live = operator
    evil = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
    person.log_in()
    person.open("/events")
    person.find("#live").click()
    person.see("watching")
    append(live.store, [(400, intrusion(1))], metadata=[(66, rule_message(1000, evil))])
    person.see("<script>document.title=")
    person.open("/events/1.0")
    time.sleep(0.2)
    assert person.driver.title.startswith("Event 1.0")
    assert person.errors() == []


def test_over_https(driver: webdriver.Chrome, start: Start, tmp_path: Path) -> None:
    live = start_with_pages(start, web="0.0.0.0:0")
    port = live.service.web_address.rstrip("/").rpartition(":")[2]
    person = Operator(driver, f"https://localhost:{port}", tmp_path)
    person.log_in()
    (cookie,) = driver.get_cookies()
    assert cookie["name"] == f"__Host-openstreamer-{port}"
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Strict")
    person.open("/healthz")


UNNAMED = """
const poor = [];
const named = (element) => {
  const labels = [...(element.labels || [])].map(label => label.textContent.trim()).join("");
  return labels || element.getAttribute("aria-label") || element.textContent.trim();
};
const operable = "a, button, input:not([type=hidden]):not([hidden]), select, summary";
for (const element of document.querySelectorAll(operable))
  if (!named(element)) poor.push(element.outerHTML);
for (const element of document.querySelectorAll("[tabindex]"))
  if (element.tabIndex > 0) poor.push(element.outerHTML);
for (const element of document.querySelectorAll("svg"))
  if (!element.getAttribute("aria-label") && !element.ariaHidden) poor.push(element.outerHTML.slice(0, 80));
for (const element of document.querySelectorAll("[onclick], [hx-get]:not(a):not([hx-trigger])"))
  poor.push(`only for a pointer: ${element.outerHTML.slice(0, 80)}`);
if (document.querySelectorAll("h1").length !== 1) poor.push("not one h1");
if (document.documentElement.lang !== "en") poor.push("no language");
if (!document.querySelector("main")) poor.push("no main");
const ids = [...document.querySelectorAll("[id]")].map(element => element.id);
for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) poor.push(`twice: ${id}`);
for (const element of document.querySelectorAll("[aria-describedby]"))
  if (!document.getElementById(element.getAttribute("aria-describedby"))) poor.push(element.outerHTML);
return poor;
"""


def test_everything_has_a_name_and_can_be_reached(operator: tuple[Operator, LiveService]) -> None:
    """For the keyboard and for screen readers, on every page of the table."""
    person, live = operator
    append(live.store, [(400, intrusion(1)), (2, packet(1))])
    person.open("/login")
    assert person.driver.execute_script(UNNAMED) == []
    person.log_in()
    for target in ENDING:
        if not target.page or target.path.endswith(("/file", "/now", "/names")):
            continue
        person.open(target.path)
        assert person.driver.execute_script(UNNAMED) == [], target.path
        wanted = person.driver.execute_script(
            "return [...document.querySelectorAll('a, button, input, select, summary, [tabindex]')]"
            ".filter(element => !element.disabled && element.type !== 'hidden')"
            ".filter(element => element.getClientRects().length).length"
        )
        reached = 0
        person.driver.execute_script("document.activeElement.blur()")
        for _ in range(wanted + 5):
            person.driver.switch_to.active_element.send_keys(Keys.TAB)
            about = person.driver.execute_script(
                "const style = getComputedStyle(document.activeElement);"
                "return [document.activeElement.tagName, style.outlineStyle]"
            )
            if about[0] != "BODY":
                reached += 1
                assert about[1] != "none", f"the focus cannot be seen on {target.path}"
        assert reached >= wanted - 1, target.path
