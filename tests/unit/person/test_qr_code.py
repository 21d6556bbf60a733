"""QR codes in text: what a camera reads from the characters that were printed, on a dark and on a light terminal."""

from __future__ import annotations

import pytest

from docker_credential_harbor.person import qr_code
from tests.lab.camera import read

SHORT = "https://harbor.example.com/c/oidc/login"
LONG = "https://sso.harbor.company.example.com/realms/development/device?user_code=ABCD-EFGH"


@pytest.mark.parametrize("light_terminal", [False, True])
@pytest.mark.parametrize("text", [SHORT, LONG, "https://harbor.example.com/ü?a=1&b=%20"])
def test_it_can_be_read(text: str, light_terminal: bool) -> None:
    lines = qr_code.lines(text, 80, "utf-8")
    assert read(lines, light_terminal=light_terminal) == text


@pytest.mark.parametrize("light_terminal", [False, True])
def test_with_a_prefix_on_each_line(light_terminal: bool) -> None:
    lines = [f"docker-credential-harbor: {line}" for line in qr_code.lines(LONG, 54, "utf-8")]
    assert lines
    assert read(lines, light_terminal=light_terminal) == LONG


def test_as_most_scanners_expect_it_on_a_dark_terminal() -> None:
    """Dark on light, without a decoder's readiness to take it the other way round."""
    assert read(qr_code.lines(SHORT, 80, "utf-8"), try_invert=False) == SHORT


def test_only_printable_characters_and_none_that_is_stripped() -> None:
    lines = qr_code.lines(SHORT, 80, "utf-8")
    assert {len(line) for line in lines} == {len(lines[0])}
    assert all(line.isprintable() and line == line.strip() for line in lines)


def test_a_terminal_that_is_too_narrow() -> None:
    width = len(qr_code.lines(SHORT, 80, "utf-8")[0])
    assert qr_code.lines(SHORT, width, "utf-8")
    assert qr_code.lines(SHORT, width - 1, "utf-8") == []
    assert qr_code.lines("https://harbor.example.com/" + "x" * 5000, 1000, "utf-8") == []


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "no-such-encoding"])
def test_a_terminal_that_cannot_show_it(encoding: str) -> None:
    assert qr_code.lines(SHORT, 80, encoding) == []


def test_the_old_code_pages_can() -> None:
    assert qr_code.lines(SHORT, 80, "cp437")


def test_the_camera_reads_nothing_from_nothing() -> None:
    with pytest.raises(AssertionError):
        read(["no code", "here"])
