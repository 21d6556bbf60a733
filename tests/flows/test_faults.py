"""What Harbor or the provider does wrong, at each endpoint and in each step of `get`, on real parts.

Always: one line, nothing secret in it nor in the trace, no traceback, no window where nothing can be concluded, within
the time, and nothing erased: the next `get` without the fault works.
"""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.flows.conftest import NOT_FOUND, WITH_OFFLINE, WITHOUT_OFFLINE
from tests.lab import faults
from tests.lab.certificates import Authority
from tests.lab.processes import wait_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.flows.conftest import Workplace
    from tests.lab.faults import Fault, FaultProxy
    from tests.lab.keycloak import Keycloak
    from tests.lab.web import Exchange

    MakeWorkplace = Callable[..., Workplace]
    MakeProxy = Callable[..., FaultProxy]

TIMEOUT_SECONDS = 1
PREFIX = "docker-credential-harbor: "
TRACE = {"DOCKER_CREDENTIAL_HARBOR_TRACE": "1"}
SETTINGS = f"cache_ttl = 0\ntimeout = {TIMEOUT_SECONDS}"

PROBE = "/service/token"
CURRENT = "/api/v2.0/users/current"
LOGIN = "/c/oidc/login"
ANOTHER = "Another-Secret-0123456789"

FAULTS: dict[str, Fault] = {
    "reset": faults.refuse,
    "hang": faults.hang,
    "drip": faults.drip,
    "503": faults.status(503),
    "429": faults.status(429, retry_after="120"),
    "403 with a page": faults.status(403, b"<html>Forbidden by the proxy</html>"),
    "a page instead": faults.status(200, b"<html>Please sign in to the guest network</html>"),
    "nothing in it": faults.status(200),
    "no JSON": faults.garbage,
    "JSON, but a list": faults.status(200, b"[]"),
    "nested": faults.status(200, b'{"a":' * 50_000),
    "no HTTP": faults.not_http,
    "cut short": faults.cut_short,
    "huge": faults.huge,
}
SOME = {name: FAULTS[name] for name in ("reset", "hang", "503", "429", "no HTTP", "cut short")}
# These answers mean something to the caller: no such thing there. What is said then is a different line.
ABSENT = {"403 with a page", "a page instead", "nothing in it", "no JSON", "JSON, but a list", "nested"}


@dataclass
class Told:
    """One `get` with the trace on: what it answered and said, and how long it took."""

    answer: subprocess.CompletedProcess[str]
    seconds: float

    @property
    def lines(self) -> list[str]:
        """Standard error without trace and links, without its beginning."""
        lines = [line.removeprefix(PREFIX) for line in self.answer.stderr.splitlines()]
        return [line for line in lines if not line.startswith(("trace: ", "opening a browser "))]

    @property
    def line(self) -> str:
        assert len(self.lines) == 1, self.answer.stderr
        return self.lines[0]

    @property
    def pair(self) -> tuple[str, str]:
        assert self.answer.returncode == 0, self.answer.stdout + self.answer.stderr
        pair = json.loads(self.answer.stdout)
        return pair["Username"], pair["Secret"]

    def check(self, workplace: Workplace) -> None:
        """What holds whatever went wrong."""
        errors = self.answer.stderr
        assert "Traceback" not in errors
        assert all(line.startswith(PREFIX) for line in errors.splitlines()), errors
        assert "something unexpected happened" not in errors, errors
        for secret in secrets_of(workplace):
            assert secret not in errors


def told(workplace: Workplace, *arguments: str, **env: str) -> Told:
    """`get`, or another request, with the trace on."""
    began = time.monotonic()
    answer = workplace.helper.run(arguments[0] if arguments else "get", workplace.name, {**TRACE, **env})
    result = Told(answer, time.monotonic() - began)
    result.check(workplace)
    return result


