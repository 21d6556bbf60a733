"""`docker push` and `docker pull` without `docker login`: a real engine, registry, Chromium and Keycloak."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.flows.conftest import WITH_OFFLINE
from tests.lab.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.flows.conftest import Workplace
    from tests.lab.chromium_person import ChromiumPerson
    from tests.lab.desk import Desk
    from tests.lab.secret_service import SecretService

TOKEN_LIFE_SECONDS = 40


class TestEndToEnd:
    def test_push_and_pull_with_one_sign_in_and_hours_later(
        self, make_desk: Callable[..., Desk], chromium_person: ChromiumPerson
    ) -> None:
        desk = make_desk(
            realm={"access_token_lifespan": TOKEN_LIFE_SECONDS},
            harbor={"scopes": WITH_OFFLINE},
            somebody=chromium_person,
        )
        workplace = desk.workplace
        assert "docker-credential-harbor login" in desk.set_up()
        assert json.loads((workplace.helper.home.docker_config / "config.json").read_text()) == {
            "credHelpers": {workplace.name: "harbor"}
        }
        desk.engine.import_image(desk.image)

        shown = desk.must("push", desk.image)
        assert (chromium_person.windows, chromium_person.forms) == (1, 1)
        assert "docker-credential-harbor: opening a browser to sign in at" in shown

        assert desk.fresh_pull() == "", "without any sign-in, and without a word"
        assert chromium_person.windows == 1

        # Hours later: the sessions are gone at the provider, Harbor's stored token dies with its next expiry, and the
        # person has meanwhile used another of the company's pages, so that their browser has a live session.
        workplace.realm.end_sessions("alice")
        workplace.sign_in_elsewhere()
        stored = workplace.harbor.users["alice-h"].stored_token
        assert stored
        wait_until(lambda: stored.is_expired(workplace.now()), "Harbor's stored token to expire", 90)
        shown = desk.fresh_pull()
        assert (chromium_person.windows, chromium_person.forms) == (1, 0), "one walk without a form"
        assert "opening a browser" in shown

    def test_a_public_image_needs_nobody(self, make_desk: Callable[..., Desk]) -> None:
        desk = make_desk()
        desk.set_up()
        image = f"{desk.workplace.name}/pub/hello:1"
        desk.engine.import_image(image)
        desk.must("push", image)
        desk.must("logout", desk.workplace.name)
        desk.engine.forget_image(image)
        done = desk.docker("pull", image, CI="true")
        assert done.returncode == 0, done.stderr
        assert "needs a sign-in and nobody can be asked here (CI is set)" in done.stderr
        assert desk.workplace.person.windows == 1

    def test_dockers_own_login_and_logout(self, make_desk: Callable[..., Desk]) -> None:
        desk = make_desk()
        desk.set_up()
        name = desk.workplace.name
        desk.must("login", name)
        assert desk.workplace.person.windows == 1
        listed = desk.workplace.helper.run("list").stdout
        assert json.loads(listed) == {f"https://{name}": "alice-h"}
        desk.workplace.harbor.set_secret("alice-h", "Another-Secret-0123456789")
        pair = desk.workplace.pair(DOCKER_CREDENTIAL_HARBOR_CACHE_TTL="0")
        assert pair == ("alice-h", "Another-Secret-0123456789"), "docker login did not pin its pair"
        desk.must("logout", name)
        assert desk.workplace.helper.run("list").stdout == "{}\n"

    def test_a_robots_pair_by_docker_login(self, make_desk: Callable[..., Desk]) -> None:
        desk = make_desk()
        desk.set_up()
        desk.workplace.harbor.add_robot("robot$ci", "Robot-Secret-1")
        done = desk.docker("login", "-u", "robot$ci", "-p", "Robot-Secret-1", desk.workplace.name)
        assert done.returncode == 0, done.stderr
        desk.engine.import_image(desk.image)
        desk.must("push", desk.image)
        assert desk.fresh_pull() == ""
        assert desk.workplace.person.windows == 0


class TestEveryStorage:
    """The same flow with a real Secret Service, with the kernel keyring and with the file."""

    @pytest.mark.parametrize("storage", ["kernel", "file", "auto"])
    def test_push_pull_and_logout(self, make_desk: Callable[..., Desk], storage: str) -> None:
        desk = make_desk()
        self.flow(desk, storage, "kernel" if storage == "auto" else storage)

    def test_with_a_secret_service(self, make_desk: Callable[..., Desk], secret_bus: SecretService) -> None:
        desk = make_desk()
        desk.workplace.helper.home.environment.update(secret_bus.environment)
        self.flow(desk, "auto", "keyring")

    def flow(self, desk: Desk, storage: str, backend: str) -> None:
        workplace = desk.workplace
        workplace.helper.home.environment["DOCKER_CREDENTIAL_HARBOR_STORAGE"] = storage
        workplace.helper.home.environment["DOCKER_CREDENTIAL_HARBOR_CACHE_TTL"] = "0"
        desk.set_up()
        desk.engine.import_image(desk.image)
        desk.must("push", desk.image)
        assert desk.fresh_pull() == ""
        workplace.harbor.kill_stored_token("alice-h")
        assert "opening a browser to renew" in desk.fresh_pull()
        assert (workplace.person.windows, workplace.person.forms) == (2, 1)
        [index] = workplace.helper.home.folders["XDG_DATA_HOME"].rglob("index.json")
        assert json.loads(index.read_text())["sign_ins"][workplace.name]["backend"] == backend
        secret = workplace.harbor.users["alice-h"].secret
        holding = [path for path in workplace.helper.home.path.rglob("*") if path.is_file() and holds(path, secret)]
        assert [path.name for path in holding] == (["secrets.json"] if backend == "file" else [])
        assert all(path.stat().st_mode & 0o077 == 0 for path in holding)
        desk.must("logout", workplace.name)
        assert workplace.helper.run("list").stdout == "{}\n"
        assert "needs a sign-in" in workplace.refused(CI="1")


def holds(path: Path, secret: str) -> bool:
    return secret.encode() in path.read_bytes()


class TestKeyringGone:
    def test_a_locked_keyring_is_one_line_and_not_another_backend(
        self, make_workplace: Callable[..., Workplace], secret_bus: SecretService
    ) -> None:
        workplace = make_workplace()
        workplace.helper.home.environment.update(secret_bus.environment)
        workplace.configure(top="cache_ttl = 0")
        workplace.helper.home.environment["DOCKER_CREDENTIAL_HARBOR_STORAGE"] = "auto"
        workplace.pair()
        secret_bus.lock()
        line = workplace.refused(CI="1")
        assert "locked" in line
        line = workplace.refused(CI="1", DBUS_SESSION_BUS_ADDRESS="disabled:")
        assert "keyring" in line
        assert workplace.person.windows == 1
