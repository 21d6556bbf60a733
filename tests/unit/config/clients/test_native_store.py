"""The system's own credential store: where clients look for it, whether it works, and what is entered of it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.config import registry_files
from docker_credential_harbor.config.clients import cred_helpers, helm, json_file, native_store
from tests.lab.processes import alive, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker_credential_harbor.config.file_change import Change

NONE_THERE = "echo credentials not found in native keychain; exit 1"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The one folder on PATH, on Linux."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("PASSWORD_STORE_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    native_store.hindrance_to_reading.cache_clear()
    yield folder
    native_store.hindrance_to_reading.cache_clear()


def make(programs: Path, name: str, script: str = NONE_THERE) -> None:
    program = programs / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("system", "there", "found"),
    [
        ("linux", "", ""),
        ("linux", "docker-credential-secretservice", "secretservice"),
        ("linux", "docker-credential-pass", ""),
        ("linux", "pass docker-credential-pass docker-credential-secretservice", "pass"),
        ("linux", "pass docker-credential-secretservice", ""),
        ("darwin", "docker-credential-osxkeychain pass docker-credential-pass", "osxkeychain"),
        ("win32", "docker-credential-wincred", "wincred"),
        ("freebsd14", "docker-credential-secretservice docker-credential-", ""),
    ],
)
def test_which_one_docker_and_helm_would_take(
    programs: Path, monkeypatch: pytest.MonkeyPatch, system: str, there: str, found: str
) -> None:
    for name in there.split():
        make(programs, name)
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr("shutil.which", lambda name: str(programs / name) if (programs / name).exists() else None)
    assert native_store.found() == found


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (NONE_THERE, ""),
        ("echo '{}'", ""),
        ("read -r server; test $server = docker-credential-harbor.invalid -a $1 = get", ""),
        ("echo; echo Cannot autolaunch D-Bus; exit 1", "Cannot autolaunch D-Bus"),
        ("printf 'a\\033[2Jb'; exit 1", "a\\x1b[2Jb"),
        ("exit 3", "exit status 3"),
        ("printf '%0101d' 0; exit 1", "0" * 99 + "…"),
    ],
)
def test_whether_it_works(programs: Path, script: str, why: str) -> None:
    make(programs, "docker-credential-x", script)
    assert native_store.hindrance("x") == native_store.hindrance_to_reading("x") == why


def test_it_is_asked_once(programs: Path) -> None:
    make(programs, "docker-credential-x", f"echo asked >> {programs}/asked; {NONE_THERE}")
    for _ in range(2):
        assert native_store.hindrance("x") == ""
    assert (programs / "asked").read_text() == "asked\n"


def test_one_that_gives_no_answer(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(programs, "docker-credential-x", "exec /bin/sleep 60")
    monkeypatch.setattr(native_store, "SECONDS", 0.2)
    assert native_store.hindrance("x") == "no answer within 0.2 s"


def test_what_it_has_started_ends_with_it(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pass(1) waits for gpg(1), and that for whoever asks for the PIN of a key."""
    make(programs, "docker-credential-x", f"/bin/sleep 600 & echo $! > {programs}/pid; wait")
    monkeypatch.setattr(native_store, "SECONDS", 2)
    assert native_store.hindrance("x") == "no answer within 2 s"
    pid = int((programs / "pid").read_text())
    wait_until(lambda: not alive(pid), "what it has started to end", 30)


