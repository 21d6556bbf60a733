"""Our own configuration file as `setup` changes it: whatever the form of what is there, and in which words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tomllib

from docker_credential_harbor.config import write_config
from docker_credential_harbor.errors import ConfigurationInvalid
from docker_credential_harbor.system import files

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker_credential_harbor.config.file_change import Change

NAME = "h.example.com"

OTHERS = [
    "",
    "# mine\ntimeout = 5  # seconds\n",
    'registries = { a = {url = "https://a"} }\n',
    "registries = {}\n",
    '[registries]\n[registries.a]\nurl = "https://a"\n',
    '[registries]\na = {url = "https://a"}\n',
    'timeout = 5\nregistries."a".url = "https://a"\n',
]


@pytest.mark.parametrize("before", OTHERS)
@pytest.mark.parametrize("client", ["as it is", "none"])
def test_in_and_out_again_leaves_what_was_there(tmp_path: Path, before: str, client: write_config.Client) -> None:
    path = tmp_path / "config.toml"
    path.write_text(before)
    change = write_config.entered(path, NAME, {"ca_file": "/corp.pem"}, client=client)
    was, now = tomllib.loads(before), tomllib.loads(change.after.decode())
    table = now["registries"].pop(NAME)
    assert table == {"ca_file": "/corp.pem", **({"client_id": ""} if client == "none" else {})}
    assert {"registries": {}, **now} == {"registries": {}, **was}
    change.carry_out()
    after = tomllib.loads(write_config.taken_out(path, NAME).after.decode())
    assert {"registries": {}, **after} == {"registries": {}, **was}


def test_a_form_that_would_swallow_what_follows_is_left_to_the_person(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('registries."a".url = "https://a"\ntimeout = 5\n')
    with pytest.raises(ConfigurationInvalid, match="so that setup cannot change it"):
        write_config.entered(path, NAME, {})


@pytest.mark.parametrize("spelt", ["H.Example.com", "h.example.com:443"])
def test_another_spelling_of_the_same_registry(tmp_path: Path, spelt: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f'[registries."{spelt}"]\nclient_id = "x"  # theirs\n')
    changed = write_config.entered(path, NAME, {"ca_file": "/corp.pem"})
    assert tomllib.loads(changed.after.decode()) == {"registries": {spelt: {"client_id": "x", "ca_file": "/corp.pem"}}}
    assert b"# theirs" in changed.after
    assert write_config.taken_out(path, NAME).after == b""
    assert write_config.taken_out(path, "elsewhere").is_none


def test_only_the_line_that_setup_wrote_goes(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    write_config.entered(path, NAME, {}, client="none").carry_out()
    assert write_config.is_without_client(path, NAME)
    write_config.entered(path, NAME, {}, client="ours").carry_out()
    assert path.read_text() == f'[registries."{NAME}"]\n'
    path.write_text(f'[registries."{NAME}"]\nclient_id = ""  # mine\n')
    assert not write_config.is_without_client(path, NAME)
    assert write_config.entered(path, NAME, {}, client="ours").is_none


def test_our_own_file_in_words(path: Path) -> None:
    entered = write_config.entered(path, NAME, {"url": "https://x", "ca_file": Path("/c.pem")})
    assert entered.what == f"{NAME} entered into {path}"
    assert (entered.mode, entered.folder_mode) == (files.PRIVATE_FILE, files.PRIVATE_FOLDER)
    assert entered.preview() == [
        f"{path} (new)",
        f'  + registries."{NAME}".url = "https://x"',
        f'  + registries."{NAME}".ca_file = "/c.pem"',
    ]
    entered.carry_out()
    assert write_config.entered(path, NAME, {"url": "https://y"}).what == f"{NAME} changed in {path}"
    out = write_config.taken_out(path, NAME)
    assert out.what == f"{NAME} taken out of {path}"
    assert out.preview() == [str(path), f'  - registries."{NAME}".url', f'  - registries."{NAME}".ca_file']
    nothing = write_config.taken_out(path, "elsewhere")
    assert nothing.what == f"elsewhere is not in {path}"
    assert nothing.after == nothing.before == path.read_bytes()
    assert write_config.taken_out(path.with_name("none"), NAME).is_none


def test_for_everybody_to_read(path: Path) -> None:
    entered = write_config.entered(path, NAME, {}, for_everybody=True)
    assert (entered.mode, entered.folder_mode) == (files.OPEN_FILE, files.OPEN_FOLDER)


def test_without_a_client_setup_marks_its_own_line(path: Path) -> None:
    comment = "the identity provider does not take ours: without one"  # so files of older versions have it, too
    entered = write_config.entered(path, NAME, {}, client="none")
    assert entered.after.decode() == f'[registries."{NAME}"]\nclient_id = "" # {comment}\n'
    assert entered.preview()[1:] == [f'  + registries."{NAME}".client_id = ""']
    assert not write_config.is_without_client(path, NAME), "it is not there yet"
    entered.carry_out()
    assert write_config.is_without_client(path, NAME)
    assert not write_config.is_without_client(path, "elsewhere")


def test_a_byte_order_mark_stays(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbftimeout = 5\n")
    steps: list[Callable[[], Change]] = [
        lambda: write_config.entered(path, NAME, {}),
        lambda: write_config.taken_out(path, NAME),
    ]
    for step in steps:
        assert not step().is_none
        step().carry_out()
        assert path.read_bytes().startswith(b"\xef\xbb\xbftimeout")
        assert tomllib.loads(path.read_text("utf-8-sig"))["timeout"] == 5
    path.write_text("timeout = 5\n")
    assert write_config.entered(path, NAME, {}).after.startswith(b"timeout")
