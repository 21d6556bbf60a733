"""What comes with the program: man page, completions, example configuration, licences and bill of materials."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.config import read_config
from docker_credential_harbor.entry import command_line, manual
from docker_credential_harbor.model import Registry, Settings
from tests.conftest import need
from tests.lab.sealed_home import NAME
from tests.packaging.built import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.packaging.built import Built

REGISTRY = "harbor.example.com"
COMMENTED = re.compile(r"^#(?=\w+ = |\[)", re.MULTILINE)


def output(*command: str | Path, stdin: str = "", **options: object) -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return str(done.stdout)


class TestExampleConfiguration:
    @pytest.fixture
    def example(self) -> str:
        return (REPOSITORY / "packaging" / "config.toml.example").read_text()

    def load(self, text: str, folder: Path) -> Settings:
        file = folder / "config.toml"
        file.write_text(text)
        return read_config.load({read_config.USER_FILE_VARIABLE: str(file)})

    def test_as_it_comes_it_changes_nothing(self, example: str, tmp_path: Path) -> None:
        assert self.load(example, tmp_path) == self.load("", tmp_path)

    def test_uncommented_it_is_accepted_and_shows_the_defaults(self, example: str, tmp_path: Path) -> None:
        settings = self.load(COMMENTED.sub("", example), tmp_path)
        plain = self.load(f'[registries."{REGISTRY}"]', tmp_path)
        for field, _, _ in read_config.KEYS.values():
            assert getattr(settings, field) == getattr(plain, field)
        given, default = settings.registries[REGISTRY], plain.registries[REGISTRY]
        for key in ("url", "client_id", "redirect_uri"):
            assert getattr(given, key) == getattr(default, key)

    def test_every_key_is_in_it(self, example: str) -> None:
        shown = re.findall(r"^#(\w+) = ", example, re.MULTILINE)
        of_registry = [name for name in Registry._fields if name != "name"]
        assert sorted(shown) == sorted([*read_config.KEYS, *of_registry])


class TestManPage:
    @pytest.fixture
    def text(self, built: Built) -> str:
        need("man", "apt-get install man-db", shutil.which("man"))
        page = built.work / "staged" / f"{NAME}.1.gz"
        environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "MANWIDTH": "500", "MAN_KEEP_FORMATTING": ""}
        return output("man", "--warnings=w", "--local-file", page, env=environment)

    def test_every_command_and_option_is_in_it(self, text: str) -> None:
        for command in command_line.COMMANDS:
            assert f"{NAME} {command}" in text
        for option in ("--device", "--install", "--json", "--version"):
            assert option in text
        for purpose in ("for you", "for the identity provider's administrator", "for an image", "taking it back"):
            assert purpose in text, "the groups of setup's options"
        assert "loginctl enable-linger" in text, "what --help says below the options"

    def test_its_sections_are_those_of_other_pages(self, text: str) -> None:
        titles = [line for line in text.splitlines() if re.fullmatch(r"[A-Z][A-Z ]+", line)]
        mine = [title for title in titles if not title.startswith("MORE ABOUT ")]
        of_the_manual = [title.upper() for title in manual.SECTIONS]
        assert mine == ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", *of_the_manual, "EXAMPLES"]

    def test_every_variable_file_and_exit_status_is_in_it(self, text: str) -> None:
        lines = [line.strip() for line in text.splitlines()]
        for entry in (each for entries in manual.SECTIONS.values() for each in entries):
            assert any(line.startswith(entry.term) for line in lines), entry.term
            assert any(line.endswith(entry.words) for line in lines), entry.words


class TestCompletions:
    """Each in its own shell: what is offered for the beginning of a word."""

    def test_bash(self, built: Built) -> None:
        script = built.work / "staged" / f"{NAME}.bash"
        assert self.in_bash(script, "lo") == ["login", "logout"]
        assert self.in_bash(script, "login", "--d") == ["--device"]

    def in_bash(self, script: Path, *words: str) -> list[str]:
        line = " ".join((NAME, *words))
        function = f"$(complete -p {NAME} | sed 's/.* -F \\([^ ]*\\) .*/\\1/')"
        typed = f"COMP_WORDS=({line}); COMP_CWORD={len(words)}; COMP_LINE='{line}'; COMP_POINT={len(line)}"
        asked = f'source "{script}"; {typed}; "{function}" {NAME} {words[-1]}; echo ${{COMPREPLY[@]}}'
        return output("bash", "--norc", "-c", asked).split()

    def test_fish(self, built: Built, tmp_path: Path) -> None:
        need("fish", "apt-get install fish", shutil.which("fish"))
        script = built.work / "staged" / f"{NAME}.fish"
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TERM": "dumb"}
        for line, offered in ((f"{NAME} lo", ["login", "logout"]), (f"{NAME} login --d", ["--device"])):
            asked = f"source '{script}'; complete --do-complete '{line}'"
            found = output("fish", "--no-config", "--command", asked, env=environment).splitlines()
            assert [each.split("\t")[0] for each in found] == offered

    def test_zsh(self, built: Built, tmp_path: Path) -> None:
        need("zsh", "apt-get install zsh", shutil.which("zsh"))
        place = tmp_path / f"_{NAME}"
        shutil.copyfile(built.work / "staged" / f"_{NAME}", place)
        loaded = f"fpath=('{tmp_path}' $fpath); autoload -U compinit; compinit -u -D; echo $_comps[{NAME}]"
        assert output("zsh", "-f", "-c", loaded).strip() == f"_{NAME}"
        text = place.read_text()
        output("zsh", "-f", "-n", place)
        assert all(f"    {command}:'" in text for command in command_line.COMMANDS)
        assert '"--device[' in text


class TestLicencesAndBill:
    @pytest.fixture
    def bill(self, built: Built) -> dict[str, str]:
        document = json.loads(built.bill.read_text())
        assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
        return {each["name"]: each.get("version", "") for each in document["components"]}

    def test_what_is_bundled_is_listed(self, bill: dict[str, str]) -> None:
        locked = (REPOSITORY / "requirements-package.lock").read_text()
        for name in ("requests", "keyring", "cryptography", "joserfc", "segno", "tomlkit"):
            assert f"{name}=={bill[name]} " in locked
        sources = json.loads((REPOSITORY / "packaging" / "interpreter" / "sources.lock").read_text())
        assert {each["name"]: each["version"] for each in sources["packages"]}.items() <= bill.items()
        for tool in ("nfpm", "shtab", "setuptools", "pyelftools", "pyinstaller"):
            assert tool not in bill
        assert not [name for name, version in bill.items() if not version], "each version is known"

    def test_every_folder_of_python_code_belongs_to_something_listed(self, built: Built, bill: dict[str, str]) -> None:
        inside = built.folder / "_internal"
        known = {name.lower().replace("-", "_").replace(".", "/").split("/")[0] for name in bill}
        foreign = {path.name for path in inside.iterdir() if path.is_dir() and not path.name.endswith(".dist-info")}
        foreign -= {*sys.stdlib_module_names, NAME.replace("-", "_")}
        assert foreign <= known

    def test_openssl_inside_cryptography_is_listed(self, built: Built) -> None:
        document = json.loads(built.bill.read_text())
        [cryptography] = [each for each in document["components"] if each["name"] == "cryptography"]
        assert "openssl" in {each["name"] for each in cryptography["components"]}

    def test_every_part_has_its_licence_text(self, built: Built, bill: dict[str, str]) -> None:
        text = (built.work / "staged" / "copyright").read_text()
        for name, version in bill.items():
            assert f"\n{name} {version}\n=====" in text
        for words in ("PYTHON SOFTWARE FOUNDATION LICENSE", "Apache License"):
            assert words in text
