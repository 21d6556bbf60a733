"""What reaches standard error: one prefix a line, no secret, no control character, and never a failure."""

from __future__ import annotations

import io
import sys

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.system import console, redaction


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_secrets", set())
    monkeypatch.delenv(console.TRACE_VARIABLE, raising=False)


def test_each_line_says_who_speaks(capsys: pytest.CaptureFixture[str]) -> None:
    console.warn("one\ntwo\n\nthree")
    console.hint("four")
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.splitlines() == [f"docker-credential-harbor: {word}" for word in ("one", "two", "three", "four")]


def test_a_failure_is_told_behind_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    console.tell(errors.NotStarted(program="x", reason="gone"))
    console.tell(errors.FoundOut("server-fault", "h answered with status 503"), "the pair could not be verified: ")
    assert capsys.readouterr().err.splitlines() == [
        "docker-credential-harbor: [not-started] x cannot be started (gone): check that it is installed and may be run",
        "docker-credential-harbor: [server-fault] the pair could not be verified: h answered with status 503",
    ]


def test_what_could_not_be_saved_is_told_and_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with console.only_telling():
        raise errors.NotStarted(program="x", reason="gone")
    with console.only_telling():
        raise ValueError("a-secret")
    told, unforeseen = capsys.readouterr().err.splitlines()
    assert told.startswith("docker-credential-harbor: [not-started] x cannot be started (gone)")
    assert errors.BrokeOff.code in unforeseen
    assert "a-secret" not in unforeseen


def test_control_characters_are_taken_out(capsys: pytest.CaptureFixture[str]) -> None:
    console.warn("a\x1b[31mb\x07c\rd\u202ee\x9b")
    written = capsys.readouterr().err
    assert all(c.isprintable() for c in written.replace("\n", ""))
    assert all(line.startswith(console.PREFIX) for line in written.splitlines())


def test_an_address_stays_whole(capsys: pytest.CaptureFixture[str]) -> None:
    url = "https://sso.example.com/auth?" + "x" * 3000
    console.hint(f"open: {url}")
    assert url in capsys.readouterr().err


def test_secrets_are_taken_out(capsys: pytest.CaptureFixture[str]) -> None:
    for secret in ("S3cret/+x", "S3cret/+x-longer", None, "", "ab"):
        redaction.keep_secret(secret)
    console.warn("S3cret/+x and S3cret/+x-longer and S3cret%2F%2Bx and ab")
    assert capsys.readouterr().err == f"{console.PREFIX}[secret] and [secret] and [secret] and ab\n"
    assert redaction.redact("S3cret/+x-longer") == "[secret]"


@pytest.mark.parametrize(("value", "on"), [(None, False), ("", False), ("0", False), ("1", True), ("yes", True)])
def test_the_trace_only_where_it_is_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, value: str | None, on: bool
) -> None:
    if value is not None:
        monkeypatch.setenv(console.TRACE_VARIABLE, value)
    redaction.keep_secret("S3cret")
    console.trace("asked S3cret")
    try:
        raise ValueError("S3cret\nin two lines")
    except ValueError as error:
        console.trace_exception(error)
    written = capsys.readouterr().err
    assert bool(written) is on
    assert "S3cret" not in written
    assert all(line.startswith("docker-credential-harbor: trace: ") for line in written.splitlines())
    if on:
        assert "ValueError" in written


class TestTold:
    def test_a_failure_is_told_as_it_is(self) -> None:
        failure = errors.NoAnswer(host="h", reason="r")
        assert console.told(failure) is failure

    @pytest.mark.parametrize(
        ("fault", "reason"),
        [(ValueError("S3cret"), "ValueError"), (OSError(28, "No space left"), "OSError: No space left")],
    )
    def test_what_nobody_foresaw_counts_as_unreachable_and_keeps_its_words(self, fault: Exception, reason: str) -> None:
        failure = console.told(fault)
        assert isinstance(failure, errors.Unreachable)
        assert failure.message == f"finding out broke off ({reason})"


class Broken(io.StringIO):
    def write(self, _: str) -> int:
        raise BrokenPipeError


class Worse(io.StringIO):
    def write(self, _: str) -> int:
        raise RuntimeError


def test_it_never_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    for stream in (None, closed, Broken(), Worse(), io.TextIOWrapper(io.BytesIO(), encoding="ascii")):
        monkeypatch.setattr(sys, "stderr", stream)
        console.warn("ü")
