"""Where secrets and notes lie, and what lies in the way: a keyring or a D-Bus that hangs, folders that cannot be used.

Real parts: gnome-keyring and dbus-daemon are stopped (SIGSTOP), so that they take every request and answer none.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.flows.conftest import NOT_FOUND
from tests.flows.faulty import ANOTHER, SETTINGS, SHORT, check, in_time, timed, told
from tests.lab import faults
from tests.lab.pace import paced
from tests.lab.processes import wait_until
from tests.lab.realm import HELPER_CLIENT
from tests.lab.said import failure_in
from tests.lab.workplace import expire_kept_id_token

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lab.faults import FaultProxy
    from tests.lab.sealed_home import Helper
    from tests.lab.secret_service import Part, SecretService
    from tests.lab.web import Exchange
    from tests.lab.workplace import Workplace

    MakeWorkplace = Callable[..., Workplace]

SERVER = "harbor.example.com"
ROBOT = ("robot$ci", "Robot-Secret-1")
SECRET = "Another-Secret-0123456789"
PARTS: tuple[Part, ...] = ("keyring", "bus")


def payload(username: str, secret: str, server: str = SERVER) -> str:
    return json.dumps({"ServerURL": server, "Username": username, "Secret": secret})


@pytest.fixture
def with_keyring(helper: Helper, secret_bus: SecretService) -> Helper:
    """A robot's pair in a real keyring, for a Harbor that nobody asks."""
    helper.home.environment.update(secret_bus.environment)
    helper.configure(f'[registries."{SERVER}"]\n[registries."127.0.0.1:1"]\n')
    assert helper.run("store", payload(*ROBOT)).returncode == 0
    return helper


class TestKeyringThatHangs:
    @pytest.mark.parametrize("part", PARTS)
    def test_every_request_of_docker_ends_in_time(
        self, with_keyring: Helper, secret_bus: SecretService, part: Part
    ) -> None:
        helper = with_keyring
        secret_bus.stop(part)
        limit = in_time(helper)
        for verb, request in (
            ("get", SERVER),
            ("store", payload("robot$ci", "Robot-Secret-2")),
            ("store", payload("alice", "s")),
            ("erase", SERVER),
            ("list", ""),
        ):
            run = timed(helper, verb, request, SHORT)
            answer = run.answer
            assert run.seconds < limit, f"{verb}: {run.seconds:.1f} s"
            if verb == "list":
                assert json.loads(answer.stdout) == {f"https://{SERVER}": ROBOT[0]}
                continue
            check(answer.stderr, ROBOT[1])
            said = answer.stderr if verb == "get" else answer.stdout
            assert answer.returncode == 1
            assert "the operating system's keyring cannot be used" in said
            # Where the bus itself hangs, keyring may find that out before we do, and call it none.
            assert "(no answer within" in said or part == "bus"
            assert said.count("\n") == 1
            assert answer.stdout == NOT_FOUND or verb != "get"
        secret_bus.go_on(part)
        assert json.loads(helper.get(SERVER).stdout)["Secret"] == ROBOT[1], "nothing was kept late, nothing erased"

    def test_a_get_with_nothing_kept_does_not_ask_it(self, with_keyring: Helper, secret_bus: SecretService) -> None:
        secret_bus.stop("keyring")
        for server in ("ghcr.io", "127.0.0.1:1"):
            answer = with_keyring.get(server, {"CI": "1", **SHORT})
            assert (answer.returncode, answer.stdout) == (1, NOT_FOUND)
            assert "keyring" not in answer.stderr

    @pytest.mark.parametrize("part", PARTS)
    def test_a_sign_in_is_kept_elsewhere(
        self, make_workplace: MakeWorkplace, secret_bus: SecretService, part: Part
    ) -> None:
        """`auto`: a keyring that hangs is none."""
        workplace = make_workplace()
        workplace.helper.home.environment |= {
            **secret_bus.environment,
            "DOCKER_CREDENTIAL_HARBOR_STORAGE": "auto",
        }
        secret_bus.stop(part)
        assert workplace.pair(DOCKER_CREDENTIAL_HARBOR_TIMEOUT="5")[0] == "alice-h"
        [index] = workplace.helper.home.folders["XDG_DATA_HOME"].rglob("index.json")
        assert json.loads(index.read_text())["sign_ins"][workplace.name]["backend"] != "keyring"
        secret_bus.go_on(part)
        assert workplace.pair()[0] == "alice-h"
        assert workplace.person.windows == 1

    def test_between_the_providers_answer_and_the_save(
        self, make_workplace: MakeWorkplace, make_proxy: Callable[..., FaultProxy], secret_bus: SecretService
    ) -> None:
        """The pair that works is given with a line, in time; what could not be kept costs one more refresh."""
        workplace = make_workplace()
        proxy = make_proxy(workplace.harbor.url)
        workplace.helper.home.environment |= {
            **secret_bus.environment,
            "DOCKER_CREDENTIAL_HARBOR_STORAGE": "keyring",
        }
        workplace.configure(top=SETTINGS, url=proxy.url)
        workplace.pair()
        limit = in_time(workplace.helper, seconds := paced(4))
        workplace.harbor.set_secret("alice-h", SECRET)

        def stop_it(exchange: Exchange, proxy: FaultProxy) -> None:
            secret_bus.stop("keyring")
            status, headers, body = proxy.true_answer(exchange)
            exchange.answer(status, body, headers)

        proxy.set("/api/v2.0/users/current", stop_it)
        get = told(workplace, seconds=seconds)
        assert get.pair == ("alice-h", SECRET)
        assert "keyring cannot be used" in get.line
        assert get.seconds < limit
        secret_bus.go_on("keyring")
        proxy.clear()
        assert workplace.pair() == ("alice-h", SECRET)
        assert workplace.person.windows == 1


