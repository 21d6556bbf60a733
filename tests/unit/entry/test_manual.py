"""What --help and the man page tell beside the commands is what the code does: variables, places, exit statuses."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import docker_credential_harbor
from docker_credential_harbor.config import read_config
from docker_credential_harbor.entry import manual
from docker_credential_harbor.system.folders import APPLICATION
from docker_credential_harbor.use_cases import keepalive_job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab.sealed_home import Helper

PACKAGE = Path(docker_credential_harbor.__file__).parent
NOT_FOR_PEOPLE = {
    *("USERNAME", "USERDOMAIN"),  # the name of a Windows user in a file
    "GPG_TTY",  # kept from a credential store that is asked whether it works
    "SUDO_UID",  # sudo sets it, and nobody else is to
    "PATH",  # nothing of ours: where every program looks for others
}
UNREACHABLE = '[registries."127.0.0.1:1"]\nurl = "http://127.0.0.1:1"\n'


def told() -> set[str]:
    return {name for entry in manual.ENVIRONMENT for name in entry.term.removesuffix("=1").split(", ")}


def read_by_the_code() -> set[str]:
    """The names in every look into an environment, and those that are handed on as lists."""
    found = {*read_config.sources().variables, *(name.upper() for name in keepalive_job.NETWORK_VARIABLES)}
    for file in PACKAGE.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        constants = {
            node.targets[0].id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Constant)
        }
        for key in keys_of_environments(tree):
            name = key.value if isinstance(key, ast.Constant) else constants.get(ast.unparse(key))
            if isinstance(name, str):
                found.add(name)
    return found


def keys_of_environments(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "is_set":  # interaction.reach's own
            yield from node.args
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in ("get", "pop") and is_environment(node.func.value):
                yield node.args[0]
        elif isinstance(node, ast.Subscript) and is_environment(node.value):
            yield node.slice
        elif isinstance(node, ast.Compare) and is_environment(node.comparators[0]):
            yield node.left


def is_environment(node: ast.expr) -> bool:
    return isinstance(node, (ast.Name, ast.Attribute)) and "environ" in ast.unparse(node).rpartition(".")[2]


def test_every_variable_that_is_read_is_told() -> None:
    read = read_by_the_code()
    assert {"NO_COLOR", "DISPLAY", "DOCKER_CONFIG", "APPDATA", "DOCKER_CREDENTIAL_HARBOR_TRACE"} <= read, "it looks"
    assert read - NOT_FOR_PEOPLE == told()


def test_every_key_has_its_variable() -> None:
    for key in read_config.KEYS:
        assert f"DOCKER_CREDENTIAL_HARBOR_{key.upper()}" in told()
        assert f" {key.upper()}" in manual.for_help()


@pytest.mark.parametrize(("system", "module", "kind"), [("Linux", "unix", "Unix"), ("macOS", "macos", "MacOS")])
def test_the_configuration_lies_where_platformdirs_says(
    system: str, module: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("XDG_CONFIG_DIRS", "XDG_CONFIG_HOME", "XDG_DATA_DIRS", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", "/home/alice")
    folders = getattr(importlib.import_module(f"platformdirs.{module}"), kind)(APPLICATION, appauthor=False)
    places = (folders.site_config_dir, folders.user_config_dir.replace("/home/alice", "~"))
    assert manual.CONFIGURATION_FILES[system] == tuple(f"{place}/{read_config.FILE_NAME}" for place in places)


def test_the_configuration_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    from platformdirs import windows

    known = {"CSIDL_COMMON_APPDATA": r"C:\ProgramData", "CSIDL_LOCAL_APPDATA": "%LOCALAPPDATA%"}
    monkeypatch.setattr(windows, "get_win_folder", known.__getitem__)
    folders = windows.Windows(APPLICATION, appauthor=False)
    places = (folders.site_config_dir, folders.user_config_dir)
    assert manual.CONFIGURATION_FILES["Windows"] == tuple(
        f"{place}\\{read_config.FILE_NAME}".replace("/", "\\") for place in places
    )


def test_the_documentation_names_the_same_places() -> None:
    page = (PACKAGE.parent / "docs" / "configuration.md").read_text(encoding="utf-8")
    for system, places in manual.CONFIGURATION_FILES.items():
        assert f"| {system} | `{places[0]}` | `{places[1]}` |" in page


def test_the_help_has_the_sections_and_fits(helper: Helper) -> None:
    lines = helper.run(["--help"], env={"COLUMNS": "200"}).stdout.splitlines()
    titles = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert titles == ["options:", "commands:", "examples:", *(f"{title}:" for title in manual.SECTIONS)]
    assert max(map(len, lines)) <= manual.WIDTH


class TestExitStatus:
    """On the installed executable; nobody is signed in anywhere. Ctrl-C: flows/test_processes.py."""

    def test_what_is_said(self) -> None:
        assert [entry.term for entry in manual.EXIT_STATUS] == ["0", "1", "2", "130"]

    @pytest.mark.parametrize(
        ("arguments", "status"),
        [
            (["status"], 0),
            (["status", "--json"], 0),
            (["logout"], 0),
            (["doctor"], 1),
            (["rotate"], 1),
            (["get"], 1),
            (["frobnicate"], 2),
            (["status", "other.example.com"], 2),
        ],
    )
    def test_with_a_registry_that_cannot_be_reached(self, helper: Helper, arguments: list[str], status: int) -> None:
        helper.configure(UNREACHABLE)
        assert helper.run(arguments, stdin="127.0.0.1:1").returncode == status

    def test_without_any_registry_none_can_be_meant(self, helper: Helper) -> None:
        helper.configure("")
        assert {helper.run(command).returncode for command in ("status", "doctor", "login")} == {2}
