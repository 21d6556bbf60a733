"""Docker's `config.json` in odd shapes: judged as the real docker judges it, and after `setup` docker asks this helper.

Docker shows whom it asks by whom it runs: at `docker logout`, which needs no engine.
"""

from __future__ import annotations

import codecs
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pytest

from docker_credential_harbor.config.clients import cred_helpers, creds_store, docker_reads
from docker_credential_harbor.errors import AnotherCredsStore, ClientConfigInvalid
from tests.conftest import need

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.sealed_home import Helper

SERVER = "h"
OURS = '"credHelpers": {"h": "harbor"}'
PAIR = '{"auth": "bWU6c2VjcmV0"}'  # me:secret

CASES: dict[str, str | bytes] = {
    "plain": f"{{{OURS}}}",
    "other registry": '{"credHelpers": {"H": "harbor", "h:443": "harbor"}}',
    "store": '{"credsStore": "harbor"}',
    "helper before store": '{"credsStore": "other", "credHelpers": {"h": "harbor"}}',
    "no helper before store": '{"credsStore": "other", "credHelpers": {"h": ""}}',
    "null helper before store": '{"credsStore": "other", "credHelpers": {"h": null}}',
    "helper that is a number": '{"credsStore": "other", "credHelpers": {"h": 5}}',
    "helper that is a list": '{"credsStore": "other", "credHelpers": {"h": ["harbor"]}}',
    "helper twice": '{"credHelpers": {"h": "harbor", "h": "other"}}',
    "helpers twice": f'{{{OURS}, "credHelpers": {{"i": "other"}}}}',
    "helpers twice, then null": f'{{{OURS}, "credHelpers": null}}',
    "helpers twice, then a list": f'{{{OURS}, "credHelpers": []}}',
    "helpers that are a list": '{"credHelpers": ["h"], "credsStore": "other"}',
    "helpers null": '{"credHelpers": null, "auths": null, "credsStore": null}',
    "store twice": '{"credsStore": "harbor", "credsStore": "other"}',
    "store twice, then null": '{"credsStore": "harbor", "credsStore": null}',
    "store twice, then a number": '{"credsStore": "harbor", "credsStore": 1}',
    "store that is a number": f'{{"credsStore": 1, {OURS}}}',
    "capitals": '{"CREDHELPERS": {"h": "harbor"}}',
    "CredHelpers": '{"CredHelpers": {"h": "harbor"}}',
    "long s": '{"cred\\u017fStore": "harbor"}',
    "long s, itself": '{"credHelper\u017f": {"h": "harbor"}}',
    "Kelvin is no c": '{"\u212aredsStore": "harbor"}',
    "sharp s is not two": '{"cred\xdftore": "harbor"}',
    "both cases": '{"CredsStore": "harbor", "credsStore": "other"}',
    "both cases, other order": '{"credsStore": "other", "CredsStore": "harbor"}',
    "both cases of helpers": '{"CredHelpers": {"h": "harbor"}, "credHelpers": {"i": "other"}}',
    "an escaped name": '{"cred\\u0073Store": "harbor"}',
    "byte-order mark": codecs.BOM_UTF8 + f"{{{OURS}}}".encode(),
    "byte-order mark alone": codecs.BOM_UTF8,
    "UTF-16": f"{{{OURS}}}".encode("utf-16"),
    "UTF-16, big end first": codecs.BOM_UTF16_BE + f"{{{OURS}}}".encode("utf-16-be"),
    "UTF-16 without a mark": f"{{{OURS}}}".encode("utf-16-le"),
    "UTF-32": f"{{{OURS}}}".encode("utf-32"),
    "half of UTF-16": f"{{{OURS}}}".encode("utf-16")[:-1],
    "Latin-1 in a text": f'{{{OURS}, "psFormat": "\xe9"}}'.encode("latin-1"),
    "Latin-1 in a name": f'{{{OURS}, "\xe9": ""}}'.encode("latin-1"),
    "Latin-1 outside": f"{{{OURS}}} \xe9".encode("latin-1"),
    "half a character": f'{{{OURS}, "psFormat": "\\ud800"}}',
    "NUL in front": b"\0" + f"{{{OURS}}}".encode(),
    "NUL behind": f"{{{OURS}}}\0".encode(),
    "NaN": f'{{{OURS}, "x": NaN}}',
    "minus Infinity": f'{{{OURS}, "x": -Infinity}}',
    "a huge number": f'{{{OURS}, "x": 1e999, "y": {"9" * 5000}}}',
    "a number with a nought": f'{{{OURS}, "x": 01}}',
    "a comma too many": f"{{{OURS},}}",
    "a comment": f"{{{OURS}}} // mine",
    "a comment inside": f"{{ // mine\n{OURS}}}",
    "single quotes": "{'credsStore': 'harbor'}",
    "a line break in a text": f'{{{OURS}, "psFormat": "a\nb"}}',
    "a tab in a text": f'{{{OURS}, "psFormat": "a\tb"}}',
    "DEL in a text": f'{{{OURS}, "psFormat": "a\x7fb"}}',
    "an escape that is none": f'{{{OURS}, "psFormat": "\\q"}}',
    "text behind": f"{{{OURS}}} and more",
    "another object behind": f'{{{OURS}}}{{"credsStore": "other"}}',
    "a brace too many": f"{{{OURS}}}}}",
    "cut short": f"{{{OURS}",
    "nothing": "",
    "white space": " \t\r\n",
    "white space in front": f"\r\n\t {{{OURS}}}",
    "a space that JSON does not know": f"\xa0{{{OURS}}}",
    "form feed": f"\f{{{OURS}}}",
    "empty object": "{}",
    "null": "null",
    "a list": "[]",
    "a text": '"credsStore"',
    "a number": "7",
    "a wrong type elsewhere": f'{{"psFormat": 5, "HttpHeaders": [], {OURS}}}',
    "unknown members": f'{{"mine": {{"a": [1, 2.50, null, true]}}, {OURS}}}',
    "auths that are a list": f'{{"auths": [], {OURS}}}',
    "a pair": f'{{"auths": {{"h": {PAIR}}}}}',
    "a pair beside": f'{{"auths": {{"h": {PAIR}}}, {OURS}}}',
    "AUTHS": f'{{"AUTHS": {{"h": {PAIR}}}, {OURS}}}',
    "an auth that is not base64": f'{{"auths": {{"i": {{"auth": "!"}}}}, {OURS}}}',
    "an auth without padding": f'{{"auths": {{"i": {{"auth": "YTpiYw"}}}}, {OURS}}}',
    "an auth for URLs": f'{{"auths": {{"i": {{"auth": "YTr_-_8="}}}}, {OURS}}}',
    "an auth with padding too much": f'{{"auths": {{"i": {{"auth": "YTpi="}}}}, {OURS}}}',
    "an auth in two lines": f'{{"auths": {{"i": {{"auth": "YTpi\\r\\nYw=="}}}}, {OURS}}}',
    "an auth with a space": f'{{"auths": {{"i": {{"auth": "YTpi Yw=="}}}}, {OURS}}}',
    "an auth without a colon": f'{{"auths": {{"i": {{"auth": "YWJj"}}}}, {OURS}}}',
    "an auth without a name": f'{{"auths": {{"i": {{"auth": "OmJj"}}}}, {OURS}}}',
    "an auth that is no text": f'{{"auths": {{"i": {{"auth": "//86Yg=="}}}}, {OURS}}}',
    "an Auth": f'{{"auths": {{"i": {{"Auth": "!"}}}}, {OURS}}}',
    "an auth that is a number": f'{{"auths": {{"i": {{"auth": 5}}, "j": 7, "k": null}}, {OURS}}}',
    "nested": f'{{"x": {"[" * 200}{"]" * 200}, {OURS}}}',
}


