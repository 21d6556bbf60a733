"""A disk that is full, out of inodes or read-only: real file systems, filled before and at the worst moment."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.conftest import need
from tests.flows.conftest import NOT_FOUND
from tests.lab import faults
from tests.lab.processes import wait_until
from tests.lab.said import failure_in
from tests.lab.small_disk import SmallDisk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lab.faults import Fault, FaultProxy
    from tests.lab.keycloak import Keycloak
    from tests.lab.realm import Realm
    from tests.lab.sealed_home import Helper
    from tests.lab.web import Exchange
    from tests.lab.workplace import Workplace

    MakeWorkplace = Callable[..., Workplace]
    MakeDisk = Callable[..., SmallDisk]

SECRET = "Another-Secret-0123456789"
LITTLE = ("size=256k", "size=4m,nr_inodes=30")
IDS = ("blocks", "inodes")


@pytest.fixture
def make_disk(tmp_path: Path) -> Iterator[MakeDisk]:
    """Puts small disks in the place of folders that are empty: `make_disk(folder, options)`."""
    need("a file system of one's own", "run the tests as root, and where mount is allowed", may_mount(tmp_path))
    made = []

    def make(folder: Path, options: str = LITTLE[0]) -> SmallDisk:
        made.append(SmallDisk(folder, options))
        return made[-1]

    yield make
    for disk in made:
        disk.close()


def may_mount(tmp_path: Path) -> bool:
    return os.geteuid() == 0 and shutil.which("mount") is not None and SmallDisk.possible(tmp_path / "try")


def while_asked(disk: SmallDisk) -> Fault:
    """The disk gets full between the question and the answer."""

    def fill(exchange: Exchange, proxy: FaultProxy) -> None:
        status, headers, body = proxy.true_answer(exchange)
        disk.fill()
        exchange.answer(status, body, headers)

    return fill


def token_path(realm: Realm) -> str:
    return f"/{realm.endpoint('token').split('/', 3)[3]}"


def told(errors: str, code: str) -> str:
    lines = [line for line in errors.splitlines() if "opening a browser" not in line]
    assert lines, errors
    assert all(f"[{code}] " in line for line in lines), errors
    return failure_in(lines[0])


class TestRefresh:
    @pytest.fixture
    def signed_in(
        self, make_workplace: MakeWorkplace, make_proxy: Callable[..., FaultProxy], keycloak: Keycloak
    ) -> Workplace:
        """Strict rotation; the next `get` has to refresh our tokens to find out the new secret."""
        self.proxy = make_proxy(keycloak.url)
        return make_workplace({"revoke_refresh_token": True}, through=self.proxy, top="cache_ttl = 0")

    def let_refresh_be_due(self, workplace: Workplace) -> None:
        workplace.let_id_token_expire()
        workplace.harbor.set_secret("alice-h", SECRET)

    @pytest.mark.parametrize("options", LITTLE, ids=IDS)
    def test_nothing_is_asked_of_the_provider_that_could_not_be_kept(
        self, signed_in: Workplace, make_disk: MakeDisk, options: str
    ) -> None:
        disk = make_disk(signed_in.helper.home.folders["XDG_DATA_HOME"], options)
        signed_in.pair()
        self.let_refresh_be_due(signed_in)
        disk.fill()
        answer = signed_in.get()
        assert (answer.returncode, answer.stdout) == (1, NOT_FOUND)
        assert "make room on that file system" in told(answer.stderr, "no-space")
        disk.free()
        assert signed_in.pair() == ("alice-h", SECRET)
        assert signed_in.person.windows == 1
        assert signed_in.own_token_is_live()

    @pytest.mark.parametrize("options", LITTLE, ids=IDS)
    def test_what_was_asked_for_is_kept_though_the_disk_is_full_by_then(
        self, signed_in: Workplace, make_disk: MakeDisk, options: str
    ) -> None:
        disk = make_disk(signed_in.helper.home.folders["XDG_DATA_HOME"], options)
        signed_in.pair()
        self.let_refresh_be_due(signed_in)
        self.proxy.set(token_path(signed_in.realm), while_asked(disk))
        answer = signed_in.get()
        self.proxy.clear()
        assert json.loads(answer.stdout)["Secret"] == SECRET, answer.stderr
        disk.free()
        assert signed_in.own_token_is_live()
        assert signed_in.pair() == ("alice-h", SECRET)
        assert signed_in.person.windows == 1

    def test_no_room_is_left_behind(self, signed_in: Workplace) -> None:
        signed_in.pair()
        self.let_refresh_be_due(signed_in)
        self.proxy.set(token_path(signed_in.realm), faults.status(503))
        assert "status 503" in signed_in.get().stderr
        assert not [path.name for path in signed_in.helper.home.path.rglob(".*") if path.is_file()]


class TestSignIn:
    @pytest.mark.parametrize("options", LITTLE, ids=IDS)
    @pytest.mark.parametrize("variable", ["XDG_DATA_HOME", "XDG_STATE_HOME"])
    def test_nobody_is_asked_for_what_could_not_be_kept(
        self, workplace: Workplace, make_disk: MakeDisk, variable: str, options: str
    ) -> None:
        disk = make_disk(workplace.helper.home.folders[variable], options)
        disk.fill()
        answer = workplace.get()
        assert (answer.returncode, answer.stdout) == (1, NOT_FOUND)
        assert told(answer.stderr, "no-space")
        assert workplace.person.windows == 0
        disk.free()
        workplace.end_pause()
        assert workplace.pair()[0] == "alice-h"

    @pytest.mark.parametrize("variable", ["XDG_DATA_HOME", "XDG_STATE_HOME"])
    def test_what_was_signed_in_is_kept_though_the_disk_is_full_by_then(
        self,
        make_workplace: MakeWorkplace,
        make_proxy: Callable[..., FaultProxy],
        make_disk: MakeDisk,
        variable: str,
        keycloak: Keycloak,
    ) -> None:
        proxy = make_proxy(keycloak.url)
        workplace = make_workplace(through=proxy)
        disk = make_disk(workplace.helper.home.folders[variable])
        proxy.set(token_path(workplace.realm), while_asked(disk), times=1)
        answer = workplace.get()
        assert json.loads(answer.stdout)["Username"] == "alice-h", answer.stderr
        if variable == "XDG_STATE_HOME":
            assert "No space left" in answer.stderr
        disk.free()
        assert workplace.pair()[0] == "alice-h"
        assert workplace.person.windows == 1

    def test_read_only(self, workplace: Workplace, make_disk: MakeDisk) -> None:
        disk = make_disk(workplace.helper.home.folders["XDG_DATA_HOME"])
        disk.make_read_only()
        answer = workplace.get()
        assert "name another place (XDG_DATA_HOME" in told(answer.stderr, "read-only-file-system")
        assert workplace.person.windows == 0
        disk.make_read_only(False)
        workplace.end_pause()
        pair = workplace.pair()
        disk.make_read_only()
        assert workplace.pair() == pair
        workplace.end_trust_window()
        assert workplace.pair() == pair


class TestEveryPlace:
    """The line is right wherever the disk is full, and what is known goes out."""

    def test_notes_and_the_windows_note(self, make_workplace: MakeWorkplace, make_disk: MakeDisk) -> None:
        workplace = make_workplace(top="cache_ttl = 0")
        disk = make_disk(workplace.helper.home.folders["XDG_STATE_HOME"])
        pair = workplace.pair()
        disk.fill()
        answer = workplace.get()
        assert (json.loads(answer.stdout)["Username"], json.loads(answer.stdout)["Secret"]) == pair
        assert told(answer.stderr, "no-space")
        assert workplace.helper.run("erase", workplace.name).returncode == 0
        assert workplace.helper.run("list").stdout == "{}\n"

    def test_erase_ends_a_sign_in_under_way(self, make_workplace: MakeWorkplace, make_disk: MakeDisk) -> None:
        workplace = make_workplace()
        notes = workplace.helper.home.folders["XDG_STATE_HOME"]
        disk = make_disk(notes)
        waiting = workplace.start_get(BROWSER="true")  # which shows nobody anything
        try:
            wait_until(lambda: any(b'"url"' in note.read_bytes() for note in notes.rglob("window.json")), "a link", 60)
            disk.fill()
            assert workplace.helper.run("erase", workplace.name).returncode == 0
            _, said = waiting.communicate(timeout=60)
        finally:
            waiting.kill()
        assert "was ended before it was finished" in said.decode()

    @pytest.mark.parametrize("trouble", ["full", "read-only"])
    def test_status_and_keepalive_without_notes(
        self, make_workplace: MakeWorkplace, make_disk: MakeDisk, trouble: str
    ) -> None:
        """What Harbor answers counts; without the lock it is not even asked."""
        workplace = make_workplace(top="cache_ttl = 0")
        disk = make_disk(workplace.helper.home.folders["XDG_STATE_HOME"], "size=64k")
        workplace.pair()
        code = "no-space" if trouble == "full" else "read-only-file-system"
        disk.fill() if trouble == "full" else disk.make_read_only()
        for away in (False, True):
            if away:
                workplace.harbor.down()
            status, kept_alive = workplace.helper.run(["status", "--json"]), workplace.helper.run(["keepalive"])
            row = json.loads(status.stdout)["registries"][0]
            expected = "ready" if trouble == "full" and not away else "unreachable"
            assert (row["state"], row["username"], status.returncode) == (expected, "alice-h", 0)
            assert kept_alive.returncode == (0 if trouble == "full" else 1)
            assert f"[{code}] " in kept_alive.stderr
            assert (f"[{code}] " in status.stderr) == (trouble == "full")

    @pytest.mark.parametrize("place", ["configuration", "Docker"])
    def test_setup(self, helper: Helper, make_disk: MakeDisk, place: str) -> None:
        folders = {"configuration": helper.home.folders["XDG_CONFIG_HOME"], "Docker": helper.home.docker_config}
        disk = make_disk(folders[place])
        before = b'{"auths": {}}'
        (helper.home.docker_config / "config.json").write_bytes(before)
        disk.fill()
        answer = helper.run(["setup", "--no-login", "harbor.example.com"])
        assert answer.returncode == 1
        assert "make room on that file system" in told(answer.stderr, "no-space")
        assert (helper.home.docker_config / "config.json").read_bytes() == before
        disk.free()
        assert helper.run(["setup", "--no-login", "harbor.example.com"]).returncode == 0

    def test_a_pair_is_not_stored_and_the_older_one_stays(self, helper: Helper, make_disk: MakeDisk) -> None:
        helper.configure('storage = "file"\n')
        disk = make_disk(helper.home.folders["XDG_DATA_HOME"])
        first, second = (
            json.dumps({"ServerURL": "ghcr.io", "Username": "alice", "Secret": secret}) for secret in ("one", "two")
        )
        assert helper.run("store", first).returncode == 0
        disk.fill()
        answer = helper.run("store", second)
        assert answer.returncode == 1
        assert "No space left on device" in answer.stdout
        assert json.loads(helper.get("ghcr.io").stdout)["Secret"] == "one"


class TestErase:
    """What is to go goes from a full disk, too, and what is to stay stays."""

    @pytest.mark.parametrize("options", LITTLE, ids=IDS)
    @pytest.mark.parametrize("stays", [(), ("quay.io",)], ids=["alone", "beside another"])
    def test_a_stored_pair(self, helper: Helper, make_disk: MakeDisk, options: str, stays: tuple[str, ...]) -> None:
        helper.configure('storage = "file"\n')
        disk = make_disk(helper.home.folders["XDG_DATA_HOME"], options)
        for server in ("ghcr.io", *stays):
            pair = json.dumps({"ServerURL": server, "Username": "alice", "Secret": f"Secret of {server}"})
            assert helper.run("store", pair).returncode == 0
        disk.fill()
        answer = helper.run("erase", "ghcr.io")
        assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
        files = [path for path in disk.folder.rglob("*") if path.is_file()]
        assert not any(b"Secret of ghcr.io" in path.read_bytes() for path in files)
        assert helper.get("ghcr.io").stdout == NOT_FOUND
        assert json.loads(helper.run("list").stdout) == dict.fromkeys(stays, "alice")
        for server in stays:
            assert json.loads(helper.get(server).stdout)["Secret"] == f"Secret of {server}"

    def test_a_sign_in(self, workplace: Workplace, make_disk: MakeDisk) -> None:
        disk = make_disk(workplace.helper.home.folders["XDG_DATA_HOME"])
        workplace.pair()
        disk.fill()
        answer = workplace.helper.run(["logout", workplace.name])
        assert (answer.returncode, answer.stderr) == (0, "")
        assert not list(disk.folder.rglob("secrets.json"))
        assert workplace.helper.run("list").stdout == "{}\n"
