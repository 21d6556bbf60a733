"""Several that wait for one window on one standard error: one of them tells it, from beginning to end."""

from __future__ import annotations

import pytest

from docker_credential_harbor.sign_in.announce import Announcement
from docker_credential_harbor.sign_in.window_note import Link, Note
from docker_credential_harbor.system import console

LINK = Link("https://sso.example.com/device", "sign you in")
NOTE = Note("run", "harbor.example.com", "SIGN_IN", 2, links=(LINK,))
ENDED = NOTE._replace(links=(), ended=True, lines=("bob is signed in now",))


class Speaker:
    """Whether this process is the one that speaks."""

    speaks = True


@pytest.fixture
def speaker(monkeypatch: pytest.MonkeyPatch) -> Speaker:
    speaker = Speaker()
    monkeypatch.setattr(console, "speaks_for_all", lambda: speaker.speaks)
    return speaker


def test_whoever_speaks_tells_all(capsys: pytest.CaptureFixture[str], speaker: Speaker) -> None:
    announcement = Announcement()
    announcement.show(NOTE)
    announcement.show(ENDED)
    told = capsys.readouterr().err
    assert told.count(LINK.url) == told.count("bob is signed in now") == 1
    assert speaker.speaks


def test_who_was_silent_does_not_tell_the_end_again_once_the_speaker_has_gone(
    capsys: pytest.CaptureFixture[str], speaker: Speaker
) -> None:
    announcement = Announcement()
    speaker.speaks = False
    announcement.show(NOTE)
    announcement.count_down(60)
    speaker.speaks = True
    announcement.show(ENDED)
    assert capsys.readouterr().err == ""


def test_who_takes_the_place_of_a_speaker_that_was_killed_tells_all(
    capsys: pytest.CaptureFixture[str], speaker: Speaker
) -> None:
    announcement = Announcement()
    speaker.speaks = False
    announcement.show(NOTE)
    speaker.speaks = True
    announcement.count_down(60)
    announcement.show(ENDED)
    told = capsys.readouterr().err
    assert told.count(LINK.url) == told.count("bob is signed in now") == 1


def test_a_command_tells_in_any_case(capsys: pytest.CaptureFixture[str], speaker: Speaker) -> None:
    speaker.speaks = False
    Announcement(alone=True).show(NOTE)
    assert LINK.url in capsys.readouterr().err
