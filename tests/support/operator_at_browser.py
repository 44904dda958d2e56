"""Somebody at a real browser (Chromium), for tests of the web pages.

Needs Chromium and its driver (Debian: chromium, chromium-driver).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.live_service import LiveService, Start, wait_until
from support.programs import program
from support.web_client import PASSWORD, start_with_pages

__all__ = ["By", "Keys", "Operator", "driver", "operator", "webdriver"]

selenium = pytest.importorskip("selenium", reason="selenium is not installed")

from selenium import webdriver  # noqa: E402
from selenium.common.exceptions import WebDriverException  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.remote.webelement import WebElement  # noqa: E402

OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--ignore-certificate-errors", "--window-size=1280,900",
)  # fmt: skip


class Operator:
    """Somebody at a browser."""

    def __init__(self, driver: webdriver.Chrome, base: str, downloads: Path) -> None:
        self.driver = driver
        self.base = base.rstrip("/")
        self.downloads = downloads

    def open(self, path: str) -> None:
        self.driver.get(self.base + path)

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def click(self, words: str) -> None:
        """Click the link or button with these words."""
        path = f"//*[self::a or self::button][normalize-space()={words!r}]"
        element = self.driver.find_element(By.XPATH, path)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    @property
    def words(self) -> str:
        """What can be read on the page; nothing while it changes."""
        try:
            return " ".join(self.find("body").text.split())
        except WebDriverException:
            return ""

    def path(self) -> str:
        return self.driver.current_url.removeprefix(self.base)

    def see(self, words: str, seconds: float = 10.0) -> None:
        wait_until(lambda: words in self.words, seconds, f"{words!r} on {self.path()}: {self.words[:500]}")

    def log_in(self, password: str = PASSWORD) -> None:
        self.open("/")
        self.find("#password").send_keys(password + Keys.ENTER)
        wait_until(lambda: self.path() == "/status", 10)

    def errors(self) -> list[str]:
        """What the browser complains about: blocked styles or scripts, failed requests."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def command(self, name: str, **parameters: Any) -> Any:
        return self.driver.execute_cdp_cmd(name, parameters)


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = program("chromium")
    for option in (*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(option)
    started = webdriver.Chrome(options=options, service=Service(program("chromedriver")))
    try:
        yield started
    finally:
        started.quit()


@pytest.fixture
def operator(
    driver: webdriver.Chrome, start: Start, tmp_path: Path
) -> Iterator[tuple[Operator, LiveService]]:
    live = start_with_pages(start)
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    driver.delete_all_cookies()
    driver.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)}
    )
    person = Operator(driver, live.service.web_address, downloads)
    person.errors()
    yield person, live
    person.open("/healthz")  # ends live streams before the service stops
