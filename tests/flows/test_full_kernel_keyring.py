"""The kernel's keyring has no room: an ordinary user's real quota, used up before or at the worst moment."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import need
from tests.flows.test_full_disk import token_path
from tests.lab import kernel_keyring
from tests.lab.key_user import KeyUser
from tests.lab.said import failure_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.lab.faults import FaultProxy
    from tests.lab.keycloak import Keycloak
    from tests.lab.web import Exchange
    from tests.lab.workplace import Workplace

    MakeWorkplace = Callable[..., Workplace]

IN_A_FILE = "the sign-in is kept in a file that only this user can read ("
QUOTA = "this user's share of the kernel's memory is used up"


@pytest.fixture
def user() -> Iterator[KeyUser]:
    need("kernel keyring", "a kernel with CONFIG_KEYS, and no filter before it", kernel_keyring.is_open())
    need("another user", "run the tests as root; apt-get install util-linux", KeyUser.possible())
    somebody = KeyUser()
    yield somebody
    somebody.close()


def move_in(workplace: Workplace, user: KeyUser, tmp_path: Path, storage: str = "auto") -> None:
    workplace.helper.program = user.launcher(tmp_path, workplace.helper.program)
    workplace.helper.home.environment["DOCKER_CREDENTIAL_HARBOR_STORAGE"] = storage


def kept_in(workplace: Workplace) -> str:
    [index] = workplace.helper.home.folders["XDG_DATA_HOME"].rglob("index.json")
    backend: str = json.loads(index.read_text())["sign_ins"][workplace.name]["backend"]
    return backend


@pytest.mark.parametrize("size", [4000, 10], ids=["bytes", "keys"])
def test_auto_goes_on_to_the_file_with_one_warning(
    workplace: Workplace, user: KeyUser, tmp_path: Path, size: int
) -> None:
    move_in(workplace, user, tmp_path)
    user.fill(size)
    answer = workplace.get()
    assert json.loads(answer.stdout)["Username"] == "alice-h", answer.stderr
    assert answer.stderr.count(IN_A_FILE) == 1
    assert QUOTA in answer.stderr
    assert "[" not in answer.stderr
    assert kept_in(workplace) == "file"
    workplace.end_trust_window()
    again = workplace.get()
    assert (again.returncode, again.stderr) == (0, "")
    assert workplace.person.windows == 1


def test_kernel_names_the_quota_before_anybody_is_asked(workplace: Workplace, user: KeyUser, tmp_path: Path) -> None:
    move_in(workplace, user, tmp_path, "kernel")
    user.fill()
    line = failure_in(workplace.refused())
    assert QUOTA in line
    assert "kernel.keys.maxbytes" in workplace.helper.run("doctor", workplace.name).stdout
    assert workplace.person.windows == 0
    user.free()
    workplace.end_pause()
    assert workplace.pair()[0] == "alice-h"
    assert kept_in(workplace) == "kernel"
    assert workplace.helper.run("erase", workplace.name).returncode == 0


def test_used_up_while_the_person_signs_in(
    make_workplace: MakeWorkplace,
    make_proxy: Callable[..., FaultProxy],
    keycloak: Keycloak,
    user: KeyUser,
    tmp_path: Path,
) -> None:
    proxy = make_proxy(keycloak.url)
    workplace = make_workplace(through=proxy)
    move_in(workplace, user, tmp_path)

    def fill(exchange: Exchange, proxy: FaultProxy) -> None:
        status, headers, body = proxy.true_answer(exchange)
        user.fill()
        exchange.answer(status, body, headers)

    proxy.set(token_path(workplace.realm), fill, times=1)
    answer = workplace.get()
    assert json.loads(answer.stdout)["Username"] == "alice-h", answer.stderr
    assert answer.stderr.count(IN_A_FILE) == 1
    assert kept_in(workplace) == "file"
    assert workplace.person.windows == 1


LARGER = """
import json, os, pathlib, secrets
from docker_credential_harbor.storage.credential_store import CredentialStore
from docker_credential_harbor.model import SignIn, TokenSet
from docker_credential_harbor.warm_get import kernel_keys