def with_another_host(table: dict[str, Fault], elsewhere: FaultProxy) -> list[tuple[str, Fault]]:
    """The table, and the answer that leads to another host: nobody must follow it there."""
    return [*table.items(), ("another host", faults.redirect_to(elsewhere.url))]


def secrets_of(workplace: Workplace) -> Iterator[str]:
    yield workplace.harbor.users["alice-h"].secret
    for path in workplace.helper.home.folders["XDG_DATA_HOME"].rglob("secrets.json"):
        for value in json.loads(path.read_text())["values"].values():
            tokens = json.loads(value).get("tokens", {})
            yield from (tokens[name] for name in ("id_token", "refresh_token") if tokens.get(name))


def in_time(workplace: Workplace) -> float:
    """`timeout` and about a second; on a slow machine a good `get` shows what starting it twice costs."""
    began = time.monotonic()
    workplace.helper.run("version")
    return TIMEOUT_SECONDS + max(1.0, 4 * (time.monotonic() - began))


def signed_in_behind(
    make_workplace: MakeWorkplace, make_proxy: MakeProxy, **harbor: object
) -> tuple[Workplace, FaultProxy]:
    """Signed in; the helper alone reaches Harbor through the proxy."""
    workplace = make_workplace(harbor=harbor, top=SETTINGS)
    proxy = make_proxy(workplace.harbor.url)
    workplace.configure(top=SETTINGS, url=proxy.url)
    workplace.pair()
    return workplace, proxy