def test_it_has_no_terminal_to_ask_for_a_pin_on(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """gpg-agent opens the one that GPG_TTY names, others the one of their session."""
    monkeypatch.setenv("GPG_TTY", "/dev/pts/9")
    told = f'read -r _ _ _ _ _ session _ < /proc/self/stat; echo "$GPG_TTY $session" > {programs}/told'
    make(programs, "docker-credential-x", f"{told}; {NONE_THERE}")
    assert native_store.hindrance("x") == ""
    [session] = (programs / "told").read_text().split()
    assert int(session) != os.getsid(0)


@pytest.mark.parametrize(("mode", "why"), [(0o644, "Permission denied"), (None, "No such file or directory")])
def test_one_that_cannot_be_run(programs: Path, mode: int | None, why: str) -> None:
    if mode:
        make(programs, "docker-credential-x")
        (programs / "docker-credential-x").chmod(mode)
    assert native_store.hindrance("x") == why


def test_a_password_store_has_to_be_initialized_to_keep_anything(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(programs, "docker-credential-pass")
    assert native_store.hindrance("pass") == "pass is not initialized"
    assert native_store.hindrance_to_reading("pass") == ""
    (tmp_path / "home" / ".password-store").mkdir(parents=True)
    (tmp_path / "home" / ".password-store" / ".gpg-id").write_text("me")
    assert native_store.hindrance("pass") == ""
    monkeypatch.setenv("PASSWORD_STORE_DIR", str(tmp_path / "elsewhere"))
    assert native_store.hindrance("pass") == "pass is not initialized"
    (tmp_path / "elsewhere" / "docker-credential-helpers").mkdir(parents=True)
    (tmp_path / "elsewhere" / "docker-credential-helpers" / ".gpg-id").write_text("me")  # pass init -p
    assert native_store.hindrance("pass") == ""


@pytest.mark.parametrize(
    ("content", "looked_for", "but_for_ours"),
    [
        ("", True, True),
        ("{}", True, True),
        ('{"psFormat": "x", "auths": {}, "credHelpers": {}, "credsStore": ""}', True, True),
        ('{"auths": null, "credHelpers": null, "credsStore": null}', True, True),
        ('{"credHelpers": {"h": "harbor"}}', False, True),
        ('{"credHelpers": {"h": "harbor", "i": "pass"}}', False, False),
        ('{"credHelpers": {"i": ""}}', False, False),
        ('{"auths": {"i": {}}}', False, False),
        ('{"credsStore": "harbor"}', False, False),
    ],
)
def test_where_it_is_looked_for(content: str, looked_for: bool, but_for_ours: bool) -> None:
    path = Path("config.json")
    assert native_store.is_looked_for(content.encode(), path, but_for_ours=False) is looked_for
    assert native_store.is_looked_for(content.encode(), path) is but_for_ours


def with_us(path: Path) -> Change:
    return native_store.entered(cred_helpers.entered(path, "h"))


def test_it_is_entered_beside_our_entry_and_taken_out(programs: Path, tmp_path: Path) -> None:
    make(programs, "docker-credential-secretservice")
    path = tmp_path / "config.json"
    path.write_text('{"CredsStore": "", "x": 1e999}')
    change = with_us(path)
    assert json.loads(change.after)["credHelpers"] == {"h": "harbor"}
    assert change.after.startswith(b'{"credsStore": "secretservice", "x": 1e999,')
    beside = "docker-credential-secretservice entered there for all others, as it was found without an entry until now"
    assert change.what == f"this helper entered for h into {path}; {beside}"
    assert (
        '  ~ credsStore = "secretservice"' in change.preview() or '  + credsStore = "secretservice"' in change.preview()
    )
    assert native_store.entered_by(change) == "secretservice"
    change.carry_out()
    again = with_us(path)
    assert again.is_none
    assert native_store.entered_by(again) is None
    assert native_store.is_left_by(cred_helpers.taken_out(path, "h"), "secretservice")
    out = native_store.taken_out(cred_helpers.taken_out(path, "h"), "secretservice")
    assert not native_store.is_left_by(out, "secretservice")
    assert out.after == b'{"x": 1e999}'
    told = f"docker-credential-secretservice, which setup entered for all others, taken out of {path}"
    assert out.what == f"this helper taken out for h from {path}; {told}"


@pytest.mark.parametrize(
    ("noted", "content"),
    [
        (None, '{"credsStore": "secretservice"}'),
        ("secretservice", '{"credsStore": "pass"}'),
        ("secretservice", "{}"),
        ("secretservice", '{"credsStore": "secretservice", "auths": {"i": {}}}'),
        ("secretservice", '{"credsStore": "secretservice", "credHelpers": {"i": "harbor"}}'),
    ],
)
def test_what_stays(tmp_path: Path, noted: str | None, content: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(content)
    nothing = cred_helpers.taken_out(path, "h")
    assert native_store.taken_out(nothing, noted) is nothing


def test_a_file_that_no_client_reads_is_none_of_our_business(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(b"\xef\xbb\xbf{}")
    nothing = cred_helpers.taken_out(path, "h")
    for noted in (None, "secretservice"):
        assert native_store.taken_out(nothing, noted) is nothing


def test_where_there_is_none_or_it_is_not_looked_for_nothing_changes(programs: Path, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    change = cred_helpers.entered(path, "h")
    assert native_store.entered(change) is change
    make(programs, "docker-credential-secretservice")
    path.write_text('{"auths": {"i": {}}}')
    change = cred_helpers.entered(path, "h")
    assert native_store.entered(change) is change


@pytest.mark.parametrize("before", [None, b"{}", b'\xef\xbb\xbf{"psFormat": "x"}'])
def test_one_that_does_not_work_is_told_once_and_not_entered(
    programs: Path, tmp_path: Path, before: bytes | None
) -> None:
    make(programs, "docker-credential-secretservice", "exit 1")
    path = tmp_path / "config.json"
    if before:
        path.write_bytes(before)
    change = with_us(path)
    assert json.loads(change.after)["credHelpers"] == {"h": "harbor"}
    assert "does not work" not in change.what
    assert native_store.entered_by(change) is None
    plain = "so docker login keeps the passwords of other registries in plain text"
    instead = "setup --credentials-store has this helper keep them"
    broken = "docker-credential-secretservice does not work here (exit status 1)"
    assert native_store.lost_by(change) == f"{broken}, {plain}; {instead}"
    change.carry_out()
    for name in ("h", "i"):
        assert native_store.lost_by(native_store.entered(cred_helpers.entered(path, name))) == ""


@pytest.mark.parametrize("content", ['{"auths": {"i": {}}}', '{"credsStore": "pass"}'])
def test_where_it_was_not_looked_for_nothing_is_lost(programs: Path, tmp_path: Path, content: str) -> None:
    make(programs, "docker-credential-secretservice", "exit 1")
    path = tmp_path / "config.json"
    path.write_text(content)
    assert native_store.lost_by(with_us(path)) == ""


def test_nothing_is_lost_where_there_is_none_or_it_works(programs: Path, tmp_path: Path) -> None:
    assert native_store.lost_by(with_us(tmp_path / "config.json")) == ""
    make(programs, "docker-credential-secretservice")
    assert native_store.lost_by(with_us(tmp_path / "config.json")) == ""


def test_this_helper_for_every_server_is_none_of_the_systems(tmp_path: Path) -> None:
    document = json_file.read(tmp_path / "config.json")
    assert native_store.entered_by(document.changed('{"credsStore": "harbor"}', "")) is None


def test_when_helm_asks_it_first(programs: Path) -> None:
    assert not helm.asks_another_first()
    make(programs, "helm")
    assert not helm.asks_another_first()
    make(programs, "docker-credential-secretservice")
    assert helm.asks_another_first()
    (programs / "helm").unlink()
    assert not helm.asks_another_first()


@pytest.mark.parametrize("folder", ["{home}/.config", "rel", "~/x"])
def test_helms_file_is_made_in_no_folder_that_depends_on_where_one_is(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    for name in ("helm", "docker-credential-secretservice"):
        make(programs, name)
    for variable in ("HELM_REGISTRY_CONFIG", "HELM_CONFIG_HOME", "DOCKER_CONFIG", "DOCKER_CREDENTIAL_HARBOR_CONFIG"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", folder.format(home=tmp_path / "home"))
    found = registry_files.of_this_user(undo=False)
    assert (helm.config_file() in found.clients) is folder.startswith("{")
