"""The documentation as a site: every link and anchor checked, and nothing loaded from elsewhere."""

from __future__ import annotations

import functools
import http.server
import re
import shutil
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import sync_playwright

from tests.conftest import need
from tests.lab.chromium_person import SWITCHES, chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[2]
SITE = REPOSITORY / "build" / "site"
MKDOCS = [f"{REPOSITORY}/build/docs-venv/bin/python", "-m", "mkdocs", "build", "--strict"]
PAGES = sorted(path.stem for path in (REPOSITORY / "docs").glob("*.md"))
LINK = re.compile(r"!?\[[^\]]*\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
FIRST_BUILD_SECONDS = 300


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of the site that `make docs` builds."""
    made = subprocess.run(["make", "docs"], cwd=REPOSITORY, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    handler = functools.partial(_Quiet, directory=str(SITE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Of no use here."""


@pytest.mark.timeout(FIRST_BUILD_SECONDS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_whole_in_itself(site: str, scheme: str) -> None:
    need("chromium", "apt-get install chromium", chromium())
    asked: set[str] = set()
    broken: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=SWITCHES)
        window = browser.new_page(color_scheme=scheme)  # type: ignore[arg-type]
        window.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
        window.on("response", lambda answer: broken.append(answer.url) if answer.status >= 400 else None)
        window.on("pageerror", lambda error: broken.append(str(error)))
        for page in PAGES:
            window.goto(f"{site}/{page}.html", wait_until="networkidle")
            assert window.locator("h1").count() == 1, page
            assert window.locator("html").get_attribute("lang") == "en"
            assert not window.locator("img:not([alt])").count(), page
        browser.close()
    assert asked - {""} == {urlsplit(site).netloc}, "'' are data: addresses"
    assert not broken


@pytest.mark.timeout(FIRST_BUILD_SECONDS)
@pytest.mark.parametrize("link", ["nowhere.md", "index.md#nowhere", "../README.md"])
def test_a_link_that_leads_nowhere_stops_the_build(site: str, tmp_path: Path, link: str) -> None:
    assert site
    shutil.copytree(REPOSITORY / "docs", tmp_path / "docs")
    shutil.copyfile(REPOSITORY / "mkdocs.yml", tmp_path / "mkdocs.yml")
    built = subprocess.run([*MKDOCS, "--site-dir", "site"], cwd=tmp_path, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    with (tmp_path / "docs" / "security.md").open("a") as page:
        page.write(f"\n[there]({link})\n")
    built = subprocess.run([*MKDOCS, "--site-dir", "site"], cwd=tmp_path, capture_output=True, text=True)
    assert built.returncode != 0
    assert f"'{link}'" in built.stderr


def test_the_links_of_the_readme_lead_somewhere() -> None:
    found = LINK.findall((REPOSITORY / "README.md").read_text(encoding="utf-8"))
    ours = [(path, anchor) for path, anchor in found if not urlsplit(path).scheme]
    assert len(ours) > 5
    for path, anchor in ours:
        target = REPOSITORY / (path or "README.md")
        assert target.exists(), path
        assert not anchor or anchor in headings(target), (path, anchor)


def headings(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
