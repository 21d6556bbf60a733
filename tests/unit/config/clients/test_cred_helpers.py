"""A client's credHelpers: our entry in its file, everything else as it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.config.clients import cred_helpers
from docker_credential_harbor.errors import ClientConfigInvalid, NotWritable

if TYPE_CHECKING:
    from pathlib import Path


def add(path: Path, registry: str) -> bool:
    """Whether the entry had to be made."""
    change = cred_helpers.entered(path, registry)
    change.carry_out()
    return not change.is_none


def take_out(path: Path, registry: str) -> bool:
    change = cred_helpers.taken_out(path, registry)
    change.carry_out()
    return not change.is_none


def test_a_missing_file_is_made(tmp_path: Path) -> None:
    path = tmp_path / ".docker" / "config.json"
    assert add(path, "harbor.example.com") is True
    assert json.loads(path.read_text()) == {"credHelpers": {"harbor.example.com": "harbor"}}
    assert path.stat().st_mode & 0o777 == 0o600


def test_everything_else_is_kept_in_its_order(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    before = {
        "auths": {"z.example.com": {"auth": "YTpi"}, "a.example.com": {}},
        "credHelpers": {"gcr.io": "gcloud"},
        "psFormat": "Ünï\t{{.ID}}",
        "unknown": [1, 2.5, None],
    }
    path.write_text(json.dumps(before))
    path.chmod(0o640)
    assert add(path, "h:8443") is True
    after = json.loads(path.read_text())
    assert after["credHelpers"] == {"gcr.io": "gcloud", "h:8443": "harbor"}
    assert {**after, "credHelpers": before["credHelpers"]} == before
    assert list(after) == list(before)
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    add(path, "h")
    written = path.stat()
    assert add(path, "h") is False
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (written.st_mtime_ns, written.st_ino)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target = tmp_path / "dotfiles" / "docker.json"
    target.parent.mkdir()
    target.write_text("{}")
    path = tmp_path / "config.json"
    path.symlink_to(target)
    add(path, "h")
    assert path.is_symlink()
    assert json.loads(target.read_text()) == {"credHelpers": {"h": "harbor"}}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{\n "a": 1,,\n}', ":2 cannot be used: it is not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"credHelpers": []}', "not a JSON object"),
        (b"\xff\xff", "not JSON"),
    ],
)
def test_a_broken_file_is_named_and_left_as_it_is(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(ClientConfigInvalid, match=r"config\.json") as caught:
        add(path, "h")
    assert reason in str(caught.value)
    assert path.read_bytes() == content


def test_an_empty_file_counts_as_missing(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text("\n")
    assert add(path, "h") is True


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotWritable):
        add(tmp_path / "file" / "config.json", "h")


@pytest.mark.parametrize("indent", ["  ", "    ", "\t"])
def test_taken_out_again_it_is_what_it_was(tmp_path: Path, indent: str) -> None:
    path = tmp_path / "config.json"
    content = json.dumps({"auths": {"z": {"auth": "YTpi"}}, "psFormat": "ü"}, indent=indent, ensure_ascii=False) + "\n"
    path.write_text(content)
    assert add(path, "h")
    assert take_out(path, "h")
    assert path.read_text() == content
    assert not take_out(path, "h")


def test_another_helpers_entry_is_not_ours_to_take_out(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"credHelpers": {"h": "pass"}}')
    assert not take_out(path, "h")
    assert add(path, "h"), "who names us for it now does not mean the other one"
    assert not take_out(tmp_path / "none.json", "h")
    assert not (tmp_path / "none.json").exists()


OURS = '+ credHelpers.h = "harbor"'

PREVIEWS = [
    ("{}", [OURS]),
    ('{"credHelpers": {}}', [OURS]),
    ('{"credHelpers": null}', [OURS]),
    ('{"credHelpers": {"h": "pass", "a.b:1": "x"}, "auths": {"h": {"auth": "YTpi"}}}', ['~ credHelpers.h = "harbor"']),
    ('{"CREDHELPERS": {"a.b:1": "x"}}', ['- CREDHELPERS."a.b:1"', '+ credHelpers."a.b:1"', OURS]),
    ('{"credHelpers": {"h": {"x": {"y": 1}}}}', ['~ credHelpers.h = "harbor"']),
    ('\ufeff{"credHelpers": {"h": "harbor"}}', ["(written anew, with the same in it)"]),
]


@pytest.mark.parametrize(("content", "expected"), PREVIEWS)
def test_a_preview_shows_what_changes_and_nothing_else(tmp_path: Path, content: str, expected: list[str]) -> None:
    path = tmp_path / "config.json"
    path.write_text(content)
    change = cred_helpers.entered(path, "h")
    assert change.preview() == [str(path), *(f"  {line}" for line in expected)]
    change.carry_out()
    assert cred_helpers.entered(path, "h").preview() == []


def test_a_preview_of_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "new.json"
    assert cred_helpers.entered(path, "h").preview() == [f"{path} (new)", '  + credHelpers.h = "harbor"']


@pytest.mark.parametrize("content", ['{"credHelpers": {}, "credHelpers": {}}', '{"auths": {"h": {}, "h": {}}}'])
def test_a_member_twice_is_left_to_the_person(tmp_path: Path, content: str) -> None:
    """Docker takes both; written anew, one of them would be lost."""
    path = tmp_path / "config.json"
    path.write_text(content)
    with pytest.raises(ClientConfigInvalid, match="twice in one place"):
        cred_helpers.entered(path, "h")
    assert path.read_text() == content


def test_null_is_as_good_as_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"auths": null, "credHelpers": null}')
    assert add(path, "h") is True
    assert json.loads(path.read_text()) == {"auths": None, "credHelpers": {"h": "harbor"}}


def test_half_a_character_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"psFormat": "\\ud800 \u00fc"}')
    assert add(path, "h") is True
    assert json.loads(path.read_text())["psFormat"] == "\ud800 \u00fc"


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
