"""The packaged executable at work: what it imports only on its way to a sign-in must be in the bundle, too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.lab.terminal import Terminal
from tests.lab.workplace import WITH_OFFLINE
from tests.packaging.built import REPOSITORY

if TYPE_CHECKING:
    from tests.conftest import MakeWorkplace
    from tests.lab.sealed_home import Helper
    from tests.lab.secret_service import SecretService
    from tests.lab.workplace import Workplace
    from tests.packaging.built import Built


def text_of(helper: Helper, *arguments: str) -> str:
    """What a command says; it has to succeed."""
    answer = helper.run(arguments)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def test_the_helper_is_the_packaged_one(workplace: Workplace) -> None:
    program = Path(workplace.helper.program)
    assert program.resolve().read_bytes().startswith(b"\x7fELF")
    assert (program.resolve().parent / "_internal").is_dir()


def test_setup_sign_in_probe_and_keepalive(make_workplace: MakeWorkplace) -> None:
    """A whole life on the real Keycloak: the sign-in's worker is the packaged executable, too."""
    workplace = make_workplace(harbor={"scopes": WITH_OFFLINE})
    workplace.helper.home.environment.pop("DOCKER_CREDENTIAL_HARBOR_CONFIG")
    environment = workplace.helper.home.environment | {"DOCKER_CREDENTIAL_HARBOR_STORAGE": "file"}
    workplace.helper.home.environment = environment
    said = text_of(workplace.helper, "setup", "--no-login", workplace.harbor.url)
    assert "this helper entered" in said
    written = json.loads((workplace.helper.home.docker_config / "config.json").read_text())
    assert written["credHelpers"] == {workplace.name: "harbor"}

    username, secret = workplace.pair()
    assert (username, workplace.harbor.users[username].secret) == ("alice-h", secret)
    assert workplace.person.windows == 1
    workplace.learn_life()
    workplace.end_trust_window()
    workplace.asked()
    assert workplace.pair() == (username, secret)
    assert workplace.asked() == ["/service/token"]

    workplace.harbor.expire_stored_access_token(username)
    refreshes = workplace.harbor.refreshes
    text_of(workplace.helper, "keepalive")
    assert workplace.harbor.refreshes == refreshes + 1
    assert json.loads(text_of(workplace.helper, "status", "--json"))["registries"][0]["state"] == "ready"
    text_of(workplace.helper, "logout")
    assert workplace.files_with(secret) == []


def test_login_into_a_secret_service(make_workplace: MakeWorkplace, secret_bus: SecretService) -> None:
    """keyring's backends are found by entry points, which no analysis of imports sees."""
    workplace = make_workplace(top="")
    workplace.helper.home.environment |= {**secret_bus.environment, "DOCKER_CREDENTIAL_HARBOR_STORAGE": "keyring"}
    assert "alice-h" in text_of(workplace.helper, "login", "--browser")
    _, secret = workplace.pair()
    assert workplace.files_with(secret) == []
    secret_bus.lock()
    workplace.end_trust_window()
    assert "locked" in workplace.refused()


def test_a_code_on_another_device(workplace: Workplace) -> None:
    """What draws QR codes is imported there alone."""
    command = [workplace.helper.program, "login", "--device"]
    with Terminal(command, workplace.helper.home.environment, 100) as terminal:
        assert "█" in terminal.wait_for("█")
        terminal.enter("\x03")
        assert terminal.wait() == 130


def test_every_module_of_the_product_is_there(built: Built) -> None:
    written = {path.relative_to(REPOSITORY) for path in (REPOSITORY / "docker_credential_harbor").rglob("*.py")}
    inside = built.folder / "_internal"
    compiled = {path.relative_to(inside) for path in (inside / "docker_credential_harbor").rglob("*.pyc")}
    assert {path.with_suffix(".pyc") for path in written} == compiled


@pytest.mark.parametrize("verb", ["version", "list"])
def test_dockers_other_verbs(helper: Helper, verb: str) -> None:
    assert text_of(helper, verb)


def test_libraries_of_the_users_are_not_looked_at(helper: Helper, tmp_path: Path) -> None:
    """Neither those that PYTHONPATH names nor those in the user's site-packages: the program's Python is isolated."""
    lib = helper.home.folders["HOME"] / ".local" / "lib"
    for folder in (tmp_path / "shadow", *(lib / f"python3.{minor}" / "site-packages" for minor in range(10, 20))):
        for library in ("platformdirs", "requests", "json"):
            (folder / library).mkdir(parents=True)
            (folder / library / "__init__.py").write_text("raise SystemExit('shadowed')")
    helper.configure('storage = "file"\n[registries."127.0.0.1:1"]\n')
    places = {"PYTHONPATH": str(tmp_path / "shadow"), "PYTHONHOME": str(tmp_path), "PYTHONSTARTUP": "/nowhere"}
    environment = {**places, "PYTHONINSPECT": "1", "PYTHONVERBOSE": "1"}
    answer = helper.run(["status"], env=environment)
    assert (answer.returncode, answer.stderr) == (0, "")