class Seen(NamedTuple):
    """Whom docker asked for the server ("": nobody), and of what it warned."""

    helper: str
    warning: str


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for Docker's file, and two helpers that note what they are asked."""
    need("docker", "apt-get install docker.io", shutil.which("docker"))
    for name in ("harbor", "other"):
        program = tmp_path / f"docker-credential-{name}"
        program.write_text(f'#!/bin/sh\nread -r server; echo "{name} $server" >> "{tmp_path}/asked"\n')
        program.chmod(0o755)
    return tmp_path


def as_docker_sees(file: Path) -> Seen:
    """`docker logout` changes the file: it works on another one."""
    folder = file.parent
    (folder / "asked").write_text("")
    copy = folder / "copy" / "config.json"
    copy.parent.mkdir(exist_ok=True)
    copy.write_bytes(file.read_bytes())
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "DOCKER_CONFIG": str(copy.parent), "HOME": str(folder)}
    done = subprocess.run(
        ["docker", "logout", SERVER], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    asked = [line.split() for line in (folder / "asked").read_text().splitlines()]
    warnings = [line for line in done.stderr.splitlines() if "config file" in line]
    return Seen(next((helper for helper, server in asked if server == SERVER), ""), "".join(warnings))


def write(folder: Path, case: str) -> Path:
    content = CASES[case]
    file = folder / "config.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


@pytest.mark.parametrize("case", CASES)
def test_it_is_judged_as_docker_judges_it(folder: Path, case: str) -> None:
    file = write(folder, case)
    seen = as_docker_sees(file)
    try:
        found = docker_reads.read(file)
    except ClientConfigInvalid:
        assert seen.helper == ""
        assert seen.warning
    else:
        assert found.helper_for(SERVER) == seen.helper
        if found.unusable_auths():
            assert seen.warning
        elif seen.warning:  # the type of a value is wrong, and docker goes on with the rest
            assert "cannot unmarshal" in seen.warning


@pytest.mark.parametrize("case", CASES)
def test_after_setup_docker_asks_this_helper_or_the_fault_was_told(folder: Path, case: str) -> None:
    file = write(folder, case)
    before, warned = file.read_bytes(), as_docker_sees(file).warning
    try:
        change = cred_helpers.entered(file, SERVER)
    except ClientConfigInvalid as fault:
        assert file.name in str(fault)  # noqa: PT017 - or else what follows holds
        return
    change.carry_out()
    seen = as_docker_sees(file)
    assert seen.helper == "harbor"
    assert not seen.warning or seen.warning == warned, "of what is none of our business"
    names = [name for name, _ in docker_reads.value_of(docker_reads.text_of(file.read_bytes(), file)[0], file)[0]]
    assert len({name.lower() for name in names}) == len(names), "one key, whatever its case"
    if not change.is_none and not docker_reads.text_of(before, file)[1]:
        cred_helpers.taken_out(file, SERVER).carry_out()
        assert as_docker_sees(file).helper != "harbor" or docker_reads.read(file).store == "harbor"


@pytest.mark.parametrize("case", CASES)
def test_as_the_store_for_everything(folder: Path, case: str) -> None:
    file = write(folder, case)
    warned = as_docker_sees(file).warning
    try:
        creds_store.entered(file).carry_out()
    except (ClientConfigInvalid, AnotherCredsStore) as fault:
        assert file.name in str(fault)  # noqa: PT017 - or else what follows holds
        return
    seen = as_docker_sees(file)
    assert not seen.warning or seen.warning == warned
    assert seen.helper == "harbor" or SERVER in docker_reads.read(file).helpers


UNTOUCHED = (
    "{}",
    "{\n}\n",
    '{"auths":{}}',
    '{ "auths" : {} , "psFormat":"x" }',
    '{\n    "auths": {\n        "i": {}\n    }\n}',
    '{\n  "x": 1e999, "y": 0.10000000000000000000001,\n  "credHelpers": {"i": "other"}\n}\n',
    '{"credHelpers":{"i":"other"}}\n',
    '{\n\t"credHelpers": {\n\t\t"i": "other"\n\t},\n\t"psFormat": "\\u00e9\\ud800"\n}',
    '{\r\n  "psFormat": "a"\r\n}\r\n',
    '{"psFormat": "a"} and more\n',
    '{"x": 1e999, "y": 12345678901234567890, "z": "\\u00e9\\/", "auths": null, "n": [-0.0E-5, 1.50, null]}',
)


@pytest.mark.parametrize("content", UNTOUCHED)
def test_all_else_stays_to_the_byte(folder: Path, content: str) -> None:
    file = folder / "config.json"
    file.write_bytes(content.encode())
    cred_helpers.entered(file, SERVER).carry_out()
    assert as_docker_sees(file).helper == "harbor"
    cred_helpers.taken_out(file, SERVER).carry_out()
    assert file.read_bytes().decode().replace("{\n}\n", "{}\n") == content.replace("{\n}\n", "{}\n")


@pytest.mark.parametrize("content", UNTOUCHED)
def test_all_else_stays_to_the_byte_for_every_server_too(folder: Path, content: str) -> None:
    file = folder / "config.json"
    file.write_bytes(content.encode())
    creds_store.entered(file, cred_helpers.entered(file, SERVER)).carry_out()
    assert docker_reads.read(file).helpers[SERVER] == docker_reads.read(file).store == "harbor"
    creds_store.taken_out(file, cred_helpers.taken_out(file, SERVER)).carry_out()
    assert file.read_bytes().decode().replace("{\n}\n", "{}\n") == content.replace("{\n}\n", "{}\n")


class TestCommands:
    """What `setup` and `doctor` say of such files."""

    NAME = "127.0.0.1:1"

    @pytest.fixture
    def theirs(self, helper: Helper) -> Path:
        helper.configure(f'[registries."{self.NAME}"]\n')
        return helper.home.docker_config / "config.json"

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (codecs.BOM_UTF8 + b'{"psFormat": "x"}', "a byte-order mark is before it"),
            ('{"psFormat": "x"}'.encode("utf-16"), "it is UTF-16"),
        ],
    )
    def test_what_docker_cannot_read_is_written_anew(
        self, helper: Helper, theirs: Path, content: bytes, why: str
    ) -> None:
        theirs.write_bytes(content)
        answer = helper.run(["doctor", self.NAME])
        assert f"no client reads the configuration {theirs}: {why}" in answer.stdout
        assert f"fix: run: docker-credential-harbor setup {self.NAME}, which writes it anew" in answer.stdout
        answer = helper.run(["setup", "--no-login", self.NAME])
        assert (answer.returncode, answer.stderr) == (0, "")
        assert f"no client could read it, since {why}" in answer.stdout
        assert theirs.read_bytes().startswith(b'{"psFormat": "x",\n')
        assert f"ok    docker-config: {theirs} names this helper" in helper.run(["doctor", self.NAME]).stdout

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            ('{"credHelpers": "x"}', "its credHelpers is not a JSON object"),
            ('{"auths": ["i"]}', "its auths is not a JSON object"),
            ('{"credsStore": "a", "credsSTORE": "b"}', "it has credsStore twice in one place"),
        ],
    )
    def test_what_setup_refuses_doctor_does_not_send_there(
        self, helper: Helper, theirs: Path, content: str, why: str
    ) -> None:
        theirs.write_text(content)
        told = f"the configuration {theirs} cannot be used: {why}"
        assert told in helper.run(["setup", "--no-login", self.NAME]).stderr
        doctor = helper.run(["doctor", self.NAME]).stdout
        assert told in doctor
        assert f"setup {self.NAME}" not in doctor

    def test_an_auth_that_is_not_base64_is_no_reason_why_pulls_fail(self, helper: Helper, theirs: Path) -> None:
        theirs.write_text('{"auths": {"i": {"auth": "!"}}}')
        answer = helper.run(["setup", "--no-login", self.NAME])
        assert answer.returncode == 0
        assert f"docker warns at every command that the auth of i in {theirs} cannot be read" in answer.stderr
        line = next(line for line in helper.run(["doctor", self.NAME]).stdout.splitlines() if "docker-config" in line)
        assert line.startswith("  ok    docker-config")
        assert "the auth of i there cannot be read" in line

    def test_a_pair_that_cannot_be_moved_stays(self, helper: Helper, theirs: Path) -> None:
        theirs.write_text('{"auths": {"i": {"auth": "!"}}}')
        answer = helper.run(["setup", "--no-login", "--credentials-store", "--yes", self.NAME])
        assert answer.returncode == 1
        assert "the auth of i cannot be read" in answer.stderr
        assert theirs.read_text() == '{"auths": {"i": {"auth": "!"}}}'

    @pytest.mark.parametrize("key", ["Auth", "auth", "PASSWORD"])
    def test_no_secret_is_shown(self, helper: Helper, theirs: Path, key: str) -> None:
        for content in (
            f'{{"auths": {{"i": {{"{key}": "top\\"s3cr3t"}}}}}}',
            f'{{"auths": {{"i": {{"{key}":\n"top\\"s3cr3t"}}}}}}',
        ):
            for encoding in ("utf-8", "utf-16"):
                theirs.write_bytes(content.encode(encoding))
                answer = helper.run(["setup", "--dry-run", "--no-login", self.NAME])
                assert "harbor" in answer.stdout
                assert "s3cr3t" not in answer.stdout.replace("\0", "")