def sign_in(token):
    return SignIn(TokenSet("https://sso", "1", "alice", ("a",), token, 1.0, "refresh", 300.0))

small, large = sign_in(secrets.token_urlsafe(1000)), sign_in(secrets.token_urlsafe(9000))
folder, name = pathlib.Path(sys.argv[1]), "harbor.example.com"
os.environ["DBUS_SESSION_BUS_ADDRESS"] = "disabled:"
store = CredentialStore("auto", folder)
store.save_sign_in(name, small)
before = store.kept_in(name)
try:
    for number in range(300):
        kernel_keys.add(b"filler %d" % number, b"x" * 2000, kernel_keys.PROCESS)
except OSError:
    pass
store.check(name)
again = store.load_sign_in(name) == small
store.save_sign_in(name, large)
kept = CredentialStore("auto", folder)
index = json.loads((folder / "index.json").read_text())["sign_ins"][name]
in_kernel = kernel_keys.read(b"docker-credential-harbor:sign-in " + name.encode(), kernel_keys.persistent_keyring())
loaded, deleted = kept.load_sign_in(name) == large, kept.delete_sign_in(name)
print(json.dumps([before, again, loaded, index, in_kernel is None, deleted]))
"""


def test_a_larger_token_that_no_longer_fits_is_not_lost(user: KeyUser, tmp_path: Path) -> None:
    """What lies in the kernel is replaced by the next refresh while others have used the rest up."""
    run = subprocess.run(user.python(LARGER, str(tmp_path / "data")), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    index = {"username": "", "backend": "file"}
    assert json.loads(run.stdout) == ["kernel", True, True, index, True, True]
    assert run.stderr.count(IN_A_FILE) == 1
    assert QUOTA in run.stderr


GROUPS = """
import base64, json, pathlib, secrets
from docker_credential_harbor.storage.backends.kernel_keyring import KernelKeyring
groups = [f"/companies/example/departments/{secrets.token_hex(2)}/team-{number}" for number in range(400)]
claims = base64.urlsafe_b64encode(json.dumps({"groups": groups}).encode()).decode()
token = f"{secrets.token_urlsafe(60)}.{claims}.{secrets.token_urlsafe(256)}"
value = json.dumps({"tokens": {"id_token": token, "refresh_token": secrets.token_urlsafe(500)}})
kernel = KernelKeyring()
kernel.set("sign-in harbor.example.com", value)
print(len(value), kernel.get("sign-in harbor.example.com") == value)
kernel.delete("sign-in harbor.example.com")
"""


def test_four_hundred_groups_fit(user: KeyUser) -> None:
    run = subprocess.run(user.python(GROUPS), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    length, whole = run.stdout.split()
    assert int(length) > 20_000
    assert whole == "True"


LEAVE = """
from docker_credential_harbor.warm_get import remembered
from docker_credential_harbor.warm_get import memory_file
from docker_credential_harbor.storage.backends.kernel_keyring import KernelKeyring
KernelKeyring().set("sign-in harbor.example.com", "s")
remembered.remember("harbor.example.com", b"s", b"", 100)
memory_file.add(b"docker-credential-harbor:remembered:harbor.example.com", b"s", timeout_seconds=100)
"""
LIST = """
from pathlib import Path
print(Path("/proc/keys").read_text())
"""


def test_that_user_leaves_nothing_behind(user: KeyUser) -> None:
    subprocess.run(user.python(LEAVE), check=True)
    list_keys = user.python(LIST)
    assert "docker-credential-harbor:" in subprocess.run(list_keys, capture_output=True, text=True, check=True).stdout
    user.close()
    kept = subprocess.run(list_keys, capture_output=True, text=True, check=True).stdout
    assert "docker-credential-harbor:" not in kept
    assert not Path(f"/dev/shm/docker-credential-harbor-{user.uid}").exists()
