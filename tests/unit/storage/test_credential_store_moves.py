"""Where the store keeps, moves and leaves values, and in which words it says so; over backends in memory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from docker_credential_harbor.errors import Busy, StoreDamaged, StoreFull, StoreUnavailable
from docker_credential_harbor.model import Credentials, SignIn, StorageChoice, StoredPair
from docker_credential_harbor.storage import credential_store
from docker_credential_harbor.storage.backends import choice
from docker_credential_harbor.storage.backends.os_keyring import OsKeyring
from docker_credential_harbor.storage.backends.private_file import PrivateFile
from docker_credential_harbor.storage.credential_store import CredentialStore
from docker_credential_harbor.system.lock import hold
from docker_credential_harbor.system.time_limit import Allowance
from tests.unit.storage.test_codec import SIGN_IN, TOKENS
from tests.unit.storage.test_credential_store import NAME, STORED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from docker_credential_harbor.storage.backends.backend import Backend

NEWER = SignIn(TOKENS, Credentials("alice", "NEWER-SECRET"))


class Fake:
    """A backend in memory that fails as it is told to."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.values: dict[str, str] = {}
        self.reserved: list[tuple[str, int]] = []
        self.writes = 0
        self.fault: StoreUnavailable | None = None
        self.keeps_all = False

    def get(self, key: str) -> str | None:
        return self.values.get(self._used(key))

    def set(self, key: str, value: str) -> None:
        self.values[self._used(key)] = value
        self.writes += 1

    def delete(self, key: str) -> None:
        if self.keeps_all:
            raise unavailable(self.name)
        self.values.pop(self._used(key), None)

    def reserve(self, key: str, size: int) -> None:
        self.reserved.append((self._used(key), size))

    def _used(self, key: str) -> str:
        if self.fault:
            raise self.fault
        return key


def unavailable(name: str) -> StoreUnavailable:
    return StoreUnavailable(backend=name, reason="gone")


class Backends(dict[str, Fake]):
    """``auto`` takes the keyring, then the kernel, then the file, which nothing comes after."""

    def __init__(self) -> None:
        super().__init__({name: Fake(name) for name in ("keyring", "kernel", "file")})
        self.opened: list[tuple[str, str | None, bool]] = []

    def open(
        self, choice: str, keyring: OsKeyring, file: PrivateFile, *, noted: str | None, for_stored_pair: bool
    ) -> tuple[Backend, str]:
        assert isinstance(keyring, OsKeyring)
        assert isinstance(file, PrivateFile)
        self.opened.append((choice, noted, for_stored_pair))
        return self[noted or ("keyring" if choice == "auto" else choice)], f"as {choice}"

    def next(
        self, failed: Backend, failure: StoreUnavailable, file: PrivateFile, *, for_stored_pair: bool
    ) -> tuple[Backend, str]:
        assert isinstance(file, PrivateFile)
        after = "kernel" if failed.name == "keyring" and not for_stored_pair else "file"
        return self[after], f"since {failure.message}"


@pytest.fixture
def backends(monkeypatch: pytest.MonkeyPatch) -> Backends:
    made = Backends()
    monkeypatch.setattr(choice, "open_backend", made.open)
    monkeypatch.setattr(choice, "next_backend", made.next)
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def opened(folder: Path, choice: StorageChoice = "auto") -> tuple[CredentialStore, list[str]]:
    store, told = CredentialStore(choice, folder), list[str]()
    store.tell = told.append
    return store, told


def index(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "index.json").read_text())
    return content


def kept(backends: Backends) -> dict[str, list[str]]:
    return {name: sorted(fake.values) for name, fake in backends.items() if fake.values}


# --- Where it goes ----------------------------------------------------------------------------------------------------


def test_each_kind_under_a_key_of_its_own(folder: Path, backends: Backends) -> None:
    store, told = opened(folder)
    store.save_sign_in("h", SIGN_IN)
    store.save_stored("h", STORED)
    assert kept(backends) == {"keyring": ["sign-in h", "stored h"]}
    assert [for_stored for _, _, for_stored in backends.opened] == [False, True]
    assert told == []
    value = json.loads(backends["keyring"].values["sign-in h"])
    assert value["version"] == 1
    assert backends["keyring"].values["sign-in h"] == json.dumps(value, separators=(",", ":"), sort_keys=True)


