"""What is kept and listed, where, and what a kill or damage leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from docker_credential_harbor.errors import Busy, StoreDamaged, StoreUnavailable
from docker_credential_harbor.model import Credentials, PairKind, SignIn, StorageChoice, StoredPair
from docker_credential_harbor.storage import credential_store
from docker_credential_harbor.storage.backends import choice, private_file
from docker_credential_harbor.storage.backends.private_file import PrivateFile
from docker_credential_harbor.storage.credential_store import CredentialStore
from docker_credential_harbor.system.lock import hold
from docker_credential_harbor.system.time_limit import Allowance
from tests.unit.storage.test_codec import SIGN_IN, TOKENS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STORED = StoredPair(Credentials("robot$ci", "ROBOT-SECRET"), PairKind.ROBOT)
NAME = "harbor.example.com:8443"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def store(folder: Path) -> CredentialStore:
    return CredentialStore("file", folder)


@pytest.mark.parametrize(
    "sign_in",
    [
        SIGN_IN,
        SignIn(TOKENS),
        SignIn(TOKENS._replace(refresh_token_life_seconds=0.0)),
        SignIn(
            TOKENS._replace(
                refresh_token=None,
                access_token_life_seconds=None,
                refresh_token_life_seconds=None,
                refreshed_at=None,
                audience=(),
            )
        ),
    ],
    ids=["whole", "without a pair", "without an end", "as little as can be"],
)
def test_a_sign_in(folder: Path, store: CredentialStore, sign_in: SignIn) -> None:
    assert store.load_sign_in(NAME) is None
    store.save_sign_in(NAME, sign_in)
    assert CredentialStore("file", folder).load_sign_in(NAME) == sign_in
    assert store.load_sign_in("other") is None
    assert store.load_stored(NAME) is None


def test_a_sign_in_that_an_older_version_kept(folder: Path, store: CredentialStore) -> None:
    store.save_sign_in(NAME, SIGN_IN)
    path = folder / "secrets.json"
    document = json.loads(path.read_text())
    [(key, value)] = document["values"].items()
    kept = json.loads(value)
    del kept["tokens"]["refresh_token_life_seconds"], kept["tokens"]["refreshed_at"]
    path.write_text(json.dumps({**document, "values": {key: json.dumps(kept)}}))
    older = TOKENS._replace(refresh_token_life_seconds=None, refreshed_at=None)
    assert store.load_sign_in(NAME) == SIGN_IN._replace(tokens=older)


@pytest.mark.parametrize("kind", PairKind)
def test_a_stored_pair(folder: Path, store: CredentialStore, kind: PairKind) -> None:
    stored = STORED._replace(kind=kind)
    store.save_stored("https://h", stored)
    assert CredentialStore("file", folder).load_stored("https://h") == stored


def test_what_it_has_to_tell_is_told_where_nobody_asks_otherwise(
    store: CredentialStore, capsys: pytest.CaptureFixture[str]
) -> None:
    store.tell("kept elsewhere")
    assert capsys.readouterr().err == "docker-credential-harbor: kept elsewhere\n"


def test_reading_makes_nothing(folder: Path, store: CredentialStore) -> None:
    assert store.load_sign_in(NAME) is None
    assert store.list() == {}
    assert store.delete_stored(NAME) is False
    assert not folder.exists()


def test_the_list(store: CredentialStore) -> None:
    store.save_sign_in(NAME, SIGN_IN)
    store.save_sign_in("not-onboarded.example.com", SignIn(TOKENS))
    store.save_sign_in("both", SIGN_IN)
    store.save_stored("https://both", STORED)
    store.save_stored("https://index.docker.io/v1/", StoredPair(Credentials("bob", "x")))
    assert store.list() == {
        f"https://{NAME}": "alice",
        "https://both": "robot$ci",
        "https://index.docker.io/v1/": "bob",
    }


def test_deleted(folder: Path, store: CredentialStore) -> None:
    store.save_sign_in(NAME, SIGN_IN)
    store.save_stored(NAME, STORED)
    assert store.delete_sign_in(NAME) is True
    assert store.delete_sign_in(NAME) is False
    assert store.load_sign_in(NAME) is None
    assert store.load_stored(NAME) == STORED
    assert store.delete_stored(NAME) is True
    assert store.list() == {}
    assert not (folder / "secrets.json").exists()


def test_nothing_secret_is_in_the_index(folder: Path, store: CredentialStore) -> None:
    store.save_sign_in(NAME, SIGN_IN)
    store.save_stored(NAME, STORED)
    assert json.loads((folder / "index.json").read_text()) == {
        "version": 1,
        "sign_ins": {NAME: {"username": "alice", "backend": "file"}},
        "stored": {NAME: {"username": "robot$ci", "backend": "file"}},
    }


def test_unchanged_is_not_written(folder: Path, store: CredentialStore) -> None:
    store.save_sign_in(NAME, SIGN_IN)
    before = [(folder / name).stat().st_mtime_ns for name in ("index.json", "secrets.json")]
    store.save_sign_in(NAME, SIGN_IN)
    assert [(folder / name).stat().st_mtime_ns for name in ("index.json", "secrets.json")] == before


class Killed(BaseException):
    pass


def changes(monkeypatch: pytest.MonkeyPatch, allowed: int) -> None:
    """The process is killed at the change after so many."""
    left = [allowed]

    def counted(change: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            if not left[0]:
                raise Killed
            left[0] -= 1
            return change(*arguments, **options)

        return run

    for module, name in (
        (credential_store, "write_private"),
        (credential_store, "write_shorter"),
        (private_file, "write_private"),
        (private_file, "write_shorter"),
        (private_file, "remove"),
    ):
        monkeypatch.setattr(module, name, counted(getattr(module, name)))


@pytest.mark.parametrize("before", [None, SIGN_IN])
def test_killed_while_saving_at_any_change(
    folder: Path, store: CredentialStore, monkeypatch: pytest.MonkeyPatch, before: SignIn | None
) -> None:
    new = SignIn(TOKENS, Credentials("bob", "NEW-SECRET"))
    for allowed in range(4):
        with monkeypatch.context() as patch:
            store.delete_sign_in(NAME)
            if before:
                store.save_sign_in(NAME, before)
            changes(patch, allowed)
            try:
                store.save_sign_in(NAME, new)
            except Killed:
                assert store.load_sign_in(NAME) in (before, new)
                assert store.list() == ({f"https://{NAME}": "alice"} if before else {})
            else:
                assert store.load_sign_in(NAME) == new
                assert store.list() == {f"https://{NAME}": "bob"}
        store.delete_sign_in(NAME)
        assert not any("SECRET" in file.read_text() for file in folder.glob("*"))


def test_killed_while_deleting(store: CredentialStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.save_sign_in(NAME, SIGN_IN)
    with monkeypatch.context() as patch:
        changes(patch, 1)
        with pytest.raises(Killed):
            store.delete_sign_in(NAME)
    assert store.load_sign_in(NAME) is None
    assert store.delete_sign_in(NAME) is True
    assert store.list() == {}


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b'{"version": 2, "sign_ins": {}, "stored": {}}', b'{"version": 1, "sign_ins": {"h": 1}'],
)
def test_a_damaged_index_is_left_as_it_is(folder: Path, store: CredentialStore, content: bytes) -> None:
    folder.mkdir()
    (folder / "index.json").write_bytes(content)
    calls: list[Callable[[], object]] = [
        store.list,
        lambda: store.load_sign_in(NAME),
        lambda: store.save_sign_in(NAME, SIGN_IN),
        lambda: store.delete_sign_in(NAME),
    ]
    for call in calls:
        with pytest.raises(StoreDamaged, match=r"index\.json"):
            call()
    assert (folder / "index.json").read_bytes() == content


@pytest.mark.parametrize(
    "value", ["", "{", "[]", '{"version":2}', '{"version":1}', '{"version":1,"tokens":{"id_token":"eyJ-ID"},"pair":0}']
)
def test_a_damaged_value_is_told_without_it_and_can_be_deleted(
    folder: Path, store: CredentialStore, value: str
) -> None:
    store.save_sign_in(NAME, SIGN_IN)
    PrivateFile(folder).set(f"sign-in {NAME}", value)
    with pytest.raises(StoreDamaged, match=NAME) as caught:
        store.load_sign_in(NAME)
    assert "eyJ" not in str(caught.value)
    assert store.delete_sign_in(NAME) is True


def test_another_change_is_awaited_only_so_long(folder: Path) -> None:
    with hold(folder / "index.lock", 0), pytest.raises(Busy, match="another change"):
        CredentialStore("file", folder, allowance=Allowance(0.05)).save_stored(NAME, STORED)


def test_what_killed_writers_left_goes_under_the_lock(folder: Path) -> None:
    """One that is at work has such a file, too."""
    store = CredentialStore("file", folder, allowance=Allowance(0.05))
    store.save_stored(NAME, STORED)
    left = folder / ".secrets.json.1-ab.tmp"
    left.write_text("a secret")
    with hold(folder / "index.lock", 0), pytest.raises(Busy):
        store.delete_stored("of which nothing is kept")
    assert left.exists()
    assert store.delete_stored("of which nothing is kept") is False
    assert not left.exists()


def test_several_processes_lose_nothing(folder: Path) -> None:
    """Each keeps and removes what is its own; one takes away, again and again, what killed writers left."""
    program = (
        "import sys, pathlib\n"
        "from docker_credential_harbor.model import Credentials, StoredPair\n"
        "from docker_credential_harbor.storage.credential_store import CredentialStore\n"
        "from docker_credential_harbor.system.time_limit import Allowance\n"
        "folder, writer = pathlib.Path(sys.argv[1]), sys.argv[2]\n"
        "store = CredentialStore('file', folder, allowance=Allowance(60))\n"
        "for number in range(20):\n"
        "    if writer == '0':\n"
        "        (folder / '.secrets.json.1-ab.tmp').write_text('of a killed one')\n"
        "    store.check(f'{writer}/{number}', stored=True)\n"
        "    store.save_stored(f'{writer}/{number}', StoredPair(Credentials('u', 's')))\n"
        "    if number % 2 or writer == '0':\n"
        "        assert store.delete_stored(f'{writer}/{number}')\n"
    )
    folder.mkdir()
    writers = [subprocess.Popen([sys.executable, "-c", program, str(folder), str(writer)]) for writer in range(4)]
    assert [writer.wait(90) for writer in writers] == [0] * 4
    store = CredentialStore("file", folder)
    kept = {f"{writer}/{number}" for writer in range(1, 4) for number in range(0, 20, 2)}
    assert set(store.list()) == kept
    assert {key for key in kept if store.load_stored(key) == StoredPair(Credentials("u", "s"))} == kept
    assert {path.name for path in folder.iterdir()} == {"index.json", "index.lock", "secrets.json"}


class Memory:
    def __init__(self, name: str) -> None:
        self.name = name
        self.values: dict[str, str] = {}
        self.gone = False

    def get(self, key: str) -> str | None:
        self._use()
        return self.values.get(key)

    def set(self, key: str, value: str) -> None:
        self._use()
        self.values[key] = value

    def delete(self, key: str) -> None:
        self._use()
        self.values.pop(key, None)

    def reserve(self, key: str, size: int) -> None:  # noqa: ARG002
        self._use()

    def _use(self) -> None:
        if self.gone:
            raise StoreUnavailable(backend=self.name, reason="gone")


@pytest.fixture
def backends(monkeypatch: pytest.MonkeyPatch) -> dict[str, Memory]:
    """Three of them: ``auto`` takes the keyring, and else the file."""
    made = {name: Memory(name) for name in ("keyring", "kernel", "file")}

    def open_backend(choice: str, *_: object, noted: str | None, **__: object) -> tuple[Memory, str]:
        auto = "file" if made["keyring"].gone else "keyring"
        return made[noted or (auto if choice == "auto" else choice)], "why"

    monkeypatch.setattr(choice, "open_backend", open_backend)
    return made


def test_the_noted_backend_is_kept_and_never_replaced(folder: Path, backends: dict[str, Memory]) -> None:
    store = CredentialStore("auto", folder)
    store.save_sign_in(NAME, SIGN_IN)
    assert store.where(NAME)[0] == "keyring"
    backends["keyring"].gone = True
    calls: list[Callable[[], object]] = [
        lambda: store.load_sign_in(NAME),
        lambda: store.save_sign_in(NAME, SignIn(TOKENS)),
    ]
    for call in calls:
        with pytest.raises(StoreUnavailable, match="gone"):
            call()
    assert not backends["file"].values
    assert store.list() == {f"https://{NAME}": "alice"}


@pytest.mark.parametrize("gone", [False, True])
@pytest.mark.parametrize("choice", ["file", "kernel"])
def test_another_choice_in_the_configuration_moves_it_at_the_next_change(
    folder: Path, backends: dict[str, Memory], gone: bool, choice: StorageChoice
) -> None:
    CredentialStore("auto", folder).save_sign_in(NAME, SIGN_IN)
    backends["keyring"].gone = gone
    store = CredentialStore(choice, folder)
    assert store.load_sign_in(NAME) == (None if gone else SIGN_IN)
    store.save_sign_in(NAME, SIGN_IN)
    assert store.load_sign_in(NAME) == SIGN_IN
    assert store.where(NAME)[0] == choice
    assert bool(backends["keyring"].values) is gone


def test_for_a_stored_pair_kernel_means_auto(folder: Path, backends: dict[str, Memory]) -> None:
    CredentialStore("auto", folder).save_stored(NAME, STORED)
    backends["keyring"].gone = True
    store = CredentialStore("kernel", folder)
    calls: list[Callable[[], object]] = [lambda: store.load_stored(NAME), lambda: store.save_stored(NAME, STORED)]
    for call in calls:
        with pytest.raises(StoreUnavailable, match="gone"):
            call()


def test_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert credential_store.data_folder().is_relative_to(tmp_path)


def test_half_a_character_is_damage(folder: Path, store: CredentialStore) -> None:
    store.save_sign_in(NAME, SIGN_IN)
    place = folder / "secrets.json"
    place.write_text(place.read_text().replace("CLI-SECRET", r"\\ud800"))
    with pytest.raises(StoreDamaged):
        store.load_sign_in(NAME)


@pytest.mark.parametrize("number", [pytest.param(10**400, id="huge"), float("nan"), float("inf"), 1e300, -1e300])
def test_a_number_out_of_range_is_damage(folder: Path, store: CredentialStore, number: float) -> None:
    store.save_sign_in(NAME, SIGN_IN)
    place = folder / "secrets.json"
    document = json.loads(place.read_text())
    for key, value in document["values"].items():
        kept = json.loads(value)
        kept["tokens"]["refreshed_at"] = number
        document["values"][key] = json.dumps(kept)
    place.write_text(json.dumps(document))
    with pytest.raises(StoreDamaged):
        store.load_sign_in(NAME)
