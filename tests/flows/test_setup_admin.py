"""`setup --admin`: what it prints is carried out on the real Keycloak, by its own kcadm.sh, and then people sign in."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.lab.keycloak import ADMIN, ADMIN_PASSWORD, kcadm
from tests.lab.realm import HARBOR_CLIENT, HELPER_CLIENT
from tests.lab.workplace import WITH_OFFLINE, WITHOUT_OFFLINE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lab.workplace import Workplace

    MakeWorkplace = Callable[..., Workplace]


@pytest.fixture
def make_place(make_workplace: MakeWorkplace) -> MakeWorkplace:
    """A Keycloak whose administrator has added nothing yet, and a person with nothing configured."""

    def make(**options: object) -> Workplace:
        workplace = make_workplace(**options)
        workplace.helper.home.environment.pop("DOCKER_CREDENTIAL_HARBOR_CONFIG")
        workplace.helper.home.environment["DOCKER_CREDENTIAL_HARBOR_STORAGE"] = "file"
        workplace.realm.remove_client(HELPER_CLIENT)
        return workplace

    return make


def told(workplace: Workplace, *arguments: str) -> str:
    answer = workplace.helper.run(["setup", "--admin", *arguments, workplace.harbor.url])
    assert (answer.returncode, answer.stderr) == (0, "")
    home = workplace.helper.home
    assert not (home.docker_config / "config.json").exists(), "it changes nothing"
    assert not list(home.folders["XDG_CONFIG_HOME"].rglob("*.toml"))
    return answer.stdout


@pytest.mark.parametrize("scopes", [WITH_OFFLINE, WITHOUT_OFFLINE])
def test_its_commands_make_a_client_that_people_sign_in_with(
    make_place: MakeWorkplace, tmp_path: Path, scopes: str
) -> None:
    place = make_place(harbor={"scopes": scopes})
    text = told(place)
    commands = re.findall(r"^  ((?:docker-credential-harbor|kcadm\.sh) .+)$", text, re.MULTILINE)
    assert len(commands) == 3
    script = "\n".join(commands).replace("--user ADMIN", f"--user {ADMIN} --password {ADMIN_PASSWORD}")
    script = script.replace("kcadm.sh", shlex.quote(str(kcadm())))
    # The lab's Harbor is at an http:// address, which the name alone does not tell.
    script = script.replace(f"--json {place.name}", f"--json {place.harbor.url}")
    environment = {**place.helper.home.environment, "JAVA_HOME": os.environ.get("JAVA_HOME", "")}
    done = subprocess.run(
        ["sh", "-euc", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Created new client with id" in done.stderr + done.stdout
    assert json.loads((tmp_path / "client.json").read_text()) == json.loads(told(place, "--json"))

    answer = place.helper.run(["setup", place.harbor.url])
    assert answer.returncode == 0, answer.stderr
    assert f"Signed in at {place.name} as alice-h." in answer.stdout
    assert (place.person.windows, place.person.forms) == (1, 1)
    told_now = place.helper.run(["setup", "--admin", place.harbor.url]).stdout
    assert "docker-credential-harbor: it is there, with its redirect URI" in told_now
    assert "The client need not be added" in told_now
    assert "Add one public client" not in told_now


def test_the_json_alone_is_what_the_console_imports(make_place: MakeWorkplace) -> None:
    place = make_place()
    place.realm.add_client(json.loads(told(place, "--json")))
    client = place.realm.client(HELPER_CLIENT)
    assert (client["publicClient"], client["redirectUris"]) == (True, ["http://127.0.0.1/callback"])
    assert client["attributes"]["pkce.code.challenge.method"] == "S256"
    [mapper] = client["protocolMappers"]
    assert mapper["config"]["included.client.audience"] == HARBOR_CLIENT

    place.helper.run(["setup", "--no-login", place.harbor.url])
    environment = {"DOCKER_CREDENTIAL_HARBOR_LOGIN": "device", "BROWSER": ""}
    process = place.helper.start(["login", place.name], environment)
    assert process.stderr
    for line in process.stderr:  # a device code, which the client is allowed, and then Harbor's login
        if found := re.search(r"any device: (\S+)", line.decode()):
            place.person.open(found[1])
    assert process.stdout
    assert process.stdout.read() == f"Signed in at {place.name} as alice-h.\n".encode()
    assert process.wait() == 0


def test_what_harbor_should_ask_for(make_place: MakeWorkplace) -> None:
    assert "OIDC Scope: add offline_access" in told(make_place())
    assert "Harbor asks for offline access" in told(make_place(harbor={"scopes": WITH_OFFLINE}))


def test_harbor_is_away(make_place: MakeWorkplace, free_port: int) -> None:
    answer = make_place().helper.run(["setup", "--admin", f"http://127.0.0.1:{free_port}"])
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "cannot be reached" in answer.stderr
    assert answer.stderr.count("\n") == 1
