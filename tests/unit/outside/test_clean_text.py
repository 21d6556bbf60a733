"""What comes from outside is fit to be shown, and one word in a command."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from mypy import api as mypy

from docker_credential_harbor import errors
from docker_credential_harbor.outside.clean_text import LONGEST, Said, in_shell, in_toml, is_plain, shown
from docker_credential_harbor.sign_in.loopback import pages
from docs.make import troubleshooting
from tests.lab import hostile

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from pathlib import Path

SHOWN = [
    ("harbor-client", "harbor-client"),
    ("Zoë Müller-王", "Zoë Müller-王"),
    ("a\x1b[31mb", "a\\x1b[31mb"),
    ("a\u202eb\u2066\u200f\u061c", "a\\u202eb\\u2066\\u200f\\u061c"),
    ("a\r\n\tb\u2028c\u00a0d", "a   b c d"),
    ("\x9b\x7f\x00", "\\x9b\\x7f\\x00"),
    ("\u200b\u2060\ufeff\u3164\ufe0f", "\\u200b\\u2060\\ufeff\\u3164\\ufe0f"),
    ("\U000e0041\U000e0101", "\\U000e0041\\U000e0101"),
    ("\ud800\ue000\u0378", "\\ud800\\ue000\\u0378"),
]
WORDS = ["a b", "$(touch pwned)", "`touch pwned`", "';touch pwned;'", '";touch pwned;"', "\\", "!x", "*", "~", "-n"]


@pytest.mark.parametrize(("value", "expected"), SHOWN)
def test_what_is_shown(value: str, expected: str) -> None:
    assert shown(value) == expected
    assert is_plain(value) is (value == expected)


def test_how_much_is_shown() -> None:
    assert shown("A" * LONGEST) == "A" * LONGEST
    assert shown("A" * (LONGEST + 1)) == "A" * (LONGEST - 1) + "…"
    assert len(shown("\u202e" * 10_000)) == LONGEST
    hostile.check(shown(hostile.HALF))


def test_every_character_there_is() -> None:
    hostile.check(shown("".join(map(chr, range(sys.maxunicode + 1))), sys.maxsize))


@pytest.mark.parametrize("text", ["", " a", "a ", "a\n", "a" * 256])
def test_no_name(text: str) -> None:
    assert not is_plain(text, 255)


def test_what_is_said_comes_out_by_what_it_is_for() -> None:
    said = Said({"evil": hostile.EVIL, "good": "a", "empty": "", "number": 1, "object": {"good": "b"}, "list": ["a"]})
    assert (said.plain("good"), said.plain("evil"), said.plain("empty"), said.plain("number")) == (
        "a",
        None,
        None,
        None,
    )
    assert (said.unseen("evil"), said.unseen("empty"), said.unseen("number")) == (hostile.EVIL, None, None)
    hostile.check(said.shown("evil"))
    assert (said.shown("good"), said.shown("number"), said.shown("none")) == ("a", "", "")
    assert (said.value("number"), said.value("none"), said.value("list")) == (1, None, ["a"])
    inner = said.object("object")
    assert inner
    assert inner.plain("good") == "b"
    assert said.object("good") is said.object("none") is None


def test_the_type_checker_finds_what_is_taken_as_it_is(tmp_path: Path) -> None:
    taken = (
        'said["harbor_version"]',
        'said.value("harbor_version")',
        'said.plain("harbor_version")',
        'said.get("harbor_version")',
        "said",
    )
    lines = [f"SystemInfo('', {expression}, None)" for expression in taken]
    script = tmp_path / "taken.py"
    imports = [
        "from docker_credential_harbor.model import SystemInfo",
        "from docker_credential_harbor.remote.web.answer import Answer",
        "def of(answer: Answer) -> None:",
        "    said = answer.json_object()",
        "    SystemInfo('', said.shown('harbor_version'), None)",
    ]
    script.write_text("\n".join([*imports, *(f"    {line}" for line in lines)]))
    output, errors_, _ = mypy.run(["--strict", f"--cache-dir={tmp_path / 'cache'}", str(script)])
    found = {int(match[1]) for match in re.finditer(r"taken\.py:(\d+): error", output)}
    assert found == set(range(len(imports) + 1, len(imports) + 1 + len(lines))), output + errors_


@pytest.mark.parametrize("word", [*WORDS, "a\nb", "\u202e"])
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_one_word_for_a_shell(word: str, shell: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [shell, "-c", f"printf %s\\\\0 {in_shell(word)}"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout == f"{word}\0"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("word", [*WORDS, '"', "ä\n"])
def test_text_in_toml(word: str) -> None:
    assert tomllib.loads(f"a = {in_toml(word)}") == {"a": word}


@pytest.mark.parametrize("cause", troubleshooting.causes().values(), ids=lambda cause: str(cause.code))
def test_facts_are_quoted_where_they_stand_in_a_command_or_a_table(cause: type[errors.Failure]) -> None:
    for text in (cause.what, cause.advice):
        assert not re.search(r"(?:docker-credential-harbor|docker) [a-z]+(?: --[a-z-]+)* \{\w+\}", text), text
        assert not re.search(r"registries\.\"?\{\w+\}", text), text


def test_a_failure_has_clean_facts_and_quoted_ones() -> None:
    failure = errors.SignInFailed(registry="h;touch pwned", reason=hostile.EVIL_LINE)
    hostile.check(str(failure))
    assert failure.fix == "run: docker-credential-harbor login 'h;touch pwned'"
    assert errors.ProviderNotFound(registry='h"x').fix == 'set issuer in [registries."h\\"x"]'


def test_pages() -> None:
    for page in (
        pages.declined("h;<b>", f"<script>{hostile.EVIL_LINE}"),
        pages.failed("h", hostile.EVIL, hostile.EVIL),
        pages.refused(hostile.EVIL),
    ):
        hostile.check(page)
        assert "<script" not in page
        assert "<b>" not in page
    assert "login &#x27;h;&lt;b&gt;&#x27;" in pages.declined("h;<b>", "")
