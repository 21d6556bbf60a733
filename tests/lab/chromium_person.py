"""A person at a real Chromium, driven through Playwright (its Python API, synchronous: bound to one thread)."""

import contextlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event

from playwright.sync_api import BrowserContext, Error, Request, sync_playwright
from playwright.sync_api import Page as Window

from tests.lab.page import Page, read_page
from tests.lab.person import MOST_STEPS, TIMEOUT_SECONDS, WRONG, Person
from tests.lab.processes import PartError

SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# What a person would act on, and where a window is at rest.
LOGIN, GRANT, DENY, ONBOARD = "#kc-form-login #password", "[name=accept]", "[name=cancel]", "form#oidc-onboard #onboard"


def chromium() -> str | None:
    """The browser's program; None when there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class ChromiumPerson(Person):
    """A headless Chromium with a profile of its own, one tab a window."""

    def __init__(self, username: str = "alice", *, onboard_as: str | None = None, decline: bool = False) -> None:
        self._started = Event()
        self._fault: BaseException | None = None
        self._errands: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._context: BrowserContext | None = None
        super().__init__(username, onboard_as=onboard_as, decline=decline)
        self._started.wait(TIMEOUT_SECONDS)
        if self._fault is not None or not self._started.is_set():
            self.close()
            raise PartError(f"chromium did not start: {self._fault}") from self._fault

    def forget_cookies(self) -> None:
        """Forgets the provider's session and Harbor's."""
        self.wait_for_rest()
        self._in_thread(lambda context: context.clear_cookies())

    def at_window(self, look: Callable[[Window], object]) -> None:
        """Calls that with the window opened last, in the browser's own thread; raises what it raised."""
        self._in_thread(lambda context: look(context.pages[-1]))

    def screenshot(self, path: Path) -> None:
        """A picture of the window opened last."""
        self._in_thread(lambda context: context.pages[-1].screenshot(path=path))

    def _in_thread(self, errand: Callable[[BrowserContext], object]) -> None:
        done = Event()
        faults: list[BaseException] = []

        def run() -> None:
            try:
                if self._context is not None:
                    errand(self._context)
            except (Error, AssertionError) as error:
                faults.append(error)
            finally:
                done.set()

        self._errands.put(run)
        if not done.wait(TIMEOUT_SECONDS):
            raise PartError("chromium: it did not answer")
        if faults:
            raise PartError(f"chromium: {faults}") from faults[0]

    def _live(self) -> None:
        try:
            folder = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
            with folder as profile, sync_playwright() as playwright:
                self._context = playwright.chromium.launch_persistent_context(
                    profile, executable_path=chromium(), headless=True, args=SWITCHES, ignore_https_errors=True
                )
                self._started.set()
                self._serve_spool()
                self._context.close()
        except (Error, OSError) as error:
            self._fault = error
            self._started.set()

    def _between(self) -> None:
        with contextlib.suppress(Empty):
            self._errands.get_nowait()()

    def _walk(self, url: str) -> Page:
        if self._context is None:
            return Page(url, status=0)
        window = self._context.new_page()
        window.on("request", self._note)
        try:
            answer = window.goto(url, timeout=TIMEOUT_SECONDS * 1000)
            status = answer.status if answer else 200
            for _ in range(MOST_STEPS):
                if self.decline or not self._act(window):
                    break
            return self._seen(window, status)
        except Error as error:
            return Page(window.url, text=str(error), status=0)

    def _note(self, request: Request) -> None:
        if request.is_navigation_request():
            self.passed.append(request.url)

    def _act(self, window: Window) -> bool:
        """Does what a person would do here; False when there is nothing (more) to do."""
        if window.locator(LOGIN).count():
            if WRONG in window.inner_text("body"):
                return False
            self.forms += 1
            if window.locator("#username").is_editable():
                window.fill("#username", self.username)
            window.fill("#password", self._password())
            self._click_through(window, "#kc-login")
        elif window.locator(GRANT).count():
            self._click_through(window, DENY if self.deny else GRANT)
        elif window.locator(ONBOARD).count():
            return self._onboard(window)
        else:
            return False
        return True

    def _onboard(self, window: Window) -> bool:
        if self.onboard_as is not None:
            window.fill("#username", self.onboard_as)
        before = window.url
        window.click("#onboard")
        window.wait_for_function(
            "before => location.href !== before || document.getElementById('error').textContent", arg=before
        )
        window.wait_for_load_state()
        return window.url != before

    def _click_through(self, window: Window, button: str) -> None:
        with window.expect_navigation(timeout=TIMEOUT_SECONDS * 1000):
            window.click(button)

    def _seen(self, window: Window, status: int) -> Page:
        page = read_page(window.url, window.content(), status)
        page.title, page.text = window.title(), window.inner_text("body")
        return page
