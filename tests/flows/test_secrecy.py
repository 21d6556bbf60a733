"""No secret anywhere but in the store: standard error, trace, arguments and environments of processes, files, pages."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from uuid import uuid4

import pytest

from tests.flows.conftest import WITH_OFFLINE, WITHOUT_OFFLINE
from tests.lab import faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.flows.conftest import Workplace
    from tests.lab.faults import Fault, FaultProxy
    from tests.lab.keycloak import Keycloak
    from tests.lab.web import Exchange

TRACE = {"DOCKER_CREDENTIAL_HARBOR_TRACE": "1"}
SECRET_FIELDS = ("code", "code_verifier", "refresh_token", "access_token", "id_token")
ANOTHER = f"Another-Secret-{uuid4()}"  # processes of other tests are looked at as well


class Eavesdropper:
    """Reads along at the token endpoint: every secret that went through it."""

    def __init__(self) -> None:
        self.secrets: set[str] = {ANOTHER}

    def fault(self) -> Fault:
        def passed_on(exchange: Exchange, proxy: FaultProxy) -> None:
            read = bytearray()
            exchange._chunks = _reading(exchange.chunks(), read)  # noqa: SLF001 - nobody else wants to read along
            status, headers, body = proxy.true_answer(exchange)
            self._note(dict(parse_qsl(read.decode())))
            self._note(json.loads(body))
            exchange.answer(status, body, headers)

        return passed_on

    def _note(self, fields: dict[str, Any]) -> None:
        self.secrets |= {fields[name] for name in SECRET_FIELDS if fields.get(name)}


def _reading(chunks: Iterator[bytes], into: bytearray) -> Iterator[bytes]:
    for chunk in chunks:
        into += chunk
        yield chunk


class ProcessWatch:
    """Looks at the arguments and environments of all processes, again and again, while a `with` lasts."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> ProcessWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(10)

    def _watch(self) -> None:
        while not self._over.wait(0.01):
            for process in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    try:
                        self.seen.add((process / name).read_bytes())
                    except OSError:
                        continue


@pytest.mark.parametrize("scopes", [WITHOUT_OFFLINE, WITH_OFFLINE], ids=["online", "offline"])
def test_no_secret_leaves(
    make_workplace: Callable[..., Workplace], make_proxy: Callable[..., FaultProxy], keycloak: Keycloak, scopes: str
) -> None:
    proxy = make_proxy(keycloak.url)
    workplace = make_workplace(harbor={"scopes": scopes}, through=proxy, top="cache_ttl = 0\nlogin_timeout = 20")
    workplace.harbor.provider.connect_through(keycloak.url)
    ears = Eavesdropper()
    token_path = f"/realms/{workplace.realm.name}/protocol/openid-connect/token"
    proxy.set(token_path, ears.fault())
    user = workplace.harbor.users["alice-h"]
    ears.secrets.add(user.secret)
    said = ""
    with ProcessWatch() as watch:

        def run(verb: str, status: int = 0) -> None:
            nonlocal said
            answer = workplace.helper.run(verb, workplace.name, TRACE)
            assert answer.returncode == status, answer.stderr
            said += answer.stderr + ("" if verb == "get" else answer.stdout)

        run("get")  # signs in
        [store] = workplace.helper.home.path.rglob("secrets.json")
        assert not store.stat().st_mode & 0o077
        workplace.harbor.set_secret("alice-h", ANOTHER)
        run("get")  # finds the other secret
        workplace.harbor.garble_secret("alice-h")
        run("get")  # walks, and sets a new one
        ears.secrets.add(user.secret)
        workplace.harbor.kill_stored_token("alice-h")
        run("get")  # walks
        proxy.set("/", faults.garbage)
        run("get")  # unverified or not, it is told
        run("erase")  # not revoked
        proxy.clear()
        proxy.set(token_path, faults.status(400, json.dumps({"error": "x", "error_description": ANOTHER}).encode()))
        run("get", 1)  # the exchange is refused, with words of the provider's
        proxy.clear()
        run("erase")
    files = {path: path.read_bytes() for path in workplace.helper.home.path.parent.rglob("*") if path.is_file()}
    assert not [path for path in files if path.name == "secrets.json"], "erase leaves nothing"
    assert len(ears.secrets) >= 8
    for secret in ears.secrets:
        assert secret not in said
        assert not [seen for seen in watch.seen if secret.encode() in seen]
        assert not [path for path, content in files.items() if secret.encode() in content]
        assert not [page for page in workplace.person.pages if secret in page.text or secret in page.url]
