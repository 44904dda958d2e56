"""A browser of few lines (HTTP over loopback, cookies, forms), and a service with web pages for it."""

from __future__ import annotations

import html
import http.client
import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import urlencode, urlsplit

from openstreamer.server.web.passwords import write_password
from support.live_service import LiveService, Start

PASSWORD = "correct horse battery"

Form = Mapping[str, str] | Sequence[tuple[str, str]]


@cache
def _hash() -> bytes:
    """The hash of `PASSWORD`, made once: it takes long on purpose."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hash"
        write_password(path, PASSWORD)
        return path.read_bytes()


def start_with_pages(
    start: Start, *, password: bool = True, web: str = "127.0.0.1:0", **options: Any
) -> LiveService:
    """A service with web pages and their password set."""
    live = start(web=web, **options)
    if password:
        live.state.web_password.write_bytes(_hash())
    return live


class Answer:
    """What came back."""

    def __init__(self, response: http.client.HTTPResponse, body: bytes) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = body

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    @property
    def words(self) -> str:
        """The text without tags, blanks run together."""
        plain = re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", self.text, flags=re.DOTALL)
        return " ".join(html.unescape(plain).split())

    @property
    def location(self) -> str:
        return self.headers["location"] or ""


class WebClient:
    """Follows nothing by itself: a test sees every answer."""

    def __init__(self, live: LiveService) -> None:
        url = urlsplit(live.service.web_address)
        self.secure = url.scheme == "https"
        assert url.port is not None
        self.port = url.port
        self.cookies: dict[str, str] = {}
        self.set_cookies: list[str] = []

    def request(
        self,
        method: str,
        path: str,
        form: Form | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        connection = self._connection()
        try:
            connection.request(method, path, *self._content(form, headers))
            response = connection.getresponse()
            answer = Answer(response, response.read())
        finally:
            connection.close()
        self.set_cookies = answer.headers.get_all("set-cookie") or []
        for line in self.set_cookies:
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
            if "Max-Age=0" in line:
                del self.cookies[name]
        return answer

    def get(self, path: str, **headers: str) -> Answer:
        return self.request(
            "GET", path, headers={name.replace("_", "-"): text for name, text in headers.items()}
        )

    def post(self, path: str, form: Form = (), *, csrf: str | None = None, **headers: str) -> Answer:
        """Send a form with the token of the login, or with another one."""
        pairs = list(form.items()) if isinstance(form, Mapping) else list(form)
        token = self.csrf() if csrf is None else csrf
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.request("POST", path, [*pairs, ("csrf", token)], named)

    def csrf(self) -> str:
        return self.token_in(self.get("/types"))

    @staticmethod
    def token_in(answer: Answer) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', answer.text)
        assert found is not None, answer.words
        return found[1]

    def log_in(self, password: str = PASSWORD, target: str = "/status") -> Answer:
        token = self.token_in(self.get("/login"))
        return self.post("/login", {"password": password, "next": target}, csrf=token)

    @contextmanager
    def stream(self, path: str) -> Iterator[http.client.HTTPResponse]:
        """Server-sent events: the response, open."""
        connection = self._connection()
        try:
            connection.request("GET", path, *self._content(None, {"accept": "text/event-stream"}))
            yield connection.getresponse()
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self.secure:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=context)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def _content(
        self, form: Form | bytes | None, headers: Mapping[str, str] | None
    ) -> tuple[bytes | None, dict[str, str]]:
        body: bytes | None = None
        named = dict(headers or {})
        if self.cookies:
            named["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if form is not None:
            body = form if isinstance(form, bytes) else urlencode(form).encode()
            named.setdefault("Content-Type", "application/x-www-form-urlencoded")
        return body, named


def logged_in(live: LiveService) -> WebClient:
    """A browser that has given the password."""
    client = WebClient(live)
    answer = client.log_in()
    assert answer.status == 303, answer.words
    return client
