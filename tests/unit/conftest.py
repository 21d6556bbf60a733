"""What several of these files start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.warm_get import remembered
from tests.conftest import need
from tests.lab import kerberos
from tests.lab.embedded_realm import EmbeddedProvider
from tests.lab.workplace import WITHOUT_OFFLINE
from tests.unit.browser_place import KEY, Place
from tests.unit.harbor_place import HOME_VARIABLES, SIGNS_OF_A_PERSON, HarborPlace
from tests.unit.loopback import Answers, answers_server
from tests.unit.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lab.embedded_realm import EmbeddedRealm
    from tests.lab.harbor import StandInHarbor
    from tests.lab.kerberos import Kdc
    from tests.lab.person import CookiePerson
    from tests.lab.sealed_home import Home

    MakeMachine = Callable[..., Machine]

PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def server() -> Iterator[Answers]:
    with answers_server() as answers:
        yield answers


@pytest.fixture
def place() -> Iterator[Place]:
    with answers_server() as answers:
        made = Place(answers)
        answers.replies["/token"] = made.token
        answers.replies["/certs"] = (200, {}, {"keys": [KEY.as_dict(private=False)]})
        yield made


@pytest.fixture(scope="session")
def embedded_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedProvider]:
    provider = EmbeddedProvider(tmp_path_factory.mktemp("clock"))
    yield provider
    provider.close()


@pytest.fixture(scope="session")
def shared_realm(embedded_provider: EmbeddedProvider) -> EmbeddedRealm:
    """One for all that do not change it."""
    return embedded_provider.realm()


@pytest.fixture
def harbor_place(
    tmp_path: Path,
    embedded_provider: EmbeddedProvider,
    make_harbor: Callable[..., StandInHarbor],
    person: CookiePerson,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[HarborPlace]:
    """With a realm of its own; nobody is known to Harbor yet."""
    for variable in HOME_VARIABLES:
        monkeypatch.setenv(variable, str(tmp_path))
    for variable in SIGNS_OF_A_PERSON:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("DOCKER_CREDENTIAL_HARBOR_CONFIG", str(tmp_path / "config.toml"))
    realm = embedded_provider.realm()
    place = HarborPlace(make_harbor(realm), realm, person, tmp_path / "config.toml")
    place.configure()
    yield place
    remembered.forget(place.name)


@pytest.fixture
def make_machine(
    embedded_provider: EmbeddedProvider,
    shared_realm: EmbeddedRealm,
    make_harbor: Callable[..., StandInHarbor],
    home: Home,
    person: CookiePerson,
    monkeypatch: pytest.MonkeyPatch,
) -> MakeMachine:
    """Makes the machine, once; ``realm``: options of one of its own, which may then be changed."""

    def make(realm: dict[str, object] | None = None, **harbor: object) -> Machine:
        at = shared_realm if realm is None else embedded_provider.realm(**realm)
        stand_in = make_harbor(at, **{"scopes": WITHOUT_OFFLINE, **harbor})
        stand_in.onboard("alice-h", "alice@example.com", at.subject("alice"))
        made = Machine(stand_in, at, person, home.path / "config.toml", home)
        made.seal(monkeypatch)
        made.configure()
        return made

    return make


@pytest.fixture
def machine(make_machine: MakeMachine) -> Machine:
    """As it comes: alice is known to Harbor as alice-h, and nobody has signed in here."""
    return make_machine()


@pytest.fixture(scope="session")
def shared_kdc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kdc]:
    """One for all tests that leave it as it was; it knows alice and bob."""
    need("Kerberos KDC", "apt-get install krb5-kdc krb5-admin-server krb5-user", not kerberos.missing())
    need("GSSAPI", "apt-get install libgssapi-krb5-2", kerberos.has_library())
    with kerberos.Kdc(tmp_path_factory.mktemp("kdc")) as server:
        for name in ("alice", "bob"):
            server.add_person(name)
        yield server


@pytest.fixture
def tickets(shared_kdc: Kdc, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kdc]:
    """Whoever signs in there has a ticket in this process; nobody does at first."""
    for name, value in shared_kdc.environment.items():
        monkeypatch.setenv(name, value)
    yield shared_kdc
    shared_kdc.sign_out()
