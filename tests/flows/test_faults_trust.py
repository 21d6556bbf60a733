"""Certificates that are not to be trusted, and clocks that differ."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.flows.conftest import NOT_FOUND, WITH_OFFLINE, WITHOUT_OFFLINE
from tests.flows.faulty import (
    ANOTHER,
    SETTINGS,
    change_own_tokens,
    remove_notes,
    restore,
    snapshot,
    told,
)
from tests.lab.certificates import Authority
from tests.lab.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lab.faults import FaultProxy
    from tests.lab.keycloak import Keycloak
    from tests.lab.workplace import Workplace

    MakeWorkplace = Callable[..., Workplace]
    MakeProxy = Callable[..., FaultProxy]


class TestCertificates:
    @pytest.fixture
    def authority(self, tmp_path: Path) -> Authority:
        return Authority(tmp_path)

    def test_a_good_one_through_ca_file(self, make_workplace: MakeWorkplace, authority: Authority) -> None:
        workplace = make_workplace(harbor={"tls": authority.server()}, ca_file=str(authority.ca_file))
        workplace.person.trust(authority.ca_file)  # type: ignore[attr-defined]
        assert workplace.harbor.url.startswith("https://")
        assert workplace.pair() == ("alice-h", workplace.harbor.users["alice-h"].secret)

    def test_one_named_by_a_relative_path_wherever_it_is_asked_from(
        self, make_workplace: MakeWorkplace, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """The worker of the sign-in works in the root folder, and Docker anywhere."""
        workplace = make_workplace(harbor={"tls": authority.server()}, ca_file="authority.pem", top="cache_ttl = 0")
        workplace.person.trust(authority.ca_file)  # type: ignore[attr-defined]
        shutil.copyfile(authority.ca_file, workplace.helper.home.path / "authority.pem")
        for folder in (workplace.helper.home.path, tmp_path):
            monkeypatch.chdir(folder)
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
        first = told(workplace, seconds=10)
        assert (first.answer.returncode, first.answer.stdout) == (1, NOT_FOUND)
        assert f"the TLS certificate of {proxy.url[8:]} is not trusted ({reason})" in first.line
        assert workplace.person.windows == 0
        workplace.configure(top=SETTINGS)
        pair = workplace.pair()
        workplace.configure(top=SETTINGS, url=proxy.url, **ca_file)
        later = told(workplace, seconds=10)
        assert later.pair == pair
        assert reason in later.line
        assert proxy.seen == [], "nothing was said to it"

    def test_the_providers_at_every_step(
        self, make_workplace: MakeWorkplace, make_proxy: MakeProxy, keycloak: Keycloak, authority: Authority
    ) -> None:
        """A company's authority that the helper is told of, and then no more."""
        proxy = make_proxy(keycloak.url, tls=authority.server())
        address = {"attributes": {"frontendUrl": proxy.url}}
        workplace = make_workplace(address, through=proxy, top=SETTINGS, ca_file=str(authority.ca_file))
        workplace.harbor.provider.connect_through(keycloak.url)
        workplace.person.trust(authority.ca_file)  # type: ignore[attr-defined]
        pair = workplace.pair()
        before = snapshot(workplace)
        workplace.configure(top=SETTINGS)
        said = f"the TLS certificate of {proxy.url[8:]} is not trusted (unknown authority)"
        seen = len(proxy.seen)

        workplace.harbor.set_secret("alice-h", ANOTHER)
        change_own_tokens(workplace, id_token_expires_at=1)
        refreshed = told(workplace, seconds=10)
        assert refreshed.pair == pair
        assert said in refreshed.line
        assert said in told(workplace, seconds=10, verb="status").answer.stdout

        remove_notes(workplace)
        discovered = told(workplace, seconds=10)
        assert (discovered.answer.returncode, discovered.answer.stdout) == (0, refreshed.answer.stdout)
        assert said in discovered.line

        erased = told(workplace, seconds=10, verb="erase")
        assert (erased.answer.returncode, erased.answer.stdout) == (0, "")
        assert said in erased.line

        first = told(workplace, seconds=10)
        assert (first.answer.returncode, first.answer.stdout) == (1, NOT_FOUND)
        assert said in first.line

        assert len(proxy.seen) == seen, "nothing was said to it"
        assert workplace.person.windows == 1
        restore(workplace, before)
        workplace.configure(top=SETTINGS, ca_file=str(authority.ca_file))
        assert workplace.pair() == ("alice-h", ANOTHER)
        assert workplace.person.windows == 1

    @pytest.mark.parametrize("content", [None, b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
    def test_a_ca_file_that_is_none(self, make_workplace: MakeWorkplace, tmp_path: Path, content: bytes | None) -> None:
        file = tmp_path / "ca.pem"
        if content is not None:
            file.write_bytes(content)
        workplace = make_workplace(top=SETTINGS, ca_file=str(file))
        get = told(workplace, seconds=10)
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
        clock = Clock(tmp_path)
        clock.put_forward(offset_seconds)
        workplace = make_workplace(harbor={"scopes": scopes}, top="cache_ttl = 0")
        workplace.helper.home.environment |= clock.environment
        pair = workplace.pair()
        assert told(workplace, seconds=10).lines == []
        change_own_tokens(workplace, id_token_expires_at=1)
        workplace.harbor.set_secret("alice-h", ANOTHER)
        assert workplace.pair() == ("alice-h", ANOTHER) != pair
        workplace.harbor.expire_stored_access_token("alice-h")
        assert told(workplace, seconds=10).lines == []
        workplace.harbor.kill_stored_token("alice-h")
        assert workplace.pair() == ("alice-h", ANOTHER)
        assert workplace.person.forms <= 2