class TestHarbor:
    """Step by step of a later `get`: the last known pair, one line, no window."""

    @pytest.mark.parametrize(
        ("endpoint", "prepare"),
        [
            (PROBE, "nothing"),
            (CURRENT, "another secret"),
            (LOGIN, "dead token"),
        ],
    )
    def test_the_last_known_pair_with_a_warning(
        self, make_workplace: MakeWorkplace, make_proxy: MakeProxy, endpoint: str, prepare: str
    ) -> None:
        workplace, proxy = signed_in_behind(make_workplace, make_proxy)
        elsewhere = make_proxy(workplace.harbor.url)
        pair = workplace.pair()
        if prepare == "another secret":
            workplace.harbor.set_secret("alice-h", ANOTHER)
        if prepare == "dead token":
            workplace.harbor.kill_stored_token("alice-h")
        limit = in_time(workplace)
        for name, fault in with_another_host(SOME if endpoint == LOGIN else FAULTS, elsewhere):
            proxy.set(endpoint, fault)
            get = told(workplace)
            assert get.pair == pair, name
            assert get.line.startswith(f"the pair for {workplace.name} could not be verified: "), name
            assert get.seconds < limit, f"{name}: {get.seconds:.1f} s"
        proxy.down()
        assert told(workplace).pair == pair
        assert (workplace.person.windows, elsewhere.seen) == (1, [])
        proxy.clear()
        assert workplace.pair() == ("alice-h", workplace.harbor.users["alice-h"].secret)
        assert workplace.person.windows == (2 if prepare == "dead token" else 1)

    def test_setting_a_new_secret(self, make_workplace: MakeWorkplace, make_proxy: MakeProxy) -> None:
        """One window, as there must be: Harbor cannot read its secret any more."""
        workplace, proxy = signed_in_behind(make_workplace, make_proxy)
        elsewhere = make_proxy(workplace.harbor.url)
        user = workplace.harbor.users["alice-h"]
        pair = ("alice-h", user.secret)
        workplace.harbor.garble_secret("alice-h")
        before = snapshot(workplace)
        for name, fault in with_another_host(SOME, elsewhere):
            proxy.set(f"/api/v2.0/users/{user.user_id}/cli_secret", fault)
            get = told(workplace)
            assert get.pair == pair, name
            assert "could not be verified" in get.line, name
            restore(workplace, before)  # that window did not end in a working pair, so it counts as declined
            workplace.harbor.garble_secret("alice-h")  # "cut short" had set one
        assert elsewhere.seen == []
        proxy.clear()
        assert workplace.pair() == ("alice-h", user.secret)
        assert user.secret != pair[1]

    def test_of_a_stored_pair_the_kind(self, make_workplace: MakeWorkplace, make_proxy: MakeProxy) -> None:
        workplace = make_workplace(top=SETTINGS)
        proxy = make_proxy(workplace.harbor.url)
        elsewhere = make_proxy(workplace.harbor.url)
        workplace.configure(top=SETTINGS, url=proxy.url)
        workplace.harbor.add_robot("ci-bot", "Robot-Secret-1")
        workplace.store("ci-bot", "Robot-Secret-1")
        for name, fault in with_another_host(SOME, elsewhere):
            proxy.set(CURRENT, fault)
            get = told(workplace)
            assert get.pair == ("ci-bot", "Robot-Secret-1"), name
            assert "could not be verified" in get.line, name
        assert elsewhere.seen == []
        proxy.clear()
        assert workplace.pair() == ("ci-bot", "Robot-Secret-1")
        assert workplace.get().stderr == ""

    def test_before_the_first_sign_in_no_window(self, make_workplace: MakeWorkplace, make_proxy: MakeProxy) -> None:
        workplace = make_workplace(top=SETTINGS)
        proxy = make_proxy(workplace.harbor.url)
        elsewhere = make_proxy(workplace.harbor.url)
        workplace.configure(top=SETTINGS, url=proxy.url)
        limit = in_time(workplace)
        for name, fault in with_another_host(FAULTS, elsewhere):
            proxy.set(LOGIN, fault)
            get = told(workplace)
            assert (get.answer.returncode, get.answer.stdout) == (1, NOT_FOUND), name
            assert get.line, name
            assert get.seconds < limit, f"{name}: {get.seconds:.1f} s"
        assert workplace.person.windows == 0
        proxy.clear()
        assert workplace.pair()[0] == "alice-h"

    def test_while_the_person_signs_in_it_is_asked_again(
        self, make_workplace: MakeWorkplace, make_proxy: MakeProxy
    ) -> None:
        workplace = make_workplace(top=SETTINGS)
        proxy = make_proxy(workplace.harbor.url)
        workplace.configure(top=SETTINGS, url=proxy.url)
        proxy.set(CURRENT, faults.status(503), times=2)
        proxy.set(PROBE, faults.refuse, times=2)
        assert workplace.pair()[0] == "alice-h"
        assert workplace.person.windows == 1

    def test_another_get_that_hangs_is_not_waited_for(
        self, make_workplace: MakeWorkplace, make_proxy: MakeProxy
    ) -> None:
        workplace, proxy = signed_in_behind(make_workplace, make_proxy)
        pair = workplace.pair()
        before = len(proxy.seen)
        proxy.set(PROBE, faults.hang)
        first = workplace.helper.start("get", {"DOCKER_CREDENTIAL_HARBOR_TIMEOUT": "60"})
        assert first.stdin
        first.stdin.write(workplace.name.encode())
        first.stdin.close()
        first.stdin = None
        wait_until(lambda: len(proxy.seen) > before, "its probe")
        limit = in_time(workplace)
        second = told(workplace)
        assert second.pair == pair
        assert f"another get for {workplace.name} is still running" in second.line
        assert second.seconds < limit
        first.kill()
        first.communicate(timeout=10)
        proxy.clear()
        assert workplace.get().stderr == "", "the killed one holds nothing"


