"""What `setup` changes in clients' files and ours, in which words it says so, and how all of it is carried out."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import tomllib

from docker_credential_harbor.config import change, made_files, preview, write_config
from docker_credential_harbor.config.change import Change
from docker_credential_harbor.config.clients import cred_helpers, creds_store, docker, docker_reads, podman
from docker_credential_harbor.errors import AnotherCredsStore, ChangedMeanwhile, ClientConfigInvalid, NotWritable
from docker_credential_harbor.model import Credentials
from docker_credential_harbor.system import files
from tests.unit.config.test_client_json import in_auth

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "h.example.com"
ME, YOU = in_auth("me:s1"), in_auth("you:s2")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.json"


# --- credHelpers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (None, {"credHelpers": {"h": "harbor"}}, "this helper entered for h into {path}"),
        *(
            (
                f'{{"credHelpers": {{"h": {none}}}}}',
                {"credHelpers": {"h": "harbor"}},
                "this helper entered for h into {path} instead of no helper, which --undo does not bring back",
            )
            for none in ('""', "null", "5")
        ),
        (
            '{"CREDHELPERS": {"h": "harbor"}}',
            {"credHelpers": {"h": "harbor"}},
            "this helper entered for h into {path}",
        ),
        (
            '{"credHelpers": {"h": "pass"}}',
            {"credHelpers": {"h": "harbor"}},
            "this helper entered for h into {path} instead of 'pass', which --undo does not bring back",
        ),
    ],
)
def test_our_helper_for_one_registry(path: Path, before: str | None, after: object, told: str) -> None:
    if before is not None:
        path.write_text(before)
    found = cred_helpers.entered(path, "h")
    assert found.what == told.format(path=path)
    assert json.loads(found.after) == after
    assert not found.is_none


def test_our_helper_is_there_already(path: Path) -> None:
    path.write_text('{"credHelpers": {"h": "harbor"}}')
    found = cred_helpers.entered(path, "h")
    assert found.is_none
    assert found.what == f"{path} names this helper for h already"


def test_our_helper_taken_out(path: Path) -> None:
    path.write_text('{"CREDHELPERS": {"h": "harbor", "i": "harbor", "j": "pass"}}')
    found = cred_helpers.taken_out(path, "h")
    assert json.loads(found.after) == {"CREDHELPERS": {"i": "harbor", "j": "pass"}}
    assert found.what == f"this helper taken out for h from {path}"
    for registry in ("j", "k"):
        found = cred_helpers.taken_out(path, registry)
        assert found.is_none
        assert found.what == f"{path} does not name this helper for {registry}"
    path.write_text('{"x": 1, "credHelpers": {"h": "harbor"}}')
    assert cred_helpers.taken_out(path, "h").after == b'{"x": 1}'


def test_for_whom_our_helper_is_named_after_a_change(path: Path) -> None:
    path.write_text('{"CREDHELPERS": {"h": "harbor", "i": "harbor", "j": "pass"}}')
    assert cred_helpers.served_after(cred_helpers.taken_out(path, "h")) == ["i"]
    path.write_text("")
    assert cred_helpers.served_after(cred_helpers.taken_out(path, "h")) == []


# --- credsStore -------------------------------------------------------------------------------------------------------


def test_our_helper_for_every_server(path: Path) -> None:
    path.write_text('{"credsstore": "", "x": 1}')
    assert not creds_store.is_entered(path)
    entered = creds_store.entered(path)
    assert entered.after == b'{"credsStore": "harbor", "x": 1}'
    instead = "instead of no helper, which --undo does not bring back"
    assert entered.what == f"this helper entered for every server into {path} {instead}"
    entered.carry_out()
    assert creds_store.is_entered(path)
    again = creds_store.entered(path)
    assert again.is_none
    assert again.what == f"{path} names this helper for every server already"


def test_no_other_helper_for_every_server_is_replaced(path: Path) -> None:
    path.write_text('{"credsStore": "pass"}')
    with pytest.raises(AnotherCredsStore) as caught:
        creds_store.entered(path)
    assert caught.value.facts == {"path": str(path), "helper": "pass"}


def test_one_that_setup_entered_itself_gives_way_until_somebody_has_logged_in_by_it(path: Path) -> None:
    path.write_text('{"credsStore": "pass", "auths": {}}')
    assert creds_store.entered(path, own="pass").after == b'{"credsStore": "harbor", "auths": {}}'
    for own, content in (("x", '{"credsStore": "pass"}'), ("pass", '{"credsStore": "pass", "auths": {"i": {}}}')):
        path.write_text(content)
        with pytest.raises(AnotherCredsStore):
            creds_store.entered(path, own=own)


@pytest.mark.parametrize("unread", [False, True])
def test_a_file_that_names_our_helper_is_changed_all_the_same_where_something_is_to_be_mended(
    path: Path, unread: bool
) -> None:
    path.write_bytes('{"credsStore": "harbor"}'.encode("utf-16" if unread else "utf-8"))
    assert creds_store.entered(path).is_none is not unread
    path.write_text('{"CredsStore": "harbor"}')
    assert creds_store.entered(path).after == b'{"credsStore": "harbor"}'


def test_no_pair_is_left_in_plain_text(path: Path) -> None:
    pairs: dict[str, Any] = {
        "https://index.docker.io/v1/": {"auth": ME},
        "https://h/v1/": {"auth": YOU, "email": "me@h"},
        "i": {"Username": "you", "password": "s2"},
        "j": {"identitytoken": "t", "auth": ME},
        "k": {"email": "k"},
        "l": {"username": "no secret"},
        "m": 7,
    }
    path.write_text(json.dumps({"credsStore": "harbor", "AUTHS": pairs}))
    left = json.loads(creds_store.entered(path).after)
    assert left == {
        "credsStore": "harbor",
        "AUTHS": {
            "https://index.docker.io/v1/": {},
            "https://h/v1/": {"email": "me@h"},
            "i": {},
            "j": {},
            "k": {"email": "k"},
            "l": {"username": "no secret"},
            "m": 7,
        },
        "credHelpers": {"h": "harbor", "i": "harbor", "j": "harbor"},
    }
    assert creds_store.movable_pairs(path) == {
        "https://index.docker.io/v1/": Credentials("me", "s1"),
        "h": Credentials("you", "s2"),
        "i": Credentials("you", "s2"),
        "j": Credentials("<token>", "t"),
    }


@pytest.mark.parametrize(
    "auths", [{"h": {"auth": ME}, "https://h": {"auth": YOU}}, {"h/v2": {"auth": YOU}, "h": {"auth": ME}}]
)
def test_the_entry_of_the_very_name_goes_before_others_of_that_host(auths: dict[str, Any]) -> None:
    found = docker_reads.of(json.dumps({"auths": auths}).encode(), Path("config.json"))
    assert creds_store.plain_pairs(found) == {"h": Credentials("me", "s1")}


def test_of_others_of_a_host_the_first_counts() -> None:
    auths = {"https://h": {"auth": ME}, "h/v2": {"auth": YOU}}
    found = docker_reads.of(json.dumps({"auths": auths}).encode(), Path("config.json"))
    assert creds_store.plain_pairs(found) == {"h": Credentials("me", "s1")}


def test_a_pair_that_cannot_be_moved_is_named(path: Path) -> None:
    path.write_text('{"auths": {"g": {}, "h": {"auth": "!"}}}')
    with pytest.raises(ClientConfigInvalid) as caught:
        creds_store.entered(path)
    assert caught.value.facts == {"place": str(path), "reason": "the auth of h cannot be read"}


def test_pairs_of_a_file_that_docker_does_not_read(path: Path) -> None:
    path.write_bytes(json.dumps({"auths": {"h": {"auth": ME}}}).encode("utf-16"))
    assert creds_store.movable_pairs(path) == {"h": Credentials("me", "s1")}


def test_for_every_server_taken_out_of_what_another_change_leaves(path: Path) -> None:
    path.write_text('{"CredsStore": "harbor", "credHelpers": {"h": "harbor"}}')
    first = cred_helpers.taken_out(path, "h")
    both = creds_store.taken_out(path, first)
    assert both.after == b"{}"
    assert both.what == f"this helper taken out for every server from {path}"
    assert (both.path, both.before) == (first.path, first.before)
    for content in ('{"credsStore": "pass"}', "{}"):
        path.write_text(content)
        first = cred_helpers.taken_out(path, "h")
        assert creds_store.taken_out(path, first) is first


def test_a_fault_in_what_another_change_leaves_is_told_of_that_file(path: Path) -> None:
    with pytest.raises(ClientConfigInvalid) as caught:
        creds_store.taken_out(path, Change(path, None, b"[]", ""))
    assert caught.value.facts["place"] == str(path)


# --- Where Docker and podman look -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "served"),
    [
        ({"h": {"auth": ME}}, True),
        ({"i": {"auth": ME}}, False),
        ({"h": {}}, False),
        ({"h": {"auth": "!"}}, False),
        ({"h": {"auth": ME}, "i": {"auth": "!"}}, False),
    ],
)
def test_docker_auth_config(content: dict[str, Any], served: bool) -> None:
    environment = {"DOCKER_AUTH_CONFIG": json.dumps({"auths": content})}
    assert docker.is_served_by_environment("h", environment) is served


@pytest.mark.parametrize("environment", [{}, {"DOCKER_AUTH_CONFIG": ""}, {"DOCKER_AUTH_CONFIG": "{"}])
def test_no_docker_auth_config(environment: dict[str, str]) -> None:
    assert docker.is_served_by_environment("h", environment) is False


def test_podmans_files_by_their_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    found = podman.config_files({"XDG_RUNTIME_DIR": "/r", "XDG_CONFIG_HOME": "/c"})
    assert found == [Path("/r/containers/auth.json"), Path("/c/containers/auth.json")]
    monkeypatch.setenv("HOME", "/home/me")
    assert podman.config_files({"REGISTRY_AUTH_FILE": ""}) == [Path("/home/me/.config/containers/auth.json")]


# --- Ours -------------------------------------------------------------------------------------------------------------


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


# --- Carried out ------------------------------------------------------------------------------------------------------


def changed(path: Path, after: bytes, before: bytes | None = b"{}") -> Change:
    if before is not None:
        path.write_bytes(before)
    return Change(path, before, after, "what")


def test_what_is_no_change() -> None:
    path = Path("x")
    assert change.none(path, "so it is") == Change(path, None, b"", "so it is")
    assert change.none(path, "so it is").is_none
    assert change.none(path, "so it is").preview() == []
    assert not Change(path, None, b"{}", "").is_none
    assert not Change(path, b"{}", b"", "").is_none


def test_no_change_is_not_written(tmp_path: Path) -> None:
    change.carry_out([change.none(tmp_path / "a" / "x", "")])
    assert list(tmp_path.iterdir()) == []


def test_a_new_file_and_its_folders_have_the_modes_that_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a" / "x"
    Change(path, None, b"{}", "", mode=0o640, folder_mode=0o750).carry_out()
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o640, 0o750)


def test_all_of_them_or_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "target")
    changes = [
        changed(tmp_path / "old", b"new"),
        changed(tmp_path / "made", b"new", None),
        Change(link, b"was", b"new", ""),
        changed(tmp_path / "empty", b"{}", b"was"),
    ]
    (tmp_path / "target").write_bytes(b"was")
    closed = Change(tmp_path / "file" / "x", None, b"new", "")
    with pytest.raises(NotWritable):
        change.carry_out([*changes, closed], may_go=[tmp_path / "empty"])
    assert (tmp_path / "old").read_bytes() == b"{}"
    assert not (tmp_path / "made").exists()
    assert link.is_symlink()
    assert (tmp_path / "target").read_bytes() == b"was"
    assert (tmp_path / "empty").read_bytes() == b"was"
    change.carry_out(changes, may_go=[tmp_path / "empty"])
    assert (tmp_path / "old").read_bytes() == (tmp_path / "made").read_bytes() == b"new"
    assert not (tmp_path / "empty").exists()


def test_none_of_them_where_a_person_stops_it(path: Path) -> None:
    class Stopped(Change):
        def carry_out(self) -> None:
            raise KeyboardInterrupt

    path.write_bytes(b"was")
    with pytest.raises(KeyboardInterrupt):
        change.carry_out([Change(path, b"was", b"new", ""), Stopped(path.with_name("other"), None, b"new", "")])
    assert path.read_bytes() == b"was"


@pytest.mark.parametrize(
    ("after", "may_go", "stays"),
    [
        (b"{}\n", True, False),
        (b" \n", True, False),
        (b"{}", False, True),
        (b'{"a": 1}', True, True),
    ],
)
def test_a_file_of_ours_goes_where_nothing_is_left_in_it(
    tmp_path: Path, after: bytes, may_go: bool, stays: bool
) -> None:
    path = tmp_path / "x"
    change.carry_out([changed(path, after, b"was")], may_go=[path] if may_go else [])
    assert path.exists() is stays
    assert not stays or path.read_bytes() == after


def test_what_cannot_be_taken_back_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    Change(tmp_path / "folder", None, b"new", "").take_back()
    (tmp_path / "file").write_bytes(b"")
    Change(tmp_path / "file" / "x", b"was", b"new", "").take_back()
    assert (tmp_path / "folder").is_dir()
    assert (tmp_path / "file").read_bytes() == b""


def test_a_link_and_what_does_not_change_stay(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "target")
    (tmp_path / "target").write_bytes(b"was")
    Change(link, b"was", b"{}", "").carry_out_or_remove()
    assert (link.is_symlink(), (tmp_path / "target").read_bytes()) == (True, b"{}")
    changed(tmp_path / "same", b"{}", b"{}").carry_out_or_remove()
    assert (tmp_path / "same").exists()


# --- Beside other programs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("meanwhile", [b'{"theirs": 1}', None])
@pytest.mark.parametrize("may_go", [True, False])
@pytest.mark.parametrize("after", [b"{}", b'{"ours": 1}'])
def test_what_somebody_wrote_meanwhile_is_not_written_over(
    path: Path, meanwhile: bytes | None, may_go: bool, after: bytes
) -> None:
    other = path.with_name("other")
    changes = [changed(other, b"new", b"was"), changed(path, after, b"was")]
    put(path, meanwhile)
    with pytest.raises(ChangedMeanwhile) as caught:
        change.carry_out(changes, may_go=[path] if may_go else [])
    assert caught.value.facts == {"path": str(path)}
    assert content(path) == meanwhile
    assert other.read_bytes() == b"was", "all of them or none"


def test_a_file_that_somebody_made_meanwhile(path: Path) -> None:
    change_of_none = Change(path, None, b"ours", "")
    path.write_bytes(b"theirs")
    with pytest.raises(ChangedMeanwhile):
        change_of_none.carry_out()
    assert path.read_bytes() == b"theirs"
    assert list(path.parent.iterdir()) == [path], "nothing is left behind"


@pytest.mark.parametrize("before", [b"was", None])
@pytest.mark.parametrize("meanwhile", [b"theirs", b"ours", None])
def test_what_somebody_wrote_since_is_not_taken_back(path: Path, before: bytes | None, meanwhile: bytes | None) -> None:
    made = Change(path, before, b"ours", "")
    put(path, before)
    made.carry_out()
    put(path, meanwhile)
    made.take_back()
    assert content(path) == (meanwhile if meanwhile == b"theirs" else before)


def test_taken_back_a_link_to_nothing_is_one_again(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "target")
    made = Change(link, None, b"ours", "")
    made.carry_out()
    made.take_back()
    assert link.is_symlink()
    assert not link.exists()


@pytest.mark.parametrize("disturbed", [0, 1, 9])
def test_it_is_made_anew_by_what_the_file_says_then(path: Path, disturbed: int) -> None:
    path.write_text('{"n": 0}')
    readings: list[int] = []

    def attempt() -> int:
        found = cred_helpers.entered(path, "h")
        readings.append(json.loads(path.read_text())["n"])
        if len(readings) <= disturbed:
            path.write_text(f'{{"n": {len(readings)}}}')
        found.carry_out()
        return len(readings)

    assert change.made_anew(attempt) == disturbed + 1
    assert readings == list(range(disturbed + 1))
    assert json.loads(path.read_text()) == {"n": disturbed, "credHelpers": {"h": "harbor"}}


def test_a_file_that_changes_each_time_is_let_be(path: Path) -> None:
    attempts = []

    def attempt() -> None:
        attempts.append(path)
        raise ChangedMeanwhile(path=path)

    with pytest.raises(ChangedMeanwhile, match=r"config\.json was changed by another program"):
        change.made_anew(attempt)
    assert len(attempts) == 10


def put(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(content)


def content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def test_two_changes_in_one(path: Path) -> None:
    nothing, first = Change(path, b"a", b"a", "so it is"), Change(path, b"a", b"b", "first", ours=("x",))
    second = Change(path, b"b", b"c", "second", ours=("y",))
    both = first.and_then(second)
    assert (both.before, both.after, both.what, set(both.ours)) == (b"a", b"c", "first; second", {"x", "y"})
    assert nothing.and_then(first).what == "first"
    assert first.and_then(Change(path, b"b", b"b", "so it is")).what == "first"
    assert nothing.and_then(Change(path, b"a", b"a", "and so")).what == "and so"


# --- Previews ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, ["- b"]),
        ({}, {"a": {"b": "secret", "c": "ours"}}, ["+ a.b", '+ a.c = "ours"']),
        ({"a": "secret"}, {"a": "other"}, ["~ a"]),
        ({"a": "secret"}, {"a": "ours"}, ['~ a = "ours"']),
        ({"a": "ours"}, {}, ["- a"]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        ({"a": {"b": 1}}, {"a": {}}, ["- a.b"]),
        ({"a": {"b": 1}}, {"a": []}, ["- a.b"]),
        ({"a": {"b": 1}}, {}, ["- a.b"]),
        ({"a": {"b": {"c": 1}}}, {"a": "x"}, ["~ a"]),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": 2}}, ["~ a.b"]),
        ({"a": 1}, {"a": {"b": "ours"}}, ['+ a.b = "ours"']),
        ({"a": {"b": 1}, "c": 2}, {"a": {"b": 1, "d": 3}, "c": 4}, ["+ a.d", "~ c"]),
        ({"a b.c": {"ü": 1}}, {}, ['- "a b.c"."ü"']),
        ({}, {"a\x1b": 1}, ['+ "a\\\\x1b"']),
        ({}, {"a": ["ours"]}, ["+ a"]),
        ({}, {"a": None}, ["+ a"]),
        ({"aa": {"b": 1}}, {"aa": {"b": 1}, "a": {}}, ["+ a"]),
    ],
)
def test_a_line_a_member_and_no_value_but_ours(before: object, after: object, expected: list[str]) -> None:
    assert preview.lines(before, after, ("ours",)) == expected


def test_of_a_change_that_names_none_no_value_is_ours(path: Path) -> None:
    assert Change(path, None, b'{"a": "secret"}', "").preview() == [f"{path} (new)", "  + a"]


# --- What was made ----------------------------------------------------------------------------------------------------


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


def test_which_files_setup_made_is_noted_until_they_are_gone(state: Path) -> None:
    assert made_files.noted().files == set()
    made_files.forget_those_gone()
    assert list(state.iterdir()) == [], "nothing is noted for nothing"
    one, two = state / "one", state / "two"
    one.write_bytes(b"")
    made_files.note([one])
    made_files.note([two])
    assert made_files.noted().files == {one, two}
    [note] = state.rglob("setup.json")
    assert json.loads(note.read_text()) == {"version": 1, "made": [str(one), str(two)]}
    assert note.stat().st_mode & 0o777 == 0o600
    made_files.forget_those_gone()
    assert made_files.noted().files == {one}
    one.unlink()
    made_files.forget_those_gone()
    assert json.loads(note.read_text()) == {"version": 1, "made": []}


def test_which_stores_setup_entered_is_noted_until_the_file_goes_or_is_settled(state: Path) -> None:
    one, two, three = state / "one", state / "two", state / "three"
    one.write_bytes(b"")
    made_files.note([], {one: "pass", two: "x"})
    made_files.note([one], {two: "secretservice"})
    made_files.note([one])
    assert made_files.noted() == made_files.Made({one}, {one: "pass", two: "secretservice"})
    [note] = state.rglob("setup.json")
    assert json.loads(note.read_text())["stores"] == {str(one): "pass", str(two): "secretservice"}
    made_files.forget_those_gone()
    assert made_files.noted() == made_files.Made({one}, {one: "pass"})
    three.write_bytes(b"")
    made_files.note([], {three: "x"})
    made_files.forget_those_gone(path for path in (one, two))
    assert made_files.noted() == made_files.Made({one}, {three: "x"})


def test_what_is_made_is_noted_before_and_forgotten_where_it_fails(state: Path) -> None:
    one, two = state / "one", state / "two"
    with made_files.noting([one], {one: "x"}):
        assert made_files.noted() == made_files.Made({one}, {one: "x"})
    with suppress(KeyboardInterrupt), made_files.noting([two], {two: "x"}):
        assert made_files.noted() == made_files.Made({one, two}, {one: "x", two: "x"})
        raise KeyboardInterrupt
    assert made_files.noted() == made_files.Made({one}, {one: "x"})


@pytest.mark.parametrize("stores", ["[]", "5", "null"])
def test_a_note_of_stores_that_cannot_be_used(state: Path, stores: str) -> None:
    made_files.note([state / "x"], {state / "x": "pass"})
    [note] = state.rglob("setup.json")
    note.write_text(f'{{"version": 1, "made": [], "stores": {stores}}}')
    assert made_files.noted() == made_files.Made(set(), {})


@pytest.mark.parametrize("content", ["", "[]", "{", '{"version": 2, "made": ["/x"]}', '{"version": 1, "made": [5]}'])
def test_a_note_that_cannot_be_used_is_as_good_as_none(state: Path, content: str) -> None:
    made_files.note([state / "x"])
    [note] = state.rglob("setup.json")
    note.write_text(content)
    assert made_files.noted().files == set()
    made_files.note([state / "y"])
    assert made_files.noted().files == {state / "y"}