def test_what_has_not_changed_is_not_written_again(folder: Path, backends: Backends) -> None:
    store, _ = opened(folder)
    for _ in range(2):
        store.save_sign_in("h", SIGN_IN)
    assert backends["keyring"].writes == 1
    store.save_sign_in("h", NEWER)
    assert backends["keyring"].writes == 2


def test_what_was_never_kept_goes_on_to_the_next_backend_and_that_is_told(folder: Path, backends: Backends) -> None:
    store, told = opened(folder)
    backends["keyring"].fault = unavailable("keyring")
    store.save_sign_in("h", SIGN_IN)
    assert kept(backends) == {"kernel": ["sign-in h"]}
    assert told == [
        "the sign-in is kept in the kernel's memory, until a reboot (since the keyring cannot be used (gone))"
    ]
    entry = {"username": "alice", "backend": "kernel", "left_in": "keyring"}  # it may have come to it after all
    assert index(folder)["sign_ins"] == {"h": entry}
    backends["kernel"].fault = unavailable("kernel")
    store.save_sign_in("i", SIGN_IN)
    assert kept(backends)["file"] == ["sign-in i"]
    assert told[1:] == [
        "the sign-in is kept in a file that only this user can read (since the kernel cannot be used (gone))"
    ]
    assert index(folder)["sign_ins"]["i"]["left_in"] == "kernel keyring"


def test_a_stored_pair_skips_the_kernel(folder: Path, backends: Backends) -> None:
    store, _ = opened(folder)
    backends["keyring"].fault = unavailable("keyring")
    store.save_stored("h", STORED)
    assert kept(backends) == {"file": ["stored h"]}


@pytest.mark.parametrize("choice", ["keyring", "kernel", "file"])
def test_a_choice_is_replaced_by_nothing(folder: Path, backends: Backends, choice: StorageChoice) -> None:
    store, told = opened(folder, choice)
    backends[choice].fault = fault = unavailable(choice)
    with pytest.raises(StoreUnavailable) as caught:
        store.save_sign_in("h", SIGN_IN)
    assert caught.value is fault
    assert (kept(backends), told) == ({}, [])


@pytest.mark.parametrize("choice", ["keyring", "kernel", "file"])
def test_what_lies_in_the_chosen_one_is_not_taken_for_nothing_while_that_is_gone(
    folder: Path, backends: Backends, choice: StorageChoice
) -> None:
    store, _ = opened(folder, choice)
    store.save_sign_in("h", SIGN_IN)
    backends[choice].fault = fault = unavailable(choice)
    with pytest.raises(StoreUnavailable) as caught:
        store.load_sign_in("h")
    assert caught.value is fault


def test_after_the_file_comes_nothing(folder: Path, backends: Backends) -> None:
    store, _ = opened(folder)
    for name, fake in backends.items():
        fake.fault = unavailable(name)
    with pytest.raises(StoreUnavailable) as caught:
        store.save_sign_in("h", SIGN_IN)
    assert caught.value is backends["file"].fault
    assert store.list() == {}
    assert store.load_stored("h") is None


# --- What is there already --------------------------------------------------------------------------------------------


def test_out_of_a_kernel_that_is_full_it_goes_on(folder: Path, backends: Backends) -> None:
    store, told = opened(folder)
    backends["keyring"].fault = unavailable("keyring")
    store.save_sign_in("h", SIGN_IN)
    backends["keyring"].fault = None
    write, backends["kernel"].set = backends["kernel"].set, full  # type: ignore[method-assign]
    store.save_sign_in("h", NEWER)
    backends["kernel"].set = write  # type: ignore[method-assign]
    assert kept(backends) == {"file": ["sign-in h"]}
    assert index(folder)["sign_ins"]["h"] == {"username": "alice", "backend": "file"}
    assert store.load_sign_in("h") == NEWER
    assert len(told) == 2


def full(key: str, value: str) -> None:
    raise StoreFull(backend="kernel", reason=f"{key} of {len(value)}")


