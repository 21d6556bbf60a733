"""The page of all messages is what the classes and the words make, and no message can be without either."""

from __future__ import annotations

import re

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.use_cases import doctor_checks
from docs.make import troubleshooting


def test_the_page_is_what_the_generator_makes() -> None:
    assert troubleshooting.PAGE.read_text(encoding="utf-8") == troubleshooting.page(), "run: make troubleshooting"


def test_each_code_is_a_heading_of_its_own() -> None:
    headings = re.findall(r"^### (.+)$", troubleshooting.page(), re.M)
    assert sorted(headings) == sorted(troubleshooting.causes())
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in headings)


def test_every_cause_has_words_and_every_check() -> None:
    found, checks = troubleshooting.chapters()
    assert all(len(cause.meaning) > 20 for of_chapter in found.values() for cause in of_chapter)
    assert list(checks) == list(doctor_checks.CHECKS)
    assert all(checks.values())


@pytest.mark.parametrize(
    ("code", "said"), [("newcomer", "newcomer"), ("busy", "Newcomer has no code of its own: 'busy'")]
)
def test_a_cause_without_words_or_code_of_its_own(monkeypatch: pytest.MonkeyPatch, code: str, said: str) -> None:
    monkeypatch.setattr(errors, "Newcomer", type("Newcomer", (errors.Failure,), {"code": code}), raising=False)
    with pytest.raises(ValueError, match=said):
        troubleshooting.page()


def test_what_goes_to_standard_output_is_shown_without_a_code() -> None:
    assert f"### no-server-url\n\n> `{errors.NO_SERVER_URL}`\n" in troubleshooting.page()


def test_why_docker_did_not_ask_begins_with_sudo() -> None:
    """There the helper cannot say a word, so the page has to."""
    reasons = troubleshooting.reasons_not_asked()
    assert reasons[0].startswith("**`sudo docker`**")
    assert all(f"\n- {reason}\n" in troubleshooting.page() for reason in reasons)
    assert all(reason.startswith("**") and "\n" not in reason for reason in reasons)