class TestBrokenThirdPartyBackend:
    """One that was installed once, and whose module is gone or raises: keyring logs that, with a traceback."""

    @pytest.fixture(params=["gone", "raises"])
    def backend(self, request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
        folder = tmp_path / "site-packages"
        metadata = folder / "keyring_broken-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: keyring-broken\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text("[keyring.backends]\nbroken = keyring_broken\n")
        if request.param == "raises":
            (folder / "keyring_broken.py").write_text("raise RuntimeError('out of order')\n")
        return {"PYTHONPATH": str(folder)}

    @pytest.mark.parametrize("storage", ["auto", "keyring"])
    def test_nothing_is_said_where_another_one_works(
        self, with_keyring: Helper, backend: dict[str, str], storage: str
    ) -> None:
        with_keyring.home.environment |= {**backend, "DOCKER_CREDENTIAL_HARBOR_STORAGE": storage}
        stored = with_keyring.run("store", payload("robot$ci", SECRET))
        assert (stored.returncode, stored.stdout, stored.stderr) == (0, "", "")
        got = with_keyring.get(SERVER)
        assert (json.loads(got.stdout)["Secret"], got.stderr) == (SECRET, "")

    def test_nor_where_none_does(self, helper: Helper, backend: dict[str, str]) -> None:
        helper.home.environment |= backend
        helper.configure(f'[registries."{SERVER}"]\n')
        stored = helper.run("store", payload(*ROBOT))
        assert (stored.returncode, stored.stdout, stored.stderr) == (0, "", "")
        helper.configure(f'storage = "keyring"\n[registries."{SERVER}"]\n')
        refused = helper.run("store", payload(*ROBOT, "another.example.com"))
        assert (refused.returncode, refused.stderr) == (1, "")
        assert "the operating system's keyring cannot be used (there is none here)" in refused.stdout
        assert refused.stdout.count("\n") == 1


class TestTheSaveHasItsTime:
    def test_what_the_provider_gave_is_kept_though_the_time_is_over(
        self, make_workplace: MakeWorkplace, make_proxy: Callable[..., FaultProxy], secret_bus: SecretService
    ) -> None:
        """With strict rotation the old refresh token is worth nothing once the provider has answered."""
        workplace = make_workplace()
        workplace.realm.update(revokeRefreshToken=True, refreshTokenMaxReuse=0)
        proxy = make_proxy(workplace.harbor.url)
        workplace.helper.home.environment |= {
            **secret_bus.environment,
            "DOCKER_CREDENTIAL_HARBOR_STORAGE": "keyring",
        }
        workplace.configure(top=SETTINGS, url=proxy.url)
        pair = workplace.pair()
        seconds = paced(3)
        limit = in_time(workplace.helper, seconds)
        refreshed = workplace.realm.token_requests(HELPER_CLIENT)
        proxy.set("/service/token", faults.status(401))
        proxy.set("/api/", faults.hang)  # once our own tokens have been refreshed
        proxy.set("/api/v2.0/users/current", faults.status(401), times=1)
        get = told(workplace, seconds=seconds)
        assert get.pair == pair
        assert "no answer within" in get.line
        assert get.seconds < limit
        assert workplace.realm.token_requests(HELPER_CLIENT) == refreshed + 1
        proxy.clear()
        expire_kept_id_token(workplace)
        workplace.harbor.set_secret("alice-h", ANOTHER)
        assert workplace.pair() == ("alice-h", ANOTHER), "the refresh token that was kept is good"
        assert workplace.person.windows == 1


class TestUnusableStateFolder:
    """As root no permission stops anybody: a file stands where a folder should be."""

    def test_a_robots_pair_is_given_all_the_same(self, helper: Helper) -> None:
        helper.configure(f'storage = "file"\ntimeout = 1\n[registries."{SERVER}"]\n')
        assert helper.run("store", payload(*ROBOT)).returncode == 0
        spoil_state(helper)
        answer = helper.get(SERVER)
        assert (answer.returncode, answer.stderr) == (0, "")
        assert json.loads(answer.stdout)["Secret"] == ROBOT[1]

    def test_the_last_known_pair_with_a_warning_and_no_window(self, make_workplace: MakeWorkplace) -> None:
        workplace = make_workplace(top="cache_ttl = 0")
        pair = workplace.pair()
        mend = spoil_state(workplace.helper)
        workplace.asked()
        get = told(workplace, seconds=10)
        assert get.pair == pair
        assert "cannot be written" in get.line
        workplace.harbor.kill_stored_token("alice-h")
        assert told(workplace).pair == pair
        assert workplace.asked() == [], "without a lock nobody is asked: two at once would end the session"
        assert workplace.person.windows == 1
        mend()
        assert workplace.pair() == pair

    def test_erase_takes_the_secrets_all_the_same(self, make_workplace: MakeWorkplace) -> None:
        workplace = make_workplace(top="cache_ttl = 0")
        workplace.pair()
        refresh_token = workplace.kept_tokens()["refresh_token"]
        spoil_state(workplace.helper)
        answer = workplace.helper.run("erase", workplace.name)
        assert (answer.returncode, answer.stdout) == (0, "")
        assert "cannot be written" in answer.stderr
        assert answer.stderr.count("\n") == 1
        assert workplace.helper.run("list").stdout == "{}\n"
        assert not workplace.is_live(refresh_token)

    def test_a_sign_in_is_not_asked_for(self, make_workplace: MakeWorkplace) -> None:
        workplace = make_workplace()
        spoil_state(workplace.helper)
        assert "cannot be written" in workplace.refused()
        assert workplace.person.windows == 0


def spoil_state(helper: Helper) -> Callable[[], None]:
    """Puts a file in the place of the state folder; what comes back puts the folder there again."""
    place = helper.home.folders["XDG_STATE_HOME"]
    aside = place.with_name("aside")
    place.rename(aside)
    place.write_text("a file")

    def mend() -> None:
        place.unlink()
        aside.rename(place)

    return mend


class TestFilesThatAreNone:
    """A pipe in the place of a file must not be waited for."""

    @pytest.mark.parametrize("verb", ["get", "list", "erase"])
    def test_the_configuration(self, helper: Helper, verb: str) -> None:
        file = helper.home.path / "pipe.toml"
        os.mkfifo(file)
        env = {"DOCKER_CREDENTIAL_HARBOR_CONFIG": str(file)}
        answer = helper.run(verb, SERVER, env, timeout=20)
        said = failure_in(answer.stderr) + "\n" if verb == "get" else answer.stdout
        assert answer.returncode == 1
        assert said.startswith(f"{file}: it cannot be read: it is no file")
        assert said.count("\n") == 1

    def test_an_empty_configuration_is_dev_null(self, helper: Helper) -> None:
        answer = helper.run("list", "", {"DOCKER_CREDENTIAL_HARBOR_CONFIG": "/dev/null"})
        assert (answer.returncode, answer.stdout, answer.stderr) == (0, "{}\n", "")

    @pytest.mark.parametrize("name", ["index.json", "secrets.json"])
    def test_what_is_kept(self, helper: Helper, name: str) -> None:
        helper.configure(f'storage = "file"\n[registries."{SERVER}"]\n')
        assert helper.run("store", payload(*ROBOT)).returncode == 0
        [file] = helper.home.folders["XDG_DATA_HOME"].rglob(name)
        file.unlink()
        os.mkfifo(file)
        answer = helper.run("get", SERVER, timeout=20)
        assert (answer.returncode, answer.stdout) == (1, NOT_FOUND)
        assert f"{file} cannot be read (it is no file)" in answer.stderr

    def test_a_ca_file(self, helper: Helper) -> None:
        file = helper.home.path / "ca.pem"
        os.mkfifo(file)
        helper.configure(f'[registries."127.0.0.1:1"]\nca_file = "{file}"\n')
        answer = helper.run("get", "127.0.0.1:1", {"BROWSER": "true"}, timeout=20)
        assert (answer.returncode, answer.stdout) == (1, NOT_FOUND)
        assert f"{file} cannot be read (it is no file)" in answer.stderr

    def test_dockers_configuration(self, helper: Helper) -> None:
        file = helper.home.docker_config / "config.json"
        os.mkfifo(file)
        answer = helper.run(["setup", "--no-login", SERVER], timeout=20)
        assert answer.returncode == 1
        assert f"{file} cannot be read (it is no file)" in answer.stderr


class TestLocks:
    def test_one_that_is_held_costs_no_more_than_the_time(self, helper: Helper) -> None:
        """Another process that hangs with the registry's lock: erase says so in time, and nothing is half done."""
        helper.configure(f'storage = "file"\n[registries."{SERVER}"]\n')
        assert helper.run("store", payload("alice", "s")).returncode == 0
        limit = in_time(helper)
        from docker_credential_harbor.system import lock

        [folder] = helper.home.folders["XDG_STATE_HOME"].rglob("registries")
        with lock.hold(folder / f"{SERVER}.lock", 5) as held:
            assert held
            for verb, request in (("erase", SERVER), ("store", payload("alice", "t")), ("get", SERVER)):
                run = timed(helper, verb, request, SHORT)
                assert run.seconds < limit, verb
                said = run.answer.stderr if verb == "get" else run.answer.stdout
                assert "is still running" in said
        assert json.loads(helper.run("list").stdout) == {f"https://{SERVER}": "alice"}
        wait_until(lambda: helper.run("erase", SERVER).returncode == 0, "erase")
        assert helper.run("list").stdout == "{}\n"