def test_an_older_copy_that_could_not_be_removed_goes_with_the_next_change(folder: Path, backends: Backends) -> None:
    opened(folder)[0].save_sign_in("h", SIGN_IN)
    backends["keyring"].keeps_all = True
    store, _ = opened(folder, "file")
    store.save_sign_in("h", NEWER)
    assert kept(backends) == {"keyring": ["sign-in h"], "file": ["sign-in h"]}
    assert index(folder)["sign_ins"]["h"] == {"username": "alice", "backend": "file", "left_in": "keyring"}
    assert store.load_sign_in("h") == NEWER
    store.save_sign_in("h", NEWER)
    assert index(folder)["sign_ins"]["h"]["left_in"] == "keyring"
    backends["keyring"].keeps_all = False
    store.save_sign_in("h", NEWER)
    assert kept(backends) == {"file": ["sign-in h"]}
    assert index(folder)["sign_ins"]["h"] == {"username": "alice", "backend": "file"}


def test_a_removal_takes_older_copies_and_tells_of_those_that_stay(
    folder: Path, backends: Backends, capsys: pytest.CaptureFixture[str]
) -> None:
    opened(folder)[0].save_sign_in("h", SIGN_IN)
    backends["keyring"].keeps_all = True
    store, _ = opened(folder, "file")
    store.save_sign_in("h", NEWER)
    assert store.delete_sign_in("h") is True
    assert kept(backends) == {"keyring": ["sign-in h"]}
    assert (
        "[store-unavailable] an older copy of what was kept for h is still there: the keyring cannot be used (gone)"
        in capsys.readouterr().err
    )
    assert index(folder)["sign_ins"]["h"] == {"username": "", "backend": "file", "left_in": "keyring"}
    assert store.list() == {}
    assert store.load_sign_in("h") is None
    assert store.delete_sign_in("h") is False, "it is still there, and was not the person's any more"
    backends["keyring"].keeps_all = False
    assert store.delete_sign_in("h") is True
    assert (kept(backends), index(folder)["sign_ins"]) == ({}, {})
    assert store.delete_sign_in("h") is False


def test_a_value_that_cannot_be_removed_stays_in_the_index(folder: Path, backends: Backends) -> None:
    store, _ = opened(folder)
    store.save_stored("h", STORED)
    backends["keyring"].keeps_all = True
    with pytest.raises(StoreUnavailable):
        store.delete_stored("h")
    assert store.list() == {"h": "robot$ci"}


# --- What is said of it -----------------------------------------------------------------------------------------------


def test_which_backend_counts_for_a_registry(folder: Path, backends: Backends) -> None:  # noqa: ARG001
    store, _ = opened(folder)
    assert store.kept_in("h") is None
    opened(folder, "file")[0].save_sign_in("h", SIGN_IN)
    assert store.kept_in("h") == "file"
    store.save_stored("https://h", STORED)
    assert store.kept_in("h") == "keyring", "a stored pair goes first"
    assert store.kept_in("i") is None


def test_where_it_lies_or_would_go(folder: Path, backends: Backends) -> None:
    store, _ = opened(folder)
    assert store.where("h") == ("keyring", "as auto")
    opened(folder, "kernel")[0].save_sign_in("h", SIGN_IN)
    opened(folder, "file")[0].save_stored("https://h", STORED)
    backends.opened.clear()
    assert store.where("h")[0] == "kernel"
    assert store.where("h", stored=True)[0] == "file"
    assert backends.opened == [("auto", "kernel", False), ("auto", "file", True)]


def test_only_a_file_that_nobody_chose_is_worth_a_remark(folder: Path, backends: Backends) -> None:
    store, _ = opened(folder)
    assert store.remark("h") is None
    opened(folder, "kernel")[0].save_sign_in("h", SIGN_IN)
    opened(folder, "file")[0].save_stored("https://h", STORED)
    assert store.remark("h") is None
    assert opened(folder, "file")[0].remark("h", stored=True) is None
    told = "the sign-in is kept in a file that only this user can read (as auto)"
    assert store.remark("h", stored=True) == told
    backends["keyring"] = backends["file"]
    assert store.remark("i") == told


