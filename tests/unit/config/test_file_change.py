"""What `setup` changes in a file, all of it or nothing, beside programs that write there, too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from docker_credential_harbor.config import file_change
from docker_credential_harbor.config.clients import cred_helpers
from docker_credential_harbor.config.file_change import Change
from docker_credential_harbor.errors import ChangedMeanwhile, NotWritable

# --- Carried out ------------------------------------------------------------------------------------------------------


def changed(path: Path, after: bytes, before: bytes | None = b"{}") -> Change:
    if before is not None:
        path.write_bytes(before)
    return Change(path, before, after, "what")


def test_what_is_no_change() -> None:
    path = Path("x")
    assert file_change.none(path, "so it is") == Change(path, None, b"", "so it is")
    assert file_change.none(path, "so it is").is_none
    assert file_change.none(path, "so it is").preview() == []
    assert not Change(path, None, b"{}", "").is_none
    assert not Change(path, b"{}", b"", "").is_none


def test_no_change_is_not_written(tmp_path: Path) -> None:
    file_change.carry_out([file_change.none(tmp_path / "a" / "x", "")])
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
        file_change.carry_out([*changes, closed], may_go=[tmp_path / "empty"])
    assert (tmp_path / "old").read_bytes() == b"{}"
    assert not (tmp_path / "made").exists()
    assert link.is_symlink()
    assert (tmp_path / "target").read_bytes() == b"was"
    assert (tmp_path / "empty").read_bytes() == b"was"
    file_change.carry_out(changes, may_go=[tmp_path / "empty"])
    assert (tmp_path / "old").read_bytes() == (tmp_path / "made").read_bytes() == b"new"
    assert not (tmp_path / "empty").exists()


def test_none_of_them_where_a_person_stops_it(path: Path) -> None:
    class Stopped(Change):
        def carry_out(self) -> None:
            raise KeyboardInterrupt

    path.write_bytes(b"was")
    with pytest.raises(KeyboardInterrupt):
        file_change.carry_out([Change(path, b"was", b"new", ""), Stopped(path.with_name("other"), None, b"new", "")])
    assert path.read_bytes() == b"was"


@pytest.mark.parametrize("before", [b"was", None])
def test_nor_the_one_at_whose_end_it_is_stopped(path: Path, before: bytes | None) -> None:
    class Stopped(Change):
        def carry_out(self) -> None:
            super().carry_out()
            raise KeyboardInterrupt

    put(path, before)
    with pytest.raises(KeyboardInterrupt):
        file_change.carry_out([Stopped(path, before, b"new", "")])
    assert content(path) == before


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
    file_change.carry_out([changed(path, after, b"was")], may_go=[path] if may_go else [])
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
        file_change.carry_out(changes, may_go=[path] if may_go else [])
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

    assert file_change.made_anew(attempt) == disturbed + 1
    assert readings == list(range(disturbed + 1))
    assert json.loads(path.read_text()) == {"n": disturbed, "credHelpers": {"h": "harbor"}}


def test_a_file_that_changes_each_time_is_let_be(path: Path) -> None:
    attempts = []

    def attempt() -> None:
        attempts.append(path)
        raise ChangedMeanwhile(path=path)

    with pytest.raises(ChangedMeanwhile, match=r"config\.json was changed by another program"):
        file_change.made_anew(attempt)
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
