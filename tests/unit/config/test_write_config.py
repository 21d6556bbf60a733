"""Our own configuration file as `setup` changes it: whatever the form of what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import tomllib

from docker_credential_harbor.config import write_config
from docker_credential_harbor.errors import ConfigurationInvalid

if TYPE_CHECKING:
    from pathlib import Path

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
