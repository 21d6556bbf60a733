"""The pages of the loopback server, as a real Chromium shows them in a real sign-in at a real Keycloak.

Pictures are taken on the way, light and dark, into a temporary folder; `make pictures` keeps them in docs/pictures.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.lab.realm import HELPER_CLIENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page as Window

    from tests.lab.chromium_person import ChromiumPerson
    from tests.lab.workplace import Workplace

KEEP = "DOCS_PICTURES"  # the folder in which pictures are kept
PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
NAME = "harbor.example.com"  # as the docs call it; where it is stands in the configuration
SCHEMES = ("light", "dark")
WIDTH, HEIGHT, NARROW = 760, 480, 320
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3

# Each text with its own colour and that of the nearest background behind it.
COLOURS = """() => [...document.querySelectorAll('h1, p, strong, code, footer')].map(element => {
  const background = e => { const own = getComputedStyle(e).backgroundColor;
    return own !== 'rgba(0, 0, 0, 0)' || !e.parentElement ? own : background(e.parentElement) };
  return [element.textContent, getComputedStyle(element).color, background(element)] })"""


@pytest.fixture
def place(make_workplace: Callable[..., Workplace], chromium_person: ChromiumPerson) -> Workplace:
    workplace = make_workplace(somebody=chromium_person)
    table = f'[registries."{NAME}"]\nurl = "{workplace.harbor.url}"\n'
    workplace.helper.configure(f'storage = "file"\nlogin_timeout = 60\n{table}')
    return workplace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the pictures go."""
    kept = os.environ.get(KEEP)
    return Path(kept) if kept else tmp_path


def test_declined(place: Workplace, folder: Path) -> None:
    place.realm.update_client(HELPER_CLIENT, consentRequired=True)
    place.person.deny = True
    text = ended(place, "sign-in-declined", folder / "declined")
    assert "You are not signed in" in text
    assert "access_denied" in text
    assert f"docker-credential-harbor login {NAME}" in text
    assert "close this tab" in text


def test_failed(place: Workplace, folder: Path) -> None:
    place.realm.update_client(HELPER_CLIENT, publicClient=False, secret="not ours")
    text = ended(place, "client-refused", folder / "failed")
    assert "The sign-in could not be finished" in text
    assert "does not accept the client" in text
    assert "What to do: Ask its administrator to add it." in text
    assert "close this tab" in text


def test_refused(place: Workplace, folder: Path) -> None:
    place.person.decline = True
    with get(place):
        place.person.wait_for_windows()
        [asked] = place.person.authorization_requests()
        place.person.open(f"{asked['redirect_uri']}?code=x&state=of-another-sign-in")
        text = examine(place, folder / "refused")
        place.helper.run("erase", NAME)
    assert "Nothing to see here" in text
    assert "belongs to no sign-in that is under way" in text
    assert "close this tab" in text


@pytest.mark.parametrize("page", ["declined", "failed", "refused"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_committed_pictures_are_there(page: str, scheme: str) -> None:
    picture = (PICTURES / f"{page}-{scheme}.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n")
    assert size(picture) == (WIDTH, HEIGHT)


def ended(place: Workplace, code: str, picture: Path) -> str:
    """The page after a `get` that ended so; its text."""
    with get(place) as answer:
        place.person.wait_for_windows()
    assert f"[{code}]" in answer()
    return examine(place, picture)


@contextmanager
def get(place: Workplace) -> Iterator[Callable[[], str]]:
    """A `get` under way; afterwards what it said on standard error."""
    said: list[str] = []
    asking = threading.Thread(target=lambda: said.append(place.get(NAME).stderr))
    asking.start()
    try:
        yield lambda: said[0]
    finally:
        asking.join(100)
    assert said


def examine(place: Workplace, picture: Path) -> str:
    """What holds for every page of ours, at the window opened last; its text. Takes its pictures."""
    found: list[str] = []
    person: Any = place.person
    person.at_window(lambda window: found.append(_examine(window, picture)))
    return found[0]


def _examine(window: Window, picture: Path) -> str:
    assert urlsplit(window.url).hostname == "127.0.0.1"
    assert not urlsplit(window.url).query, "code and state stay in the history"
    assert window.title().endswith(" - docker-credential-harbor")
    assert window.locator("html").get_attribute("lang") == "en"
    assert window.locator("h1").count() == window.locator("main").count() == 1
    assert window.title().startswith(window.inner_text("h1"))
    assert window.evaluate("performance.getEntriesByType('resource').length") == 0, "nothing is loaded"
    assert window.evaluate("document.scripts.length") == 0
    spoken = window.locator("body").aria_snapshot()
    assert spoken.startswith("- main:\n  - heading "), spoken
    assert "img" not in spoken, "the mark says nothing that the heading does not"
    assert window.evaluate("document.querySelectorAll('a, button, input, [tabindex]').length") == 0
    for scheme in SCHEMES:
        window.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for text, colour, background in window.evaluate(COLOURS):
            assert contrast(colour, background) >= LEAST_CONTRAST, (scheme, text)
        window.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        assert fits(window)
        window.screenshot(path=f"{picture}-{scheme}.png")
        assert size(Path(f"{picture}-{scheme}.png").read_bytes()) == (WIDTH, HEIGHT)
        window.set_viewport_size({"width": NARROW, "height": HEIGHT})
        assert fits(window)
    return window.inner_text("body")


def fits(window: Window) -> bool:
    """Nothing has to be scrolled sideways (WCAG 2.2, 1.4.10)."""
    return bool(window.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def size(png: bytes) -> tuple[int, int]:
    """Of the header (PNG 11.2.2)."""
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def contrast(colour: str, background: str) -> float:
    """Of two colours as CSS computes them, `rgb(1, 2, 3)` (WCAG 2.2, contrast ratio)."""
    low, high = sorted(map(luminance, (colour, background)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    assert colour.startswith("rgb("), colour
    shares = [int(value) / 255 for value in colour[4:-1].split(",")]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_contrast_is_that_of_the_guidelines() -> None:
    assert contrast("rgb(255, 255, 255)", "rgb(0, 0, 0)") == pytest.approx(21)
    assert contrast("rgb(119, 119, 119)", "rgb(255, 255, 255)") == pytest.approx(4.48, abs=0.01)
