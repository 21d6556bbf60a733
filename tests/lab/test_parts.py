"""Each of the other real parts starts and does its job."""

import base64
import itertools
import json
import os
import socket
import ssl
import threading
import time
import urllib.request
from pathlib import Path

import pytest
import requests

from docker_credential_harbor.warm_get import kernel_keys
from tests.conftest import MakeHarbor, need
from tests.lab import faults, kernel_keyring, secret_service
from tests.lab.accepting import accepting
from tests.lab.certificates import Authority
from tests.lab.docker import DockerEngine, Registry
from tests.lab.faults import FaultProxy
from tests.lab.harbor import StandInHarbor
from tests.lab.person import CookiePerson
from tests.lab.processes import wait_until
from tests.lab.realm import Realm
from tests.lab.sealed_home import NAME, Helper, Home, console_script, purge_memory, purge_memory_of
from tests.lab.secret_service import SecretService
from tests.lab.web import Exchange, WebServer

IMAGE_BYTES = 8 << 20


def test_what_is_kept_of_an_earlier_registry_at_an_address_goes_and_nothing_else() -> None:
    need("kernel keyring", "a kernel with CONFIG_KEYS, and no filter before it", kernel_keyring.is_open())
    earlier, another = f"{NAME}:sign-in 127.0.0.1:1".encode(), f"{NAME}:sign-in 127.0.0.1:12".encode()
    for key in (earlier, another):
        kernel_keys.add(key, b"x", timeout_seconds=60)
    purge_memory_of("127.0.0.1:1")
    assert (kernel_keys.read(earlier), kernel_keys.read(another)) == (None, b"x")
    kernel_keys.remove(another)