class TestProvider:
    """The helper and the person reach the provider through the proxy, Harbor directly."""

    @staticmethod
    def place(
        make_workplace: MakeWorkplace, make_proxy: MakeProxy, keycloak_url: str, **harbor: object
    ) -> tuple[Workplace, FaultProxy]:
        proxy = make_proxy(keycloak_url)
        workplace = make_workplace(harbor=harbor, through=proxy, top=SETTINGS)
        workplace.harbor.provider.connect_through(keycloak_url)
        return workplace, proxy

    @pytest.fixture
    def behind(
        self, make_workplace: MakeWorkplace, make_proxy: MakeProxy, keycloak: Keycloak
    ) -> tuple[Workplace, FaultProxy]:
        return self.place(make_workplace, make_proxy, keycloak.url)

    @staticmethod
    def path(workplace: Workplace, name: str) -> str:
        realm = f"/realms/{workplace.realm.name}"
        return f"{realm}/.well-known" if name == "discovery" else f"{realm}/protocol/openid-connect/{name}"

    def test_discovery_before_the_first_sign_in(
        self, behind: tuple[Workplace, FaultProxy], make_proxy: MakeProxy
    ) -> None:
        workplace, proxy = behind
        elsewhere = make_proxy(workplace.realm.keycloak.url)
        for name, fault in with_another_host(FAULTS, elsewhere):
            proxy.set(self.path(workplace, "discovery"), fault)
            get = told(workplace)
            assert (get.answer.returncode, get.answer.stdout) == (1, NOT_FOUND), name
            assert get.line, name
            assert get.seconds < 2 * in_time(workplace), f"{name}: {get.seconds:.1f} s"
        assert (workplace.person.windows, elsewhere.seen) == (0, [])
        proxy.clear()
        assert workplace.pair()[0] == "alice-h"

    @pytest.mark.parametrize("endpoint", ["token", "certs"])
    @pytest.mark.parametrize("known", ["first", "later"])
    def test_the_exchange(
        self, behind: tuple[Workplace, FaultProxy], make_proxy: MakeProxy, endpoint: str, known: str
    ) -> None:
        """One window, as there must be; with a pair from before that is given, without one not-found."""
        workplace, proxy = behind
        elsewhere = make_proxy(workplace.realm.keycloak.url)
        pair = workplace.pair() if known == "later" else None
        if pair:
            workplace.harbor.set_secret("alice-h", ANOTHER)
            change_own_tokens(workplace, id_token_expires_at=1, refresh_token=None)
        before = snapshot(workplace)
        table = FAULTS if (endpoint, known) == ("token", "first") else SOME
        for name, fault in with_another_host(table, elsewhere):
            restore(workplace, before)  # a failed window counts as declined
            workplace.person.reset()
            proxy.set(self.path(workplace, endpoint), fault)
            get = told(workplace)
            assert workplace.person.windows == 1, name
            if pair:
                assert get.pair == pair, name
                assert "could not be verified" in get.line, name
            else:
                assert (get.answer.returncode, get.answer.stdout) == (1, NOT_FOUND), name
                assert get.line, name
        assert elsewhere.seen == []
        proxy.clear()
        assert "no window opens by itself" in workplace.get().stderr or pair
        assert workplace.helper.run("login").returncode == 0
        assert workplace.pair() == ("alice-h", workplace.harbor.users["alice-h"].secret)

    def test_the_exchange_that_was_held_back(
        self, make_workplace: MakeWorkplace, make_proxy: MakeProxy, keycloak: Keycloak
    ) -> None:
        workplace, proxy = self.place(make_workplace, make_proxy, keycloak.url, scopes=WITH_OFFLINE)
        proxy.set(self.path(workplace, "token"), faults.status(503))
        get = told(workplace)
        assert (get.answer.returncode, get.answer.stdout) == (1, NOT_FOUND)
        assert "status 503" in get.line

    @pytest.mark.parametrize("endpoint", ["token", "discovery"])
    def test_the_refresh(self, behind: tuple[Workplace, FaultProxy], make_proxy: MakeProxy, endpoint: str) -> None:
        workplace, proxy = behind
        elsewhere = make_proxy(workplace.realm.keycloak.url)
        pair = workplace.pair()
        if endpoint == "discovery":
            remove_notes(workplace)
        change_own_tokens(workplace, id_token_expires_at=1)
        workplace.harbor.set_secret("alice-h", ANOTHER)
        limit = in_time(workplace)
        told_otherwise = []
        for name, fault in with_another_host(FAULTS, elsewhere):
            proxy.set(self.path(workplace, endpoint), fault)
            get = told(workplace)
            assert get.seconds < limit, f"{name}: {get.seconds:.1f} s"
            assert get.line, name
            if get.answer.returncode:
                told_otherwise.append(name)
                continue
            assert get.pair == pair, name
        assert set(told_otherwise) <= (ABSENT | {"another host"} if endpoint == "discovery" else set())
        assert (workplace.person.windows, elsewhere.seen) == (1, [])
        proxy.clear()
        assert workplace.pair() == ("alice-h", ANOTHER)
        assert workplace.person.windows == 1

    def test_a_refreshed_id_token_that_is_none_does_not_cost_the_sign_in(
        self, make_workplace: MakeWorkplace, make_proxy: MakeProxy, keycloak: Keycloak
    ) -> None:
        """With rotation the old refresh token is worth nothing by then."""
        workplace, proxy = self.place(make_workplace, make_proxy, keycloak.url)
        workplace.realm.update(revokeRefreshToken=True, refreshTokenMaxReuse=0)
        workplace.pair()
        change_own_tokens(workplace, id_token_expires_at=1)
        workplace.harbor.set_secret("alice-h", ANOTHER)
        proxy.set(self.path(workplace, "token"), with_a_broken_id_token)
        get = told(workplace)
        assert (get.answer.returncode, get.answer.stdout) == (1, NOT_FOUND)
        assert "the ID token of" in get.line
        proxy.clear()
        assert workplace.pair() == ("alice-h", ANOTHER)
        assert workplace.person.windows == 1

    @pytest.mark.parametrize("endpoint", ["revoke", "discovery"])
    def test_the_revocation(self, behind: tuple[Workplace, FaultProxy], make_proxy: MakeProxy, endpoint: str) -> None:
        """What is here goes all the same, and one line says what stays there."""
        workplace, proxy = behind
        elsewhere = make_proxy(workplace.realm.keycloak.url)
        workplace.pair()
        if endpoint == "discovery":
            remove_notes(workplace)
        before = snapshot(workplace)
        for name, fault in with_another_host(SOME, elsewhere):
            restore(workplace, before)
            proxy.set(self.path(workplace, endpoint), fault)
            erase = told(workplace, "erase")
            assert (erase.answer.returncode, erase.answer.stdout) == (0, ""), name
            assert erase.line, name
            assert workplace.helper.run("list").stdout == "{}\n"
        assert elsewhere.seen == []


