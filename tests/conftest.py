"""A sealed home and environment for each test, and the real parts, found or visibly skipped.

Where CI is set a missing part fails instead. One Keycloak serves a whole run, over all workers of pytest-xdist: it is
started by whoever needs it first, noted in a folder that the controlling process has made, and ended by that process.
"""

import fcntl
import functools
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.lab import docker, helm, kerberos, oidc_provider, secret_service, walk
from tests.lab.chromium_person import ChromiumPerson, chromium
from tests.lab.desk import Desk
from tests.lab.embedded_realm import EmbeddedProvider
from tests.lab.faults import FaultProxy
from tests.lab.harbor import StandInHarbor
from tests.lab.helm import Helm
from tests.lab.keycloak import Keycloak, distribution
from tests.lab.keycloak import free_port as unused_port
from tests.lab.oidc_provider import OidcProvider
from tests.lab.person import CookiePerson, Person
from tests.lab.realm import Realm
from tests.lab.realm_pool import RealmPool
from tests.lab.sealed_home import RUNS, Helper, Home, console_script, purge_memory, purge_memory_of
from tests.lab.workplace import WITHOUT_OFFLINE, Workplace

RUN_FOLDER = "HARBOR_LAB_RUN"
FIRST_START_SECONDS = 400
STARTS_KEYCLOAK = {"keycloak", "identity_provider"}
# These take a minute and need none, so they come first: another worker starts it meanwhile, which takes half a minute.
BESIDE_ITS_START = ("tests/mutants/test_sample.py", "tests/packaging/test_reproducible.py")
UNDER_WAY = pytest.StashKey[TextIO]()
IdentityProvider = Keycloak | EmbeddedProvider
MakeRealm = Callable[..., Realm]
MakeHarbor = Callable[..., StandInHarbor]
MakeWorkplace = Callable[..., Workplace]
MakeDesk = Callable[..., Desk]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--provider`: which one the tests of the heart have; all others have a Keycloak."""
    told = "identity provider of the tests of the heart; default: keycloak where it is installed or CI is set"
    parser.addoption("--provider", choices=["embedded", "keycloak"], help=told)


def pytest_configure(config: pytest.Config) -> None:
    """The controlling process makes the folder that workers find through the environment.

    A shell that starts something in the background lets it ignore SIGINT, and so would every program of the tests.
    """
    config.addinivalue_line("markers", "heart: runs on Python alone too (`make heart`)")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        os.environ[RUN_FOLDER] = tempfile.mkdtemp(prefix="harbor-lab-run-")
        config.stash[UNDER_WAY] = RUNS.open("w")
        fcntl.flock(config.stash[UNDER_WAY], fcntl.LOCK_SH)


def purge_if_alone(config: pytest.Config) -> None:
    """Kernel keys belong to the user: those of other runs on this machine, and of other workers, are let be."""
    runs = config.stash.get(UNDER_WAY, None)
    if runs is None:
        return
    with suppress(BlockingIOError):
        fcntl.flock(runs, fcntl.LOCK_EX | fcntl.LOCK_NB)
        purge_memory()
    fcntl.flock(runs, fcntl.LOCK_SH)


def pytest_unconfigure(config: pytest.Config) -> None:
    """The controlling process ends what the workers shared."""
    if not hasattr(config, "workerinput") and (name := os.environ.pop(RUN_FOLDER, "")):
        note = Path(name) / "keycloak.json"
        if note.exists():
            Keycloak.attach(**json.loads(note.read_text())).end()
        shutil.rmtree(name, ignore_errors=True)
        purge_if_alone(config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first start of a Keycloak unpacks and builds, and counts towards the test that happens to come first."""
    for item in items:
        if STARTS_KEYCLOAK & set(getattr(item, "fixturenames", ())) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(FIRST_START_SECONDS))
    items.sort(key=lambda item: not item.nodeid.startswith(BESIDE_ITS_START))


def need(part: str, how: str, found: object) -> None:
    """Skips, or fails where CI is set, when a real part is not on this machine."""
    if found:
        return
    message = f"real part missing: {part} ({how})"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def keycloak() -> Iterator[Keycloak]:
    """The run's Keycloak."""
    need("Keycloak", "mvn dependency:get -Dartifact=org.keycloak:keycloak-quarkus-dist:26.4.0:zip", distribution())
    need("Java", "apt-get install openjdk-17-jre-headless", shutil.which("java"))
    folder = Path(os.environ[RUN_FOLDER])
    note = folder / "keycloak.json"
    with (folder / "keycloak.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if note.exists():
            server = Keycloak.attach(**json.loads(note.read_text()))
        else:
            server = Keycloak.start(folder)
            note.write_text(json.dumps({"url": server.url, "pid": server.pid}))
    yield server
    server.detach()


@pytest.fixture(scope="session")
def realm_pool(keycloak: Keycloak) -> RealmPool:
    """The realms of this worker."""
    return RealmPool(keycloak)


def embedded_is_meant(request: pytest.FixtureRequest) -> bool:
    """Whether this test is to have the embedded provider."""
    chosen = request.config.getoption("--provider")
    if chosen is None and not os.environ.get("CI"):
        chosen = "keycloak" if distribution() and shutil.which("java") else "embedded"
    return chosen == "embedded" and request.node.get_closest_marker("heart") is not None


@pytest.fixture
def identity_provider(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[IdentityProvider]:
    """The run's Keycloak, or, for a test of the heart, one in this process: either has realms, all at one `url`."""
    if not embedded_is_meant(request):
        yield request.getfixturevalue("keycloak")
        return
    embedded = EmbeddedProvider(tmp_path_factory.mktemp("clock"))
    yield embedded
    embedded.close()


@pytest.fixture
def make_realm(request: pytest.FixtureRequest, identity_provider: IdentityProvider) -> Iterator[MakeRealm]:
    """Makes realms by the options of `realm_representation`, or has one that another test has left as it was."""
    if isinstance(identity_provider, EmbeddedProvider):
        yield identity_provider.realm
        return
    pool: RealmPool = request.getfixturevalue("realm_pool")
    made: list[tuple[Realm, dict[str, Any]]] = []

    def make(**options: Any) -> Realm:
        made.append((pool.take(**options), options))
        return made[-1][0]

    yield make
    for realm, options in made:
        pool.give_back(realm, **options)


@pytest.fixture
def realm(make_realm: MakeRealm) -> Realm:
    """A realm as it comes."""
    return make_realm()


@pytest.fixture
def make_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., OidcProvider]]:
    """Makes providers of the other kind, a second each: `make_provider(**options of OidcProvider.start)`."""
    need("oidc-provider", oidc_provider.HOW_TO_INSTALL, not oidc_provider.missing())
    made: list[OidcProvider] = []

    def make(**options: Any) -> OidcProvider:
        made.append(OidcProvider.start(tmp_path_factory.mktemp("oidc-provider"), **options))
        return made[-1]

    yield make
    for provider in made:
        provider.close()


@pytest.fixture
def make_harbor() -> Iterator[MakeHarbor]:
    """Makes stand-ins: `make_harbor(realm, **options of StandInHarbor.start)`; see `Realm.through` for a proxy."""
    made: list[StandInHarbor] = []

    def make(realm: Realm, **options: Any) -> StandInHarbor:
        options.setdefault("client_secret", realm.harbor_secret)
        if realm.clock:
            options.setdefault("clock", realm.clock.now)
        made.append(StandInHarbor.start(realm.issuer, **options))
        return made[-1]

    yield make
    for harbor in made:
        harbor.close()


@pytest.fixture
def harbor(make_harbor: MakeHarbor, realm: Realm) -> StandInHarbor:
    """A stand-in as it comes, with `realm` behind it."""
    return make_harbor(realm)


@pytest.fixture
def make_proxy() -> Iterator[Callable[..., FaultProxy]]:
    """Makes proxies that go wrong: `make_proxy(upstream_url)`."""
    made: list[FaultProxy] = []

    def make(upstream_url: str, **options: Any) -> FaultProxy:
        made.append(FaultProxy.start(upstream_url, **options))
        return made[-1]

    yield make
    for proxy in made:
        proxy.close()


@pytest.fixture
def person() -> Iterator[CookiePerson]:
    """alice, at a browser made of cookies."""
    somebody = CookiePerson()
    yield somebody
    somebody.close()


@pytest.fixture
def chromium_person() -> Iterator[ChromiumPerson]:
    """alice, at a real Chromium."""
    need("chromium", "apt-get install chromium", chromium())
    somebody = ChromiumPerson()
    yield somebody
    somebody.close()


@pytest.fixture(scope="session")
def docker_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[docker.DockerEngine]:
    """A Docker engine of this worker's."""
    need("Docker engine", "apt-get install docker.io", not docker.missing_engine())
    need("root, for the Docker engine", "run the tests as root", os.geteuid() == 0)
    with docker.DockerEngine.start(tmp_path_factory.mktemp("docker")) as engine:
        yield engine


@pytest.fixture
def make_helm(home: Home) -> Callable[..., Helm]:
    """Makes Helms in the sealed home: `make_helm(registry_config=FILE)`."""
    need("helm 3", helm.INSTALL, helm.program())
    return functools.partial(Helm, home.environment)


@pytest.fixture
def docker_registry(harbor: StandInHarbor, tmp_path: Path) -> Iterator[docker.Registry]:
    """A real registry behind `harbor`."""
    need("docker-registry", "apt-get install docker-registry", not docker.missing_registry())
    with docker.Registry.start(tmp_path, harbor.signer, harbor.external_url) as registry:
        harbor.set_registry(registry.url)
        yield registry


@pytest.fixture
def secret_bus(tmp_path: Path) -> Iterator[secret_service.SecretService]:
    """An unlocked Secret Service; lay its `environment` over the home's to use it."""
    need("Secret Service", "apt-get install gnome-keyring dbus", not secret_service.missing())
    with secret_service.SecretService.start(tmp_path / "secret-service") as service:
        yield service


@pytest.fixture
def free_port() -> int:
    """A loopback port for what must know it beforehand."""
    return unused_port()


@pytest.fixture
def kdc(tmp_path: Path) -> Iterator[kerberos.Kdc]:
    """A real KDC; lay its `environment` over the home's to have its tickets."""
    need("Kerberos KDC", "apt-get install krb5-kdc krb5-admin-server krb5-user", not kerberos.missing())
    need("GSSAPI", "apt-get install libgssapi-krb5-2", kerberos.has_library())
    with kerberos.Kdc(tmp_path / "kdc") as server:
        yield server


@pytest.fixture
def home(tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[Home]:
    """A sealed home."""
    purge_if_alone(pytestconfig)
    sealed = Home(tmp_path / "sealed")
    yield sealed
    sealed.end_processes()
    purge_if_alone(pytestconfig)


@pytest.fixture
def helper(home: Home, request: pytest.FixtureRequest) -> Helper:
    """The installed executable in the sealed home; for a test of the heart what pip has installed, whatever else is."""
    installed = Helper(home)
    if request.node.get_closest_marker("heart"):
        installed.program = str(console_script())
    return installed


@pytest.fixture
def make_workplace(
    make_realm: MakeRealm, make_harbor: MakeHarbor, helper: Helper, person: CookiePerson
) -> MakeWorkplace:
    """Makes a workplace: `realm` and `harbor` are options of the two; the person already known to Harbor or not.

    `through`: the way to the provider, for everybody. Without offline_access unless `harbor` says so.
    """

    def make(
        realm: dict[str, Any] | None = None,
        harbor: dict[str, Any] | None = None,
        *,
        onboarded: bool = True,
        somebody: Person | None = None,
        through: FaultProxy | None = None,
        **keys: object,
    ) -> Workplace:
        at = make_realm(**(realm or {}))
        if through:
            at = at.through(through.url)
        place = Workplace(
            at, make_harbor(at, **{"scopes": WITHOUT_OFFLINE, **(harbor or {})}), somebody or person, helper
        )
        purge_memory_of(place.name)
        at.set_harbor_redirect(place.harbor.url)
        if through:  # it is there to go wrong, which Harbor is to notice at once
            place.harbor.provider.kept_seconds = 0
        place.helper.home.environment["BROWSER"] = place.person.browser_command
        if "offline_access" in place.harbor.provider.scopes:
            place.helper.home.environment |= walk.SEEN
        if at.clock:
            place.helper.home.environment |= at.clock.environment
        if onboarded:
            place.onboard()
        place.configure(**keys)  # type: ignore[arg-type]
        return place

    return make


@pytest.fixture
def workplace(make_workplace: MakeWorkplace) -> Workplace:
    """A workplace as it comes: alice is known to Harbor as alice-h."""
    return make_workplace()


@pytest.fixture
def make_desk(make_workplace: MakeWorkplace, docker_engine: docker.DockerEngine, tmp_path: Path) -> Iterator[MakeDesk]:
    """Makes a workplace, by its options, with Docker on it and a real registry behind its Harbor."""
    need("docker-registry", "apt-get install docker-registry", not docker.missing_registry())
    registries = []

    def make(**options: object) -> Desk:
        workplace = make_workplace(**options)
        harbor = workplace.harbor
        registries.append(docker.Registry.start(tmp_path, harbor.signer, harbor.external_url))
        harbor.set_registry(registries[-1].url)
        return Desk(workplace, docker_engine)

    yield make
    for registry in registries:
        registry.close()