def test_room_is_taken_beforehand_in_the_backend_and_for_the_index(folder: Path, backends: Backends) -> None:
    store, _ = opened(folder)
    store.check("h")
    store.check("h", stored=True)
    assert backends["keyring"].reserved == [("sign-in h", 6000), ("stored https://h", 6000)]
    [room] = folder.glob(".index.json.*.room")
    assert room.stat().st_size == len('{\n "sign_ins": {},\n "stored": {},\n "version": 1\n}') + 1024, (
        "an entry may take so much"
    )
    store.save_sign_in("h", SIGN_IN)
    assert list(folder.glob("*.room")) == []
    store.check("h")
    assert list(folder.glob(".*.room")) == [], "its entry is there already"


def test_room_where_it_lies_already(folder: Path, backends: Backends) -> None:
    opened(folder, "kernel")[0].save_sign_in("h", SIGN_IN)
    opened(folder)[0].check("h")
    assert backends["kernel"].reserved == [("sign-in h", 6000)]
    assert backends["keyring"].reserved == []


def test_room_in_the_next_backend_where_the_first_fails(folder: Path, backends: Backends) -> None:
    store, _ = opened(folder)
    backends["keyring"].fault = unavailable("keyring")
    store.check("h")
    assert backends["kernel"].reserved == [("sign-in h", 6000)]
    store.check("h", stored=True)
    assert backends["file"].reserved == [("stored https://h", 6000)]
    assert len(backends["kernel"].reserved) == 1, "no stored pair goes there"
    assert store.list() == {}


# --- Damage, locks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("{", "it is not JSON"),
        ('{"version": 2}', "another version of this program wrote it"),
        ("[]", "it is not what this program writes"),
        ('{"version": 1}', "it is not what this program writes"),
        (
            '{"version": 1, "pair": {"username": 5, "secret": "s"}, "kind": "robot"}',
            "it is not what this program writes",
        ),
        ('{"version": 1, "pair": {"username": "u", "secret": "s"}, "kind": "?"}', "'?' is not a valid PairKind"),
        ('{"version": 1, "pair": "alice", "kind": "robot"}', "it is not what this program writes"),
    ],
)
def test_a_damaged_value_by_its_place_and_reason(folder: Path, backends: Backends, value: str, reason: str) -> None:
    store, _ = opened(folder)
    store.save_stored("h", STORED)
    backends["keyring"].values["stored h"] = value
    with pytest.raises(StoreDamaged) as caught:
        store.load_stored("h")
    assert caught.value.facts == {"place": "what the keyring keeps for h", "reason": reason}


def test_an_entry_without_a_value_is_nothing(folder: Path, backends: Backends) -> None:
    store, _ = opened(folder)
    store.save_stored("h", STORED)
    backends["keyring"].values.clear()
    assert store.load_stored("h") is None


@pytest.mark.parametrize(
    ("entry", "is_one"),
    [
        ({"username": "u", "backend": "file"}, True),
        ({"username": "u", "backend": "file", "left_in": "kernel"}, True),
        ({"username": "u"}, False),
        ({"backend": "file"}, False),
        ({"username": "u", "backend": 1}, False),
        ({"username": 1, "backend": "file"}, False),
        ({"username": "u", "backend": "file", "left_in": None}, False),
        ([], False),
    ],
)
@pytest.mark.parametrize("section", ["sign_ins", "stored"])
def test_entries_of_the_index(folder: Path, section: str, entry: object, is_one: bool) -> None:
    folder.mkdir()
    content = {"version": 1, "sign_ins": {}, "stored": {}, section: {"h": entry}}
    (folder / "index.json").write_text(json.dumps(content))
    store, _ = opened(folder)
    if is_one:
        assert list(store.list().values()) == ["u"]
        return
    with pytest.raises(StoreDamaged) as caught:
        store.list()
    reason = "an entry is not what this program writes"
    assert caught.value.facts == {"place": str(folder / "index.json"), "reason": reason}


def test_an_index_of_another_version(folder: Path) -> None:
    folder.mkdir()
    (folder / "index.json").write_text('{"version": 2, "sign_ins": {}, "stored": {}}')
    with pytest.raises(StoreDamaged, match=r"\(another version of this program wrote it\)"):
        opened(folder)[0].list()


