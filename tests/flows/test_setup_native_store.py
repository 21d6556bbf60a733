"""The system's own credential store, which Docker and Helm find by themselves: after `setup` it is used as before.

Shown with the real docker, helm and skopeo, docker-credential-secretservice and docker-credential-pass.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import need
from tests.lab import helm as lab_helm
from tests.lab import password_store
from tests.lab.other_registry import IN_PLAIN_TEXT, SECRET, USERNAME, other_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.lab.desk import Desk
    from tests.lab.docker import DockerEngine
    from tests.lab.helm import Helm
    from tests.lab.sealed_home import Helper
    from tests.lab.secret_service import SecretService

NAME = "harbor.example.com"


@pytest.fixture
def other() -> Iterator[str]:
    with other_registry() as name:
        yield name


def only_with(helper: Helper, folder: Path, *programs: str) -> None:
    """A PATH with these programs and this helper, and no other."""
    folder.mkdir()
    for program in programs:
        found = shutil.which(program)
        need(program, "apt-get install golang-docker-credential-helpers docker.io", found)
        (folder / program).symlink_to(str(found))
    helper.home.environment["PATH"] = f"{Path(helper.program).parent}:{folder}"


@pytest.fixture
def secret_service(helper: Helper, secret_bus: SecretService, tmp_path: Path) -> Helper:
    only_with(helper, tmp_path / "bin", "docker-credential-secretservice", "docker")
    helper.home.environment.update(secret_bus.environment)
    return helper


@pytest.fixture
def no_bus(helper: Helper, tmp_path: Path) -> Helper:
    """The program is there, and there is no session bus."""
    only_with(helper, tmp_path / "bin", "docker-credential-secretservice")
    return helper


@pytest.fixture
def passwords(helper: Helper, tmp_path: Path) -> Iterator[Helper]:
    need("pass", "apt-get install pass gnupg", not password_store.missing())
    program = "docker-credential-pass"
    need(program, "apt-get install golang-docker-credential-helpers", shutil.which(program))
    folder = tmp_path / "store"
    folder.mkdir()
    with password_store.password_store(folder) as environment:
        for variable in ("GNUPGHOME", "PASSWORD_STORE_DIR"):
            helper.home.environment[variable] = environment[variable]
        yield helper


def theirs(helper: Helper) -> dict[str, Any]:
    return dict(json.loads((helper.home.docker_config / "config.json").read_text()))


def log_in(engine: DockerEngine, helper: Helper, server: str) -> None:
    done = engine.run("login", "-u", USERNAME, "-p", SECRET, server, env=helper.home.environment)
    assert done.returncode == 0, done.stdout + done.stderr


class TestDocker:
    """`docker login` at another registry, after `setup` in a home that said nothing of credentials."""

    @pytest.mark.parametrize("before", [None, '{"psFormat": "x"}', '{"auths": {}, "credsStore": ""}'])
    @pytest.mark.parametrize("store", ["secret_service", "passwords"])
    def test_the_secret_goes_where_docker_would_have_kept_it(
        self, request: pytest.FixtureRequest, docker_engine: DockerEngine, other: str, store: str, before: str | None
    ) -> None:
        helper: Helper = request.getfixturevalue(store)
        found = {"secret_service": "secretservice", "passwords": "pass"}[store]
        file = helper.home.docker_config / "config.json"
        if before:
            file.write_text(before)
        answer = helper.run(["setup", "--no-login", NAME])
        assert (answer.returncode, answer.stderr) == (0, "")
        assert f"docker-credential-{found} entered there for all others" in answer.stdout
        assert theirs(helper)["credsStore"] == found
        log_in(docker_engine, helper, other)
        assert IN_PLAIN_TEXT not in file.read_text()
        assert theirs(helper)["auths"] == {other: {}}
        kept = helper.run(["setup", "--undo", NAME])
        assert (kept.returncode, kept.stderr) == (0, "")
        assert theirs(helper)["credsStore"] == found, "docker would look there no more, since there is an entry now"

    def test_undo_takes_it_back(self, secret_service: Helper) -> None:
        file = secret_service.home.docker_config / "config.json"
        for before in (None, '{\n\t"psFormat": "x"\n}'):
            if before:
                file.write_text(before)
            for name in (NAME, "h"):
                assert secret_service.run(["setup", "--no-login", name]).returncode == 0
            assert theirs(secret_service)["credsStore"] == "secretservice"
            secret_service.run(["setup", "--undo", "h"])
            assert theirs(secret_service)["credsStore"] == "secretservice", "there is an entry of ours still"
            answer = secret_service.run(["setup", "--undo", NAME])
            assert "docker-credential-secretservice, which setup entered for all others, taken out" in answer.stdout
            assert (file.read_text() if file.exists() else None) == before

    @pytest.mark.parametrize("own", ["secretservice", "pass"])
    def test_undo_leaves_what_a_person_wrote(self, secret_service: Helper, own: str) -> None:
        file = secret_service.home.docker_config / "config.json"
        if own == "secretservice":
            file.write_text('{"credsStore": "secretservice"}')
        assert secret_service.run(["setup", "--no-login", NAME]).returncode == 0
        file.write_text(json.dumps({**theirs(secret_service), "credsStore": own}))
        assert secret_service.run(["setup", "--undo", NAME]).returncode == 0
        assert theirs(secret_service) == {"credsStore": own}

    def test_what_a_person_wrote_after_setup_took_its_own_out(self, secret_service: Helper) -> None:
        """The note of it is gone as well."""
        file = secret_service.home.docker_config / "config.json"
        file.write_text('{"psFormat": "x"}')
        secret_service.run(["setup", "--no-login", NAME])
        secret_service.run(["setup", "--undo", NAME])
        file.write_text('{"credsStore": "secretservice"}')
        secret_service.run(["setup", "--no-login", NAME])
        secret_service.run(["setup", "--undo", NAME])
        assert theirs(secret_service) == {"credsStore": "secretservice"}

    def test_what_a_person_wrote_after_setup_took_its_own_out_beside_another_registry(
        self, secret_service: Helper
    ) -> None:
        """That one is configured for all users, say, and has no entry in the file."""
        file = secret_service.home.docker_config / "config.json"
        file.write_text('{"psFormat": "x"}')
        secret_service.run(["setup", "--no-login", NAME])
        with (secret_service.home.folders["XDG_CONFIG_HOME"] / "docker-credential-harbor" / "config.toml").open(
            "a"
        ) as ours:
            ours.write('[registries."h"]\n')
        secret_service.run(["setup", "--undo", NAME])
        assert theirs(secret_service) == {"psFormat": "x"}
        file.write_text('{"credsStore": "secretservice"}')
        secret_service.run(["setup", "--no-login", NAME])
        secret_service.run(["setup", "--undo", NAME])
        assert theirs(secret_service) == {"credsStore": "secretservice"}

    @pytest.mark.parametrize("options", [[[], ["--credentials-store"]], [["--credentials-store"], []]])
    def test_with_credentials_store_and_without_in_either_order(
        self, secret_service: Helper, options: list[list[str]]
    ) -> None:
        file = secret_service.home.docker_config / "config.json"
        file.write_text('{"psFormat": "x"}')
        for option in options:
            answer = secret_service.run(["setup", "--no-login", *option, NAME])
            assert (answer.returncode, answer.stderr) == (0, "")
        assert theirs(secret_service)["credsStore"] == "harbor"
        answer = secret_service.run(["setup", "--undo", NAME])
        assert (answer.returncode, answer.stderr) == (0, "")
        assert theirs(secret_service) == {"psFormat": "x"}

    def test_what_docker_keeps_in_it_by_then_is_not_lost(
        self, secret_service: Helper, docker_engine: DockerEngine, other: str
    ) -> None:
        secret_service.run(["setup", "--no-login", NAME])
        log_in(docker_engine, secret_service, other)
        answer = secret_service.run(["setup", "--no-login", "--credentials-store", NAME])
        assert answer.returncode == 1
        assert (
            "names docker-credential-secretservice for every server already, and nothing was changed" in answer.stderr
        )

    @pytest.mark.parametrize(
        "content", ['{"auths": {"i": {}}}', '{"credHelpers": {"gcr.io": "gcloud"}}', '{"credsStore": "pass"}']
    )
    def test_where_docker_would_not_look_nothing_is_entered(self, secret_service: Helper, content: str) -> None:
        (secret_service.home.docker_config / "config.json").write_text(content)
        assert "for all others" not in secret_service.run(["setup", "--no-login", NAME]).stdout
        assert theirs(secret_service).get("credsStore") == json.loads(content).get("credsStore")

    def test_one_that_does_not_work_is_told(self, no_bus: Helper) -> None:
        answer = no_bus.run(["setup", "--no-login", NAME])
        assert answer.returncode == 0
        assert theirs(no_bus) == {"credHelpers": {NAME: "harbor"}}
        assert "docker-credential-secretservice does not work here (" in answer.stdout
        assert "keeps the passwords of other registries in plain text; setup --credentials-store" in answer.stdout
        assert "does not work" not in no_bus.run(["setup", "--no-login", "--credentials-store", NAME]).stdout

    def test_a_password_store_that_is_not_initialized(self, passwords: Helper, tmp_path: Path) -> None:
        passwords.home.environment["PASSWORD_STORE_DIR"] = str(tmp_path / "nothing")
        told = passwords.run(["setup", "--no-login", NAME]).stdout
        assert told.count("(pass is not initialized)") == 1, "for Docker's file and Helm's together"
        assert theirs(passwords) == {"credHelpers": {NAME: "harbor"}}
        for name in (NAME, "h"):
            assert "pass is not initialized" not in passwords.run(["setup", "--no-login", name]).stdout

    def test_before_it_is_done(self, secret_service: Helper) -> None:
        shown = secret_service.run(["setup", "--dry-run", "--no-login", NAME]).stdout
        assert '  + credsStore = "secretservice"\n' in shown


class TestHelm:
    """Helm asks the system's own store first where its own file says nothing, and fails where that is broken."""

    @pytest.fixture
    def desk(self, make_desk: Callable[..., Desk]) -> Desk:
        desk = make_desk()
        desk.workplace.helper.home.environment.pop("DOCKER_CREDENTIAL_HARBOR_CONFIG", None)
        return desk

    @pytest.fixture
    def helm(self, desk: Desk, make_helm: Callable[..., Helm], tmp_path: Path) -> Helm:
        """With docker-credential-secretservice, and without a session bus."""
        only_with(desk.workplace.helper, tmp_path / "bin", "docker-credential-secretservice")
        (tmp_path / "bin" / "helm").symlink_to(str(lab_helm.program()))
        return make_helm()

    def test_a_broken_store_is_not_asked(self, desk: Desk, helm: Helm, tmp_path: Path) -> None:
        place, file = desk.workplace, self.file(desk.workplace.helper)
        chart = [str(helm.package(tmp_path)), f"oci://{place.name}/pub", "--plain-http"]
        answer = place.helper.run(["setup", "--no-login", place.harbor.url])
        assert (answer.returncode, answer.stderr) == (0, "")
        assert json.loads(file.read_text()) == {"credHelpers": {place.name: "harbor"}}
        helm.must("push", *chart)
        helm.must("pull", f"{chart[1]}/demo-chart", "--plain-http", "--destination", str(tmp_path / "bin"))
        assert place.helper.run(["setup", "--undo", place.name]).returncode == 0
        assert not file.exists()

    def test_doctor_finds_it(self, desk: Desk, helm: Helm) -> None:
        """Helm, or the store, has been installed later."""
        place = desk.workplace
        place.helper.run(["setup", "--no-login", place.harbor.url])
        self.file(place.helper).unlink()
        failed = helm.run("pull", f"oci://{place.name}/pub/demo-chart", "--plain-http", "--version", "0.1.0")
        assert failed.returncode != 0
        told = place.helper.run("doctor").stdout
        assert "other-clients: Helm asks docker-credential-secretservice before this helper, and fails: " in told
        assert f"fix: run: docker-credential-harbor setup {place.name}" in told
        place.helper.run(["setup", "--no-login", place.harbor.url])
        assert "ok    other-clients" in place.helper.run("doctor").stdout

    def test_one_that_works_is_asked_for_all_others(
        self, desk: Desk, helm: Helm, secret_bus: SecretService, other: str
    ) -> None:
        place, file = desk.workplace, self.file(desk.workplace.helper)
        place.helper.home.environment.update(secret_bus.environment)
        place.helper.run(["setup", "--no-login", place.harbor.url])
        assert json.loads(file.read_text()) == {
            "credHelpers": {place.name: "harbor"},
            "credsStore": "secretservice",
        }
        helm.must("registry", "login", "--plain-http", "-u", USERNAME, "-p", SECRET, other)
        assert IN_PLAIN_TEXT not in file.read_text()

    def test_without_such_a_store_no_file_is_made(self, helper: Helper, helm: Helm, tmp_path: Path) -> None:
        assert helm
        (tmp_path / "bin" / "docker-credential-secretservice").unlink()
        assert helper.run(["setup", "--no-login", NAME]).returncode == 0
        assert not self.file(helper).exists()

    def file(self, helper: Helper) -> Path:
        return helper.home.folders["XDG_CONFIG_HOME"] / "helm" / "registry" / "config.json"
