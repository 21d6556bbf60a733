"""The .deb in clean Debians with nothing else in them: installed, used, upgraded, removed, purged.

Debian 11 has the oldest glibc of them, 12 is there for other tests as well. RELEASES=all: 13, too.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.lab.sealed_home import NAME, Helper, Home
from tests.lab.workplace import NOT_FOUND
from tests.packaging.conftest import debian_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import MakeWorkplace
    from tests.lab.debian_root import DebianRoot
    from tests.lab.workplace import Workplace
    from tests.packaging.built import Built

REGISTRY = "registry.example.com"
RELEASES = ["bullseye", "bookworm", *(["trixie"] if os.environ.get("RELEASES") == "all" else [])]


@pytest.fixture(params=RELEASES)
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DebianRoot]:
    copied = debian_of(request.param).copy(tmp_path / "root")
    yield copied
    shutil.rmtree(copied.path)


@pytest.fixture
def helper(home: Home, root: DebianRoot, built: Built, tmp_path: Path) -> Helper:
    install(root, built.deb)
    return run_in(root, home, tmp_path)


def run_in(root: DebianRoot, home: Home, tmp_path: Path) -> Helper:
    """The one installed in there, run by the person whose home is here."""
    script = tmp_path / NAME
    root.with_this_machines(script, NAME)
    installed = Helper(home)
    installed.program = str(script)
    return installed


def test_set_up_signed_in_and_warm(make_workplace: MakeWorkplace) -> None:
    """With a real Keycloak and a browser, until a `get` is answered from what is remembered."""
    workplace = make_workplace()
    del workplace.helper.home.environment["DOCKER_CREDENTIAL_HARBOR_CONFIG"]
    assert_set_up_signed_in_and_warm(workplace)


def assert_set_up_signed_in_and_warm(workplace: Workplace) -> None:
    workplace.helper.home.environment["DOCKER_CREDENTIAL_HARBOR_STORAGE"] = "file"
    done = workplace.helper.run(["setup", "--no-login", workplace.harbor.url])
    assert done.returncode == 0, done.stdout + done.stderr
    pair = workplace.pair()
    assert workplace.person.windows == 1
    workplace.learn_life()
    assert workplace.pair() == pair
    workplace.asked()
    assert workplace.pair() == pair
    assert workplace.asked() == [], "from what is remembered"


@pytest.fixture
def upgrade(built: Built, tmp_path: Path) -> Path:
    """The same content as the next version."""
    description = json.loads((built.work / "nfpm.json").read_text())
    description["version"] = "999.0"
    changed = tmp_path / "nfpm.json"
    changed.write_text(json.dumps(description))
    nfpm = built.work.parent / "package-venv" / "bin" / "nfpm"
    subprocess.run([nfpm, "package", "-f", changed, "-p", "deb", "-t", tmp_path], check=True, capture_output=True)
    [package] = tmp_path.glob("*.deb")
    return package


def ask(root: DebianRoot, verb: str, payload: object, **env: str) -> tuple[int, str, str]:
    """One of Docker's verbs; all that it says."""
    text = payload if isinstance(payload, str) else json.dumps(payload)
    done = root.run(NAME, verb, stdin=text, DOCKER_CREDENTIAL_HARBOR_STORAGE="file", **env)
    return done.returncode, done.stdout, done.stderr


def test_no_python_is_there(debian: DebianRoot) -> None:
    assert list(debian.path.glob("usr/*bin/*python*")) == []
    assert list(debian.path.glob("usr/lib/**/*libpython*")) == []


def test_installed_used_upgraded_and_removed(root: DebianRoot, built: Built, upgrade: Path) -> None:
    before = root.files()
    install(root, built.deb)
    assert root.must(NAME, "--version").startswith(f"{NAME} ")
    assert "examples:" in root.must(NAME, "--help")
    assert "confirm in a browser" in root.must(NAME, "login", "--help")
    assert_that_it_serves_docker(root)

    install(root, upgrade)
    assert root.must("dpkg-query", "--show", "--showformat=${Version}", NAME) == "999.0"
    status, answer, _ = ask(root, "get", REGISTRY)
    assert (status, json.loads(answer)["Secret"]) == (0, "s3cret"), "what a person stored is there after an upgrade"

    root.must("dpkg", "--purge", NAME)
    left = root.files() - before
    assert left, "what the person stored"
    assert all(path.startswith("root/") for path in left), left
    assert before <= root.files()


def install(root: DebianRoot, package: Path) -> None:
    """As dpkg does it, which looks at the dependencies: no package of a mirror is needed."""
    shutil.copyfile(package, root.path / "tmp" / "new.deb")
    root.must("dpkg", "--install", "/tmp/new.deb")
    (root.path / "tmp" / "new.deb").unlink()


def assert_that_it_serves_docker(root: DebianRoot) -> None:
    assert ask(root, "get", REGISTRY) == (1, NOT_FOUND, "")
    status, _, errors = ask(root, "store", {"ServerURL": REGISTRY, "Username": "u", "Secret": "s3cret"})
    assert status == 0, errors
    status, answer, errors = ask(root, "get", REGISTRY)
    assert (status, errors) == (0, "")
    assert json.loads(answer) == {"ServerURL": REGISTRY, "Username": "u", "Secret": "s3cret"}
    other = "other.example.com"
    ask(root, "store", {"ServerURL": other, "Username": "u", "Secret": "s"})
    assert ask(root, "erase", other)[0] == 0
    assert ask(root, "get", other) == (1, NOT_FOUND, "")
    status, answer, errors = ask(root, "status", "")
    assert "setup" in errors, "without a configuration it says what to do"
    assert len(errors.splitlines()) == 1


def test_nothing_stays_behind(root: DebianRoot, built: Built) -> None:
    before = root.files()
    install(root, built.deb)
    assert root.files() > before
    root.must("dpkg", "--remove", NAME)
    assert root.files() == before