def with_a_broken_id_token(exchange: Exchange, proxy: FaultProxy) -> None:
    """The token endpoint's true answer, but for the ID token."""
    status, headers, body = proxy.true_answer(exchange)
    exchange.answer(status, json.dumps({**json.loads(body), "id_token": "e30.e30.e30"}).encode(), headers)


def change_own_tokens(workplace: Workplace, **changes: object) -> None:
    """What the helper keeps of the person's sign-in, as if time had gone by or the provider had said otherwise."""
    [path] = workplace.helper.home.folders["XDG_DATA_HOME"].rglob("secrets.json")
    kept = json.loads(path.read_text())
    for key, value in kept["values"].items():
        sign_in = json.loads(value)
        sign_in["tokens"] |= changes
        kept["values"][key] = json.dumps(sign_in)
    path.write_text(json.dumps(kept))


def remove_notes(workplace: Workplace) -> None:
    for path in workplace.helper.home.folders["XDG_STATE_HOME"].rglob("*.json"):
        path.unlink()


def snapshot(workplace: Workplace) -> Path:
    """A copy of all that the helper keeps, to go back to."""
    copy = workplace.helper.home.path.parent / "copy"
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME"):
        shutil.copytree(workplace.helper.home.folders[name], copy / name)
    return copy


def restore(workplace: Workplace, copy: Path) -> None:
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME"):
        shutil.rmtree(workplace.helper.home.folders[name])
        shutil.copytree(copy / name, workplace.helper.home.folders[name])