def docker_login(folder: Path, registry: str, username: str, secret: str) -> Path:
    """A config.json with a pair in it, as `docker login` without helpers writes it."""
    folder.mkdir(exist_ok=True)
    auth = base64.b64encode(f"{username}:{secret}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {registry: {"auth": auth}}}))
    return folder


def test_docker_pushes_and_pulls(
    docker_engine: DockerEngine,
    docker_registry: Registry,
    harbor: StandInHarbor,
    person: CookiePerson,
    tmp_path: Path,
) -> None:
    assert docker_registry.url
    harbor.add_project("demo")
    harbor.add_project("pub", public=True)
    person.onboard_as = "alice-h"
    person.open(f"{harbor.url}/c/oidc/login")
    config = docker_login(tmp_path / "docker", harbor.name, "alice-h", harbor.users["alice-h"].secret)
    for project in ("demo", "pub"):
        image = f"{harbor.name}/{project}/hi:1"
        docker_engine.import_image(image, IMAGE_BYTES)
        pushed = docker_engine.run("push", image, config=config)
        assert pushed.returncode == 0, pushed.stderr
        docker_engine.forget_image(image)
        pulled = docker_engine.run("pull", image, config=config)
        assert pulled.returncode == 0, pulled.stderr
        docker_engine.forget_image(image)
    assert docker_engine.run("pull", f"{harbor.name}/pub/hi:1").returncode == 0
    assert docker_engine.run("pull", f"{harbor.name}/demo/hi:1").returncode != 0
    harbor.kill_stored_token("alice-h")
    refused = docker_engine.run("pull", f"{harbor.name}/demo/hi:1", config=config)
    assert refused.returncode != 0
    assert "denied" in refused.stderr or "unauthorized" in refused.stderr


def test_basic_pair_on_a_repository(docker_registry: Registry, harbor: StandInHarbor) -> None:
    assert docker_registry.url
    harbor.add_project("demo")
    harbor.add_robot("robot$ci", "robot-secret")
    url = f"{harbor.url}/v2/demo/hi/tags/list"
    assert requests.get(url, auth=("robot$ci", "robot-secret"), timeout=30).status_code == 404
    assert requests.get(url, auth=("robot$ci", "wrong"), timeout=30).status_code == 401
    assert 'scope="repository:demo/hi:pull"' in requests.get(url, timeout=30).headers["Www-Authenticate"]


def keyring(service: SecretService, home: Home, *arguments: str) -> tuple[int, str]:
    helper = Helper(home)
    helper.program = str(console_script().with_name("keyring"))
    done = helper.run(arguments, "a secret", service.environment)
    return done.returncode, done.stdout.strip()


def test_secret_service_keeps_and_locks(secret_bus: SecretService, home: Home) -> None:
    assert keyring(secret_bus, home, "set", "lab", "alice")[0] == 0
    assert keyring(secret_bus, home, "get", "lab", "alice") == (0, "a secret")
    assert secret_bus.locked() is False
    secret_bus.lock()
    assert secret_bus.locked() is True


def test_locked_from_the_start(tmp_path: Path) -> None:
    need("Secret Service", "apt-get install gnome-keyring dbus", not secret_service.missing())
    with SecretService.start(tmp_path / "bus", unlocked=False) as service:
        assert service.locked() is True


def echo(exchange: Exchange) -> None:
    exchange.answer_json(200, {"target": exchange.target, "body": exchange.body().decode(), "filler": "x" * 100})


class TestFaults:
    def test_passes_on_and_goes_wrong(self) -> None:
        server = WebServer(echo)
        with FaultProxy.start(server.url) as proxy, requests.Session() as session:
            url = f"{proxy.url}/a/b?c"
            assert session.post(url, data=iter([b"one", b"two"]), timeout=60).json()["body"] == "onetwo"
            assert session.get(url, timeout=60).json()["target"] == "/a/b?c"
            proxy.set("/a", faults.status(429, retry_after="7"))
            assert session.get(url, timeout=60).headers["Retry-After"] == "7"
            assert session.get(f"{proxy.url}/b", timeout=60).ok
            proxy.set("/a/b", faults.garbage, times=1)
            assert not session.get(url, timeout=60).text.isprintable()
            assert session.get(url, timeout=60).status_code == 429
            proxy.clear()
            proxy.set("/", faults.redirect_to("http://elsewhere.example.com"))
            location = session.get(url, timeout=60, allow_redirects=False).headers["Location"]
            assert location == "http://elsewhere.example.com/a/b?c"
        server.close()

    @pytest.mark.parametrize("fault", [faults.refuse, faults.hang, faults.cut_short, faults.not_http])
    def test_no_whole_answer(self, fault: faults.Fault) -> None:
        server = WebServer(echo)
        with FaultProxy.start(server.url) as proxy:
            proxy.set("/", fault)
            with pytest.raises(requests.RequestException):
                requests.get(proxy.url, timeout=0.3)
        server.close()

    def test_drip(self) -> None:
        server = WebServer(echo)
        with FaultProxy.start(server.url) as proxy:
            proxy.set("/", faults.drip)
            start = time.monotonic()
            with requests.get(proxy.url, timeout=60, stream=True) as answer:
                assert answer.raw.read(3)
                assert time.monotonic() - start > faults.DRIP_SECONDS
        server.close()

    def test_huge(self) -> None:
        server = WebServer(echo)
        with FaultProxy.start(server.url) as proxy:
            proxy.set("/", faults.huge)
            with requests.get(proxy.url, timeout=60, stream=True) as answer:
                blocks = itertools.islice(answer.iter_content(65536), 64)
                assert sum(len(block) for block in blocks) > 1_000_000
        server.close()

    def test_down_and_up(self) -> None:
        server = WebServer(echo)
        with FaultProxy.start(server.url) as proxy:
            proxy.down()
            with pytest.raises(requests.ConnectionError, match="refused"):
                requests.get(proxy.url, timeout=60)
            proxy.clear()
            assert requests.get(proxy.url, timeout=60).ok
        server.close()


def test_certificates(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    results = {}
    for kind in ("valid", "expired", "other-name"):
        server = WebServer(echo, authority.server(kind))
        try:
            with urllib.request.urlopen(server.url, context=context, timeout=60) as answer:
                results[kind] = str(answer.status)
        except OSError as error:
            results[kind] = str(error)
        server.close()
    assert results["valid"] == "200"
    assert "expired" in results["expired"]
    assert "not valid for" in results["other-name"]


def test_harbor_speaks_tls(make_harbor: MakeHarbor, realm: Realm, person: CookiePerson, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    harbor = make_harbor(realm, tls=authority.server())
    person.trust(authority.ca_file)
    realm.set_harbor_redirect(harbor.url)
    person.onboard_as = "alice-h"
    assert "as alice-h" in person.open(f"{harbor.url}/c/oidc/login").text


def test_home_is_sealed(helper: Helper, home: Home) -> None:
    assert "HARBOR_LAB_RUN" in os.environ
    seen = Helper(home)
    seen.program = "/usr/bin/env"
    lines = seen.run([]).stdout.splitlines()
    assert f"HOME={home.path}" in lines
    names = {line.partition("=")[0] for line in lines}
    assert not names & {"CI", "DISPLAY", "HTTP_PROXY", "https_proxy", "HARBOR_LAB_RUN"}
    assert helper.run("version").args[0] == helper.program


def test_processes_of_a_home_are_ended(home: Home) -> None:
    sleeper = Helper(home)
    sleeper.program = "/bin/sleep"
    process = sleeper.start("600")
    home.end_processes()
    assert process.wait(60) < 0
    process.communicate()


def test_purges_only_the_helpers_keys(home: Home) -> None:
    need("keyctl", "apt-get install keyutils", Path("/usr/bin/keyctl").exists())
    keys = Helper(home)
    keys.program = "/usr/bin/keyctl"
    number = keys.run(["add", "user", "docker-credential-harbor:lab", "x", "@u"]).stdout.strip()
    other = keys.run(["add", "user", "lab-other", "x", "@u"]).stdout.strip()
    purge_memory("docker-credential-harbor:lab")
    listed = keys.run(["list", "@u"]).stdout
    assert f"{number}:" not in listed
    assert f"{other}:" in listed
    keys.run(["unlink", other, "@u"])


def test_nobody_waits_at_a_listener_that_is_closed() -> None:
    before = threading.active_count()
    for _ in range(3):
        with (
            accepting(lambda connection: connection.sendall(b"here")) as port,
            socket.create_connection(("127.0.0.1", port)) as client,
        ):
            assert client.recv(10) == b"here"
    wait_until(lambda: threading.active_count() <= before, "the threads of the connections to end")
