"""The loopback server's pages: whole in themselves, escaped, for everybody."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from docker_credential_harbor.sign_in.loopback import pages

EVIL = "<script>alert('x')</script>\"&"
PAGES = [
    pages.declined("harbor.example.com", "access_denied"),
    pages.failed("harbor.example.com", "the clock is wrong", "set it"),
    pages.refused("it is not a GET"),
    pages.link_used(ended=True),
    pages.link_used(ended=False),
    pages.declined(EVIL, EVIL),
    pages.failed(EVIL, EVIL, EVIL),
    pages.refused(EVIL),
]


@pytest.mark.parametrize("page", PAGES)
def test_whole_and_escaped(page: str) -> None:
    assert page.startswith("<!doctype html>\n")
    assert "<script" not in page
    # Nothing is fetched, sent or run: the policy would forbid it, too.
    assert not re.search(r"\s(src|href|action|on\w+|style)\s*=|url\(|@import|https?:", page)


@pytest.mark.parametrize("page", PAGES)
def test_accessible(page: str) -> None:
    assert '<html lang="en">' in page
    assert 'name="viewport"' in page
    assert page.count("<h1>") == page.count("<main>") == page.count("<title>") == 1
    assert "color-scheme: light dark" in page
    assert "prefers-color-scheme: dark" in page


def relative_luminance(color: str) -> float:
    """WCAG 2.2, relative luminance."""
    shares = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_contrast_in_both_schemes() -> None:
    found = re.findall(r"background: (#\w{6}); color: (#\w{6})", pages.STYLE)
    assert len(found) == 2
    for pair in found:
        low, high = sorted(map(relative_luminance, pair))
        assert (high + 0.05) / (low + 0.05) >= 7  # WCAG 2.2 1.4.6


def test_the_policy_lets_in_this_style_and_nothing_else() -> None:
    policy = pages.HEADERS["Content-Security-Policy"]
    style = re.search(r"<style>(.*?)</style>", PAGES[0], re.S)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_what_happened_stands_there() -> None:
    assert "access_denied" in PAGES[0]
    assert "The clock is wrong." in PAGES[1]
    assert "Set it." in PAGES[1]
    assert "docker-credential-harbor login harbor.example.com" in PAGES[0]