class TestCertificates:
    @pytest.fixture
    def authority(self, tmp_path: Path) -> Authority:
        return Authority(tmp_path)

    def test_a_good_one_through_ca_file(self, make_workplace: MakeWorkplace, authority: Authority) -> None:
        workplace = make_workplace(harbor={"tls": authority.server()}, ca_file=str(authority.ca_file))
        workplace.person.trust(authority.ca_file)  # type: ignore[attr-defined]
        assert workplace.harbor.url.startswith("https://")
        assert workplace.pair() == ("alice-h", workplace.harbor.users["alice-h"].secret)

    @pytest.mark.parametrize(
        ("kind", "trusted", "reason"),
        [
            ("expired", True, "it has expired"),
            ("valid", False, "unknown authority"),
            ("other-name", True, "it was made out to another address"),
        ],
    )
    def test_a_bad_one(
        self,
        make_workplace: MakeWorkplace,
        make_proxy: MakeProxy,
        authority: Authority,
        kind: str,
        trusted: bool,
        reason: str,
    ) -> None:
        workplace = make_workplace(top=SETTINGS)
        proxy = make_proxy(workplace.harbor.url, tls=authority.server(kind))  # type: ignore[arg-type]
        ca_file = {"ca_file": str(authority.ca_file)} if trusted else {}
        workplace.configure(top=SETTINGS, url=proxy.url, **ca_file)
        first = told(workplace)
        assert (first.answer.returncode, first.answer.stdout) == (1, NOT_FOUND)
        assert f"the TLS certificate of {proxy.url[8:]} is not trusted ({reason})" in first.line
        assert workplace.person.windows == 0
        workplace.configure(top=SETTINGS)
        pair = workplace.pair()
        workplace.configure(top=SETTINGS, url=proxy.url, **ca_file)
        later = told(workplace)
        assert later.pair == pair
        assert reason in later.line
        assert proxy.seen == [], "nothing was said to it"

    @pytest.mark.parametrize("content", [None, b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
    def test_a_ca_file_that_is_none(self, make_workplace: MakeWorkplace, tmp_path: Path, content: bytes | None) -> None:
        file = tmp_path / "ca.pem"
        if content is not None:
            file.write_bytes(content)
        workplace = make_workplace(top=SETTINGS, ca_file=str(file))
        get = told(workplace)
        assert (get.answer.returncode, get.answer.stdout) == (1, NOT_FOUND)
        assert str(file) in get.line
        assert workplace.person.windows == 0


class TestClocks:
    """This machine's clock is two minutes off; Harbor's and the provider's are right."""

    @pytest.mark.parametrize(
        ("offset_seconds", "scopes"), [(120, WITHOUT_OFFLINE), (-120, WITHOUT_OFFLINE), (-120, WITH_OFFLINE)]
    )
    def test_two_minutes_do_no_harm(
        self, make_workplace: MakeWorkplace, tmp_path: Path, offset_seconds: int, scopes: str
    ) -> None:
        # Not libfaketime: under it no wait in Python ends in time.
        shifted = f"import time\nright = time.time\ntime.time = lambda: right() + {offset_seconds}\n"
        (tmp_path / "sitecustomize.py").write_text(shifted)
        workplace = make_workplace(harbor={"scopes": scopes}, top="cache_ttl = 0")
        workplace.helper.home.environment["PYTHONPATH"] = str(tmp_path)
        pair = workplace.pair()
        assert told(workplace).lines == []
        change_own_tokens(workplace, id_token_expires_at=1)
        workplace.harbor.set_secret("alice-h", ANOTHER)
        assert workplace.pair() == ("alice-h", ANOTHER) != pair
        workplace.harbor.expire_stored_access_token("alice-h")
        assert told(workplace).lines == []
        workplace.harbor.kill_stored_token("alice-h")
        assert workplace.pair() == ("alice-h", ANOTHER)
        assert workplace.person.forms <= 2