def test_the_index_can_be_read_by_people(folder: Path, backends: Backends) -> None:  # noqa: ARG001
    store, _ = opened(folder)
    store.save_stored("b", STORED)
    store.save_stored("a", STORED)
    text = (folder / "index.json").read_text()
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True)
    assert list(store.list()) == ["a", "b"]


def test_while_another_process_changes_it(folder: Path, backends: Backends) -> None:
    store = CredentialStore("auto", folder, allowance=Allowance(0.05))
    store.save_stored("h", STORED)
    calls: list[Callable[[], object]] = [
        lambda: store.save_sign_in("h", SIGN_IN),
        lambda: store.delete_stored("h"),
        lambda: store.check("h"),
    ]
    with hold(folder / "index.lock", 0):
        for call in calls:
            with pytest.raises(Busy) as caught:
                call()
            assert caught.value.facts == {"what_runs": "change of what is kept", "registry": "this user"}
        assert store.load_stored("h") == STORED
        assert store.delete_stored("i") is False
    assert kept(backends) == {"keyring": ["stored h"]}


def test_what_a_killed_writer_left_goes_with_a_removal(folder: Path) -> None:
    store, _ = opened(folder, "file")
    store.save_stored("h", STORED)
    left = folder / ".secrets.json.1-ab.tmp"
    left.write_text("a secret")
    assert store.delete_stored("i") is False
    assert not left.exists()


def test_what_a_killed_writer_left_goes_with_a_change(folder: Path) -> None:
    store, _ = opened(folder, "file")
    store.save_stored("h", STORED)
    left = [folder / f".{name}.json.1-ab.tmp" for name in ("index", "secrets")]
    for path in left:
        path.write_text("a secret")
    store.save_stored("i", STORED)
    assert not any(path.exists() for path in left)


@pytest.mark.parametrize("number", [9_999_999_999_999.0, -9_999_999_999_999.0, 0, None])
def test_numbers_within_their_range(folder: Path, number: float | None) -> None:
    store, _ = opened(folder, "file")
    sign_in = SignIn(TOKENS._replace(refreshed_at=number))
    store.save_sign_in(NAME, sign_in)
    assert store.load_sign_in(NAME) == sign_in


@pytest.mark.parametrize("number", [1e13, -1e13])
def test_numbers_out_of_range(folder: Path, number: float) -> None:
    store, _ = opened(folder, "file")
    store.save_sign_in(NAME, SignIn(TOKENS._replace(id_token_expires_at=number)))
    with pytest.raises(StoreDamaged, match=r"\(a number in it is out of range\)"):
        store.load_sign_in(NAME)


@pytest.mark.parametrize(
    "changes",
    [
        *({name: 5} for name in ("issuer", "subject", "person", "id_token", "refresh_token")),
        {"audience": ["a", None]},
        {"audience": None},
        {"id_token_expires_at": None},
        {"access_token_life_seconds": "x"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_sign_in_with_one_wrong_member(folder: Path, backends: Backends, changes: dict[str, Any]) -> None:
    store, _ = opened(folder)
    store.save_sign_in("h", SIGN_IN)
    value = json.loads(backends["keyring"].values["sign-in h"])
    value["tokens"].update(changes)
    backends["keyring"].values["sign-in h"] = json.dumps(value)
    with pytest.raises(StoreDamaged):
        store.load_sign_in("h")


def test_what_the_keyring_is_told_of_time_and_persons(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    made: list[tuple[Any, ...]] = []
    monkeypatch.setattr(credential_store, "OsKeyring", lambda *parts: made.append(parts))
    allowance, for_check = Allowance(3), Allowance(4)
    CredentialStore("auto", folder, allowance=allowance, may_prompt=True, for_check=for_check)
    CredentialStore("auto", folder)
    assert made == [(allowance, True, for_check), (Allowance(10), False, None)]


def test_a_pair_of_a_kind_that_is_not_known(folder: Path) -> None:
    store, _ = opened(folder, "file")
    store.save_stored("h", StoredPair(Credentials("u", "s")))
    assert store.load_stored("h") == StoredPair(Credentials("u", "s"))
