"""A person at a browser: opens what the helper opens, signs in at Keycloak, picks a name in Harbor.

Two of one interface: `CookiePerson` (requests and cookies, fast) and `ChromiumPerson` (chromium_person.py, the real
thing). `browser_command` goes into $BROWSER: a script that notes the address and exits, as a browser's launcher does.
"""

import shlex
import tempfile
import threading
from http.cookiejar import CookieJar
from pathlib import Path
from types import TracebackType
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests

from tests.lab.page import Form, Page, read_page
from tests.lab.processes import wait_until
from tests.lab.realm import HELPER_CLIENT, password_of

# More forms than this in one window: the person gives up.
MOST_STEPS = 8
# What Keycloak writes over its form; nobody tries the same password twice.
WRONG = "Invalid username or password"
SPOOL_SECONDS = 0.02
TIMEOUT_SECONDS = 60


class Person:
    """What both have in common: the spool, and what tests read and set.

    `username` and `password` sign in; `onboard_as` is the name picked in Harbor (none: what Harbor proposes);
    `decline` leaves every form as it is, `deny` says no where a device asks for access. `urls` are the addresses
    opened, `pages` where each came to rest, `passed` all addresses on the way.
    """

    def __init__(self, username: str = "alice", *, onboard_as: str | None = None, decline: bool = False) -> None:
        self.username = username
        self.password: str | None = None
        self.onboard_as = onboard_as
        self.decline = decline
        self.deny = False
        self.forms = 0
        self.urls: list[str] = []
        self.pages: list[Page] = []
        self.passed: list[str] = []
        self._folder = tempfile.TemporaryDirectory(prefix="person-")
        self._spool = Path(self._folder.name) / "spool"
        self._spool.touch()
        self._rested = self._spool.with_name("rested")  # a line for each of the spool's that has come to rest
        self._rested.touch()
        script = Path(self._folder.name) / "browser"
        script.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$1\" >> {shlex.quote(str(self._spool))}\n")
        script.chmod(0o755)
        self.browser_command = str(script)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    @property
    def windows(self) -> int:
        """How many addresses were opened."""
        return len(self.urls)

    def open(self, url: str) -> Page:
        """Opens an address by hand and waits until it has come to rest."""
        self.wait_for_rest()
        before = len(self.pages)
        with self._spool.open("a") as spool:
            spool.write(f"{url}\n")
        wait_until(lambda: len(self.pages) > before, f"{url} to come to rest", TIMEOUT_SECONDS)
        return self.pages[-1]

    def go_on(self) -> Page:
        """In the window opened last, where it came to rest: as if it had been left alone meanwhile."""
        self.wait_for_windows(self.windows)
        return self.open(self.pages[-1].url)

    def authorization_requests(self) -> list[dict[str, str]]:
        """The parameters of the helper's own requests that the windows led to (RFC 6749 4.1.1)."""
        asked = [dict(parse_qsl(urlsplit(url).query)) for url in self.passed]
        return [query for query in asked if query.get("client_id") == HELPER_CLIENT and "response_type" in query]

    def wait_for_windows(self, count: int = 1, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        """Waits until so many windows in all have come to rest."""
        wait_until(lambda: len(self.pages) >= count, f"{count} windows", timeout_seconds)

    def wait_for_rest(self) -> None:
        """Waits until whatever was opened has come to rest: a helper may know enough before the browser is through."""
        wait_until(lambda: _lines(self._spool) == _lines(self._rested), "all windows to come to rest", TIMEOUT_SECONDS)

    def reset(self) -> None:
        """Counts anew, once everything is at rest; cookies stay."""
        self.wait_for_rest()
        self.forms, self.urls, self.pages, self.passed = 0, [], [], []

    def forget_cookies(self) -> None:
        """A browser that nobody has used yet, once everything is at rest."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends the browser; its folder is gone."""
        self._closing.set()
        self._thread.join(TIMEOUT_SECONDS)
        self._folder.cleanup()

    def __enter__(self) -> "Person":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _live(self) -> None:
        self._serve_spool()

    def _serve_spool(self) -> None:
        done = size = 0
        while not self._closing.wait(SPOOL_SECONDS):
            self._between()
            before, size = size, self._spool.stat().st_size
            if size == before:
                continue
            lines = self._spool.read_text().split("\n")[:-1]
            for url in lines[done:]:
                done += 1
                self.urls.append(url)
                try:
                    page = self._walk(url)
                except Exception as fault:  # what breaks here must not end the person, and is told by the page
                    page = Page(url, text=f"{type(fault).__name__}: {fault}", status=0)
                self.pages.append(page)
                with self._rested.open("a") as rested:
                    rested.write("\n")

    def _between(self) -> None:
        """Work that belongs to the browser's own thread."""

    def _walk(self, url: str) -> Page:
        raise NotImplementedError

    def _password(self) -> str:
        return self.password or password_of(self.username)


class CookiePerson(Person):
    """A browser made of `requests`; fills the same forms, runs no script."""

    def __init__(self, username: str = "alice", *, onboard_as: str | None = None, decline: bool = False) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        super().__init__(username, onboard_as=onboard_as, decline=decline)

    def forget_cookies(self) -> None:
        """Forgets the provider's session and Harbor's."""
        self.wait_for_rest()
        self._session.cookies.clear()

    def trust(self, ca_file: Path) -> None:
        """Trusts another authority, as a browser does that was told to."""
        self._session.verify = str(ca_file)

    def walk_to(self, url: str, until: str) -> str:
        """Walks like a window but stops at a redirect that begins with `until`: its whole address, not opened."""
        return self._steps(url, until).url

    def close(self) -> None:
        """Ends the browser."""
        super().close()
        self._session.close()

    def _walk(self, url: str) -> Page:
        try:
            return self._steps(url)
        except requests.RequestException as error:
            return Page(url, text=str(error), status=0)

    def _steps(self, url: str, until: str | None = None) -> Page:
        page = self._get(url, until)
        for _ in range(MOST_STEPS):
            form = page.forms[0] if page.forms else None
            if form is None or self.decline or (until and page.url.startswith(until)):
                break
            following = self._fill(page, form, until)
            if following is None:
                break
            page = following
        return page

    def _fill(self, page: Page, form: Form, until: str | None) -> Page | None:
        """Fills a form that a person would fill; None for any other."""
        if form.identifier == "oidc-onboard":
            return self._onboard(page, form, until)
        fields = dict(form.fields)
        if page.status == 401:  # where there is no ticket to answer with, the page's script sends its form
            return self._send("POST", form.action, until, data=fields)
        if "password" in fields:
            if WRONG in page.text:
                return None
            self.forms += 1
            fields |= {"password": self._password()}
            if "username" in fields:
                fields["username"] = self.username
        elif "accept" in fields:
            fields.pop("accept" if self.deny else "cancel", None)
        else:
            return None
        return self._send("POST", form.action, until, data=fields)

    def _onboard(self, page: Page, form: Form, until: str | None) -> Page | None:
        answer = self._session.post(
            form.action,
            json={"username": self.onboard_as or form.fields["username"]},
            headers={"X-Harbor-CSRF-Token": form.data["csrf"]},
            timeout=TIMEOUT_SECONDS,
        )
        if not answer.ok:
            page.text += " " + answer.json()["errors"][0]["message"]
            page.status = answer.status_code
            return None
        return self._get(urljoin(page.url, form.data["then"] or "/"), until)

    def _get(self, url: str, until: str | None) -> Page:
        return self._send("GET", url, until)

    def _send(self, method: str, url: str, until: str | None, **arguments: object) -> Page:
        """One request and the redirects that follow."""
        self.passed.append(url)
        answer = self._session.request(method, url, allow_redirects=False, timeout=TIMEOUT_SECONDS, **arguments)  # type: ignore[arg-type]
        while True:
            lift_secure(self._session.cookies)
            location = answer.headers.get("Location")
            if not answer.is_redirect or location is None:
                return read_page(answer.url, answer.text, answer.status_code)
            target = urljoin(answer.url, location)
            self.passed.append(target)
            if until and target.startswith(until):
                return Page(target)
            answer = self._session.get(target, allow_redirects=False, timeout=TIMEOUT_SECONDS)


def _lines(file: Path) -> int:
    return file.read_bytes().count(b"\n")


def lift_secure(cookies: CookieJar) -> None:
    """Keycloak's cookies are Secure even over http; browsers send them to loopback, a plain jar keeps them back."""
    for cookie in cookies:
        cookie.secure = False
