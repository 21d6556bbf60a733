"""No registry can be used against another: attacks as a hostile registry and a hostile provider would try them.

On the real Keycloak, and a provider without `iss`; the last part shows what a legitimate Harbor costs by that.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

import pytest

from tests.lab.impostors import MixUpProvider, RelayingRegistry
from tests.lab.installations import KEYCLOAK_BY_HAND, OTOMI, OVHCLOUD
from tests.lab.kerberos import REALM
from tests.lab.keycloak import free_port as unused_port
from tests.lab.pace import paced
from tests.lab.realm import HARBOR_CLIENT, HELPER_CLIENT
from tests.lab.said import failure_in
from tests.lab.terminal import Terminal
from tests.lab.workplace import WITHOUT_OFFLINE, Workplace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import MakeHarbor, MakeRealm, MakeWorkplace
    from tests.lab.faults import FaultProxy
    from tests.lab.harbor import StandInHarbor
    from tests.lab.installations import Installation
    from tests.lab.kerberos import Kdc
    from tests.lab.keycloak import Keycloak
    from tests.lab.oidc_provider import OidcProvider
    from tests.lab.person import CookiePerson
    from tests.lab.realm import Realm
    from tests.lab.sealed_home import Helper
    from tests.lab.web import Exchange

LOGIN_SECONDS = paced(20)  # in which an attack that is not stopped comes to its end


def configure(place: Workplace, **registries: dict[str, Any]) -> None:
    """Several registries by name, beside the keys that tests of `get` want."""
    lines = ['storage = "file"', "cache_ttl = 0", f"login_timeout = {LOGIN_SECONDS}"]
    for name, keys in registries.items():
        lines += [f'[registries."{name}"]', *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
    place.helper.configure("\n".join(lines) + "\n")


def notes_on(place: Workplace, name: str) -> dict[str, Any]:
    [path] = place.helper.home.folders["XDG_STATE_HOME"].rglob(f"registries/{name.replace(':', '%3A')}.json")
    notes: dict[str, Any] = json.loads(path.read_text())
    return notes


def make_old(place: Workplace, username: str) -> None:
    """Signed in, with notes of a version that knew neither the pin nor Harbor's callback."""
    place.configure(top="cache_ttl = 0")
    assert place.pair()[0] == username
    [path] = place.helper.home.folders["XDG_STATE_HOME"].rglob("registries/*.json")
    notes = json.loads(path.read_text())
    del notes["pin"], notes["redirect"]["redirect_uri"]
    path.write_text(json.dumps(notes))


def failed(place: Workplace, *arguments: str, **env: str) -> str:
    """What a command that fails says last."""
    answer = place.helper.run(arguments, env=env)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    return failure_in(answer.stderr.splitlines()[-1])


# --- Token relay ------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[False, True], ids=["good one's callback", "own callback"])
def relay(request: pytest.FixtureRequest, workplace: Workplace) -> Iterator[RelayingRegistry]:
    """Configured beside the good one, where alice is signed in: her browser has a live session."""
    with RelayingRegistry(workplace.harbor, own_callback=request.param) as hostile:
        good = {"url": workplace.harbor.url}
        configure(workplace, **{workplace.name: good, hostile.name: {"url": hostile.url}})
        workplace.pair()
        yield hostile


def is_refused(relay: RelayingRegistry, line: str) -> bool:
    not_vouched_for = f"{relay.url}/c/oidc/callback for 'harbor': this registry may play another"
    return f"{relay.name} calls itself http://127.0.0.1:" in line or not_vouched_for in line


class TestRelay:
    def test_by_browser(self, workplace: Workplace, relay: RelayingRegistry) -> None:
        windows = workplace.person.windows
        assert is_refused(relay, workplace.refused(relay.name))
        assert workplace.person.windows == windows, "nothing was opened"
        assert (relay.tokens, relay.secrets) == ([], [])
        assert is_refused(relay, failed(workplace, "login", relay.name))
        assert (relay.tokens, relay.secrets) == ([], [])

    def test_by_device_code(self, workplace: Workplace, relay: RelayingRegistry) -> None:
        assert is_refused(relay, failed(workplace, "login", "--device", relay.name, BROWSER=""))
        assert (relay.tokens, relay.secrets) == ([], [])

    def test_by_ticket(self, workplace: Workplace, relay: RelayingRegistry, kdc: Kdc) -> None:
        workplace.realm.federate_kerberos(REALM, kdc.keytab)
        kdc.add_person("kate")
        kdc.sign_in("kate")
        workplace.harbor.auto_onboard = True
        workplace.helper.home.environment |= kdc.environment | {"CI": "true"}
        assert workplace.helper.run(["logout", workplace.name]).returncode == 0
        assert workplace.pair(workplace.name)[0] == "kate"
        assert is_refused(relay, workplace.refused(relay.name))
        assert (relay.tokens, relay.secrets) == ([], [])

    def test_the_good_one_goes_on(self, workplace: Workplace, relay: RelayingRegistry) -> None:
        """Entering the other, and its being refused, costs the first nothing."""
        workplace.refused(relay.name)
        workplace.let_id_token_expire()
        workplace.harbor.set_secret("alice-h", "Another-Secret-0123456789")
        assert workplace.pair(CI="1") == ("alice-h", "Another-Secret-0123456789")

    def test_setup_does_not_enter_it_under_a_name_that_is_not_its_own(self, workplace: Workplace) -> None:
        with RelayingRegistry(workplace.harbor, own_callback=False) as hostile:
            line = failed(workplace, "setup", hostile.url)
        assert f"{hostile.name} calls itself {workplace.harbor.url} (its external_url): if you know that name" in line
        assert hostile.name not in workplace.helper.configuration.read_text()


# --- The provider is asked once ---------------------------------------------------------------------------------------


class TestAskedOnce:
    """A refusal stands in the provider's event log: what it said is noted, and asked again by a person's command."""

    @pytest.fixture
    def provider(self, keycloak: Keycloak, make_proxy: Callable[[str], FaultProxy]) -> FaultProxy:
        return make_proxy(keycloak.url)

    @pytest.fixture
    def place(self, make_workplace: MakeWorkplace, provider: FaultProxy) -> Workplace:
        place = make_workplace(through=provider, top="cache_ttl = 0")
        provider.seen.clear()
        return place

    def is_asked(self, provider: FaultProxy, callback: str = ".invalid") -> int:
        """How often it was asked for this one since the last time."""
        count = sum("/auth?" in target and callback in unquote(target) for target in provider.seen)
        provider.seen.clear()
        return count

    def test_what_it_refuses(self, place: Workplace, provider: FaultProxy) -> None:
        with RelayingRegistry(place.harbor, own_callback=True) as hostile:
            configure(place, **{hostile.name: {"url": hostile.url}})
            place.harbor.provider.kept_seconds = 600
            refused = [place.refused(hostile.name)]
            assert "may play another" in refused[0]
            assert self.is_asked(provider, hostile.url) == 1
            refused += [place.refused(hostile.name) for _ in range(2)]
            assert len(set(refused)) == 1
            assert provider.seen == [], "not even where it is"
            assert self.trust(place, hostile.name) == [False, failure_in(refused[0]).partition(": have its")[0]]
            assert self.is_asked(provider, hostile.url) == 0
            assert "may play another" in failed(place, "login", hostile.name)
            assert "may play another" in failed(place, "setup", hostile.name)
            assert self.is_asked(provider, hostile.url) == 2, "each of them anew"

    def test_a_made_up_one_that_it_takes(self, place: Workplace, provider: FaultProxy) -> None:
        place.realm.update_client(HARBOR_CLIENT, redirectUris=["*"])
        for _ in range(2):
            assert "cannot vouch for" in place.refused()
        assert self.is_asked(provider) == 1
        assert self.trust(place, place.name)[0] is False
        assert self.is_asked(provider) == 0
        callback = f"{place.harbor.url}/c/oidc/callback"
        place.realm.update_client(HARBOR_CLIENT, redirectUris=[callback])
        assert "cannot vouch for" in place.refused(), "as was noted"
        assert place.helper.run("login").returncode == 0
        assert self.is_asked(provider) == 1
        assert place.pair()[0] == "alice-h"
        assert self.trust(place, place.name)[0] is True
        assert self.is_asked(provider) == 0

    def test_by_a_ticket(self, place: Workplace, provider: FaultProxy, kdc: Kdc) -> None:
        """Also where `login` tries it first and would go on with a browser."""
        place.realm.federate_kerberos(REALM, kdc.keytab)
        kdc.add_person("kate")
        kdc.sign_in("kate")
        place.realm.update_client(HARBOR_CLIENT, redirectUris=["*"])
        place.helper.home.environment |= kdc.environment
        for _ in range(2):
            assert "cannot vouch for" in place.refused()
        assert self.is_asked(provider) == 1
        assert "cannot vouch for" in failed(place, "login")
        assert self.is_asked(provider) == 1
        assert "cannot vouch for" in place.refused()
        assert self.is_asked(provider) == 0
        assert place.person.windows == 0

    def test_doctor_asks_nothing(self, place: Workplace, provider: FaultProxy) -> None:
        """Neither where nobody has signed in, nor for a pair that was stored."""
        place.realm.update_client(HARBOR_CLIENT, redirectUris=["*"])
        assert self.trust(place, place.name)[0] is True, "nothing is known against it"
        place.store("robot$ci", "s")
        assert self.trust(place, place.name) == []
        assert self.is_asked(provider) == 0

    def trust(self, place: Workplace, name: str) -> list[Any]:
        """What `doctor` says of that: whether all is well, and what it found; nothing where it does not matter."""
        checks = json.loads(place.helper.run(["doctor", "--json", name]).stdout)["checks"]
        return [each for check in checks if check["name"] == "trust" for each in (check["ok"], check["message"])]


# --- A provider that cannot tell --------------------------------------------------------------------------------------


@pytest.fixture
def wildcard(workplace: Workplace) -> Workplace:
    """Harbor's client takes any redirect URI."""
    workplace.realm.update_client(HARBOR_CLIENT, redirectUris=["*"])
    workplace.configure(top="cache_ttl = 0")
    return workplace


class TestUnconfirmed:
    def test_no_sign_in_before_the_issuer_is_configured(self, wildcard: Workplace) -> None:
        line = wildcard.refused()
        assert f"{wildcard.realm.issuer} cannot vouch for {wildcard.name} (it refuses no made-up callback)" in line
        assert f"run docker-credential-harbor setup {wildcard.name} at a terminal; " in line
        assert wildcard.person.windows == 0
        wildcard.configure(top="cache_ttl = 0", issuer=wildcard.realm.issuer)
        assert wildcard.pair()[0] == "alice-h"
        assert wildcard.notes()["pin"] is None

    def test_setup_asks_at_a_terminal_and_writes_it_down(self, wildcard: Workplace) -> None:
        helper = wildcard.helper
        question = f"Give {wildcard.name} your sign-in of {wildcard.realm.issuer}? "
        for answer, status in (("n", 1), ("y", 0)):
            with Terminal([helper.program, "setup", wildcard.name], helper.home.environment) as terminal:
                terminal.wait_for(question)
                terminal.enter(f"{answer}\n")
                assert terminal.wait() == status, terminal.text
            written = f'issuer = "{wildcard.realm.issuer}"' in helper.configuration.read_text()
            assert written is (answer == "y")
        assert wildcard.pair()[0] == "alice-h"
        with Terminal([helper.program, "setup", wildcard.name], helper.home.environment) as terminal:
            assert terminal.wait() == 0
        assert question not in terminal.text, "once"

    def test_setup_without_a_terminal_says_how(self, wildcard: Workplace) -> None:
        assert f"setup {wildcard.name} at a terminal; doctor says more" in failed(wildcard, "setup", wildcard.name)

    def test_harbors_side_is_renewed_all_the_same(self, workplace: Workplace, kdc: Kdc) -> None:
        """By the person, whose ticket cannot show here whose it is."""
        make_old(workplace, "alice-h")
        workplace.realm.federate_kerberos(REALM, kdc.keytab)
        kdc.add_person("alice")
        kdc.sign_in("alice")
        workplace.helper.home.environment |= kdc.environment
        workplace.realm.update_client(HARBOR_CLIENT, redirectUris=["*"])
        workplace.harbor.kill_stored_token("alice-h")
        workplace.person.reset()
        why = f"{workplace.realm.issuer} cannot vouch for {workplace.name} (it refuses no made-up callback)"
        assert why in workplace.refused(CI="true"), "what stands in the way, and not only that nobody is there"
        answer = workplace.get()
        assert answer.returncode == 0
        told = [line for line in answer.stderr.splitlines() if why in line]
        assert len(told) == 1, answer.stderr
        assert "not renewed by the Kerberos ticket" in told[0]
        assert (workplace.person.windows, workplace.person.forms) == (1, 0)


class TestMixUp:
    """RFC 9700 4.4: code and verifier do not reach the token endpoint of the provider in front."""

    @pytest.fixture
    def place_behind(
        self,
        make_provider: Callable[..., OidcProvider],
        make_harbor: MakeHarbor,
        helper: Helper,
        person: CookiePerson,
    ) -> Iterator[Callable[[bool], tuple[Workplace, MixUpProvider]]]:
        honest = make_provider(iss=False)
        with ExitStack() as opened:

            def make(states_iss: bool) -> tuple[Workplace, MixUpProvider]:
                hostile = opened.enter_context(MixUpProvider(honest.discovered(), states_iss=states_iss))
                harbor = make_harbor(cast("Realm", honest))
                harbor.provider.issuer = hostile.url
                place = Workplace(cast("Realm", honest), harbor, person, helper)
                helper.home.environment["BROWSER"] = person.browser_command
                place.configure(top="cache_ttl = 0\nlogin_timeout = 5")
                return place, hostile

            yield make

    def test_one_that_says_that_it_sends_no_iss(
        self, place_behind: Callable[[bool], tuple[Workplace, MixUpProvider]]
    ) -> None:
        place, hostile = place_behind(False)
        assert f"{hostile.url} cannot vouch for {place.name} (it sends no iss)" in place.refused()
        assert (place.person.windows, hostile.redeemed) == (0, [])

    def test_one_that_says_that_it_does(self, place_behind: Callable[[bool], tuple[Workplace, MixUpProvider]]) -> None:
        place, hostile = place_behind(True)
        assert "nobody finished the sign-in" in place.refused()
        assert (place.person.windows, hostile.redeemed) == (1, [])

    def test_by_device_code(self, place_behind: Callable[[bool], tuple[Workplace, MixUpProvider]]) -> None:
        place, hostile = place_behind(True)
        line = failed(place, "login", "--device", BROWSER="")
        assert f"{hostile.url} cannot vouch for {place.name} (its page for codes is elsewhere)" in line
        assert hostile.redeemed == []


# --- The pin ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def moved(workplace: Workplace, make_realm: MakeRealm) -> Workplace:
    """alice has signed in; now the registry names another provider, and her sign-in has ended."""
    workplace.configure(top="cache_ttl = 0")
    workplace.pair()
    move(workplace, make_realm())
    return workplace


def move(place: Workplace, realm: Realm) -> None:
    place.realm.end_sessions()
    place.harbor.kill_stored_token("alice-h")
    place.let_id_token_expire()
    place.harbor.provider.kept_seconds = 0
    place.harbor.provider.issuer = realm.issuer
    place.harbor.onboard("alice-2", "alice@example.org", realm.subject("alice"))
    place.person.reset()


def other_issuer(place: Workplace) -> str:
    return f"{place.name} signs in at {place.harbor.provider.issuer} now, not at {place.realm.issuer}"


class TestPin:
    def test_another_provider_gets_a_line_and_no_sign_in(self, moved: Workplace) -> None:
        line = moved.refused()
        assert other_issuer(moved) in line
        assert f"run: docker-credential-harbor login {moved.name}" in line
        assert moved.person.windows == 0

    def test_nor_is_harbors_own_login_opened_there(self, workplace: Workplace, make_realm: MakeRealm) -> None:
        """Where our sign-in lives, and only Harbor's side has ended."""
        workplace.configure(top="cache_ttl = 0")
        workplace.pair()
        workplace.harbor.provider.kept_seconds = 0
        workplace.harbor.provider.issuer = make_realm().issuer
        workplace.person.reset()
        assert other_issuer(workplace) in workplace.refused()
        assert workplace.person.windows == 0

    @pytest.mark.parametrize("command", ["logout", "erase"])
    def test_it_stays_when_somebody_signs_out(self, moved: Workplace, command: str) -> None:
        arguments = ["logout"] if command == "logout" else "erase"
        assert moved.helper.run(arguments, moved.name).returncode == 0
        assert other_issuer(moved) in moved.refused()

    def test_a_walk_after_that_needs_to_find_nothing_anew(
        self, make_workplace: MakeWorkplace, make_proxy: Callable[[str], FaultProxy], keycloak: Keycloak
    ) -> None:
        """Of somebody who goes on with a CLI secret."""
        proxy = make_proxy(keycloak.url)
        place = make_workplace(through=proxy, top="cache_ttl = 0")
        pair = place.pair()
        assert place.helper.run("logout").returncode == 0
        place.store(*pair)
        assert place.pair() == pair
        place.harbor.kill_stored_token("alice-h")
        place.harbor.provider.kept_seconds = 600
        proxy.seen.clear()
        assert place.pair() == pair
        assert not [target for target in proxy.seen if "openid-configuration" in target]

    def test_login_takes_it_on_a_yes(self, moved: Workplace) -> None:
        helper = moved.helper
        for answer, status in (("", 1), ("n", 1), ("y", 0)):
            with Terminal([helper.program, "login"], helper.home.environment) as terminal:
                terminal.wait_for(
                    f"{other_issuer(moved)}. Sign in at {moved.harbor.provider.issuer} from now on? [y/N] "
                )
                terminal.enter(f"{answer}\n")
                assert terminal.wait() == status, terminal.text
        assert moved.pair()[0] == "alice-2"
        assert moved.notes()["pin"]["harbor_client_id"] == HARBOR_CLIENT, "vouched for anew"
        moved.person.reset()
        assert moved.pair()[0] == "alice-2"

    def test_login_without_a_terminal_says_what_to_configure(self, moved: Workplace) -> None:
        line = failed(moved, "login")
        assert f'{other_issuer(moved)}: if that is right, set issuer to it in [registries."{moved.name}"]' in line
        moved.configure(issuer=moved.harbor.provider.issuer)
        assert moved.pair()[0] == "alice-2"

    def test_setup_undo_takes_it(self, moved: Workplace) -> None:
        assert moved.helper.run(["setup", "--undo", moved.name]).returncode == 0
        assert moved.notes()["pin"] is None
        moved.configure(top="cache_ttl = 0")
        assert moved.pair()[0] == "alice-2"

    def test_setup_shows_the_issuer_and_asks_as_login_does(self, moved: Workplace) -> None:
        helper = moved.helper
        with Terminal([helper.program, "setup", moved.name], helper.home.environment) as terminal:
            terminal.wait_for("from now on? [y/N] ")
            terminal.enter("y\n")
            assert terminal.wait() == 0, terminal.text
        assert moved.pair()[0] == "alice-2"

    def test_nor_does_setup_fail_where_a_stored_pair_is_to_be_renewed_there(
        self, workplace: Workplace, make_realm: MakeRealm
    ) -> None:
        """Harbor's own login is all that it needs; the user of the old provider is the new one's by now."""
        workplace.configure(top="cache_ttl = 0")
        name, secret = workplace.pair()
        assert workplace.helper.run(["logout"]).returncode == 0
        workplace.store(name, secret)
        workplace.pair()
        realm = make_realm()
        move(workplace, realm)
        workplace.harbor.users[name].subiss = realm.subject("alice") + realm.issuer
        helper = workplace.helper
        for answer, status in (("n", 1), ("y", 0)):
            with Terminal([helper.program, "setup", workplace.name], helper.home.environment) as terminal:
                terminal.wait_for(f"{other_issuer(workplace)}. Sign in at {realm.issuer} from now on? [y/N] ")
                terminal.enter(f"{answer}\n")
                assert terminal.wait() == status, terminal.text
        assert f"Signed in at {workplace.name} as {name} again" in terminal.text
        assert workplace.pair() == (name, secret)
        assert workplace.notes()["pin"]["issuer"] == realm.issuer

    def test_a_sign_in_of_an_older_version_counts(self, workplace: Workplace, make_realm: MakeRealm) -> None:
        make_old(workplace, "alice-h")
        assert workplace.pair()[0] == "alice-h"
        workplace.realm.end_sessions()
        workplace.let_id_token_expire()
        workplace.harbor.kill_stored_token("alice-h")
        assert workplace.pair()[0] == "alice-h"
        assert workplace.notes()["pin"]["issuer"] == workplace.realm.issuer, "quietly"
        make_old(workplace, "alice-h")
        move(workplace, make_realm())
        assert other_issuer(workplace) in workplace.refused()


# --- Audience ---------------------------------------------------------------------------------------------------------


def second_harbor(place: Workplace, make_harbor: MakeHarbor, client_id: str = "harbor-b", **keys: str) -> StandInHarbor:
    """Another Harbor of the same realm, where alice is known as alice-b; both are configured."""
    if client_id != HARBOR_CLIENT:
        callback = "http://127.0.0.1/c/oidc/callback"
        place.realm.add_client({"clientId": client_id, "secret": place.realm.harbor_secret, "redirectUris": [callback]})
    harbor = make_harbor(place.realm, client_id=client_id, scopes=WITHOUT_OFFLINE)
    harbor.onboard("alice-b", "alice@example.com", place.realm.subject("alice"))
    configure(place, **{place.name: {"url": place.harbor.url}, harbor.name: {"url": harbor.url, **keys}})
    return harbor


def bearers(harbor: StandInHarbor) -> int:
    """How often it was shown an ID token."""
    return sum(seen.scheme.lower() == "bearer" for seen in harbor.requests)


class TestAudience:
    def test_a_token_that_two_harbors_take_goes_to_neither(self, workplace: Workplace, make_harbor: MakeHarbor) -> None:
        other = second_harbor(workplace, make_harbor)
        assert workplace.pair(workplace.name)[0] == "alice-h"
        assert other.requests == [], "whom a token is for that the other does not take"
        workplace.realm.add_audience(HELPER_CLIENT, "harbor-b")
        workplace.let_id_token_expire()
        line = workplace.refused(other.name)
        assert (
            f"the ID token for {other.name} is not sent, as {workplace.name} takes it, too ('harbor' in its aud)"
            in line
        )
        assert bearers(other) == 0
        windows = workplace.person.windows
        workplace.refused(other.name)
        assert workplace.person.windows == windows, "known before a person is asked"
        workplace.harbor.clear_requests()
        assert f"{other.name} takes it, too ('harbor-b'" in failed(workplace, "rotate", workplace.name)
        workplace.harbor.kill_stored_token("alice-h")
        assert workplace.pair(workplace.name)[0] == "alice-h", "Harbor's own login needs no token of ours"
        assert workplace.person.windows == windows + 1
        assert bearers(workplace.harbor) == 0

    def test_nor_to_the_first_of_them(self, workplace: Workplace, make_harbor: MakeHarbor) -> None:
        """Nothing is known of the other, which is asked for its client then, once."""
        other = second_harbor(workplace, make_harbor)
        workplace.realm.add_audience(HELPER_CLIENT, "harbor-b")
        for _ in range(2):
            line = workplace.refused(workplace.name)
            assert f"the ID token for {workplace.name} is not sent, as {other.name} takes it, too ('harbor-b'" in line
        assert bearers(workplace.harbor) == 0
        assert [seen.path for seen in other.requests] == ["/c/oidc/login"]

    def test_nor_where_the_other_was_asked_by_nobody_who_signed_in(
        self, workplace: Workplace, make_harbor: MakeHarbor
    ) -> None:
        other = second_harbor(workplace, make_harbor)
        workplace.realm.add_audience(HELPER_CLIENT, "harbor-b")
        workplace.store("alice-b", other.users["alice-b"].secret, other.name)
        workplace.pair(other.name)
        other.kill_stored_token("alice-b")
        workplace.refused(other.name, CI="1")
        assert notes_on(workplace, other.name)["redirect"]["client_id"] == "harbor-b"
        assert "('harbor-b' in its aud)" in workplace.refused(workplace.name)
        assert bearers(workplace.harbor) == 0

    def test_one_that_does_not_answer_may_take_it(self, workplace: Workplace, make_harbor: MakeHarbor) -> None:
        other = second_harbor(workplace, make_harbor)
        workplace.realm.add_audience(HELPER_CLIENT, "harbor-b")
        workplace.realm.add_client({"clientId": "wiki", "secret": "s"})
        away = f"127.0.0.1:{unused_port()}"
        configure(workplace, **{workplace.name: {"url": workplace.harbor.url}, away: {"url": f"http://{away}"}})
        line = workplace.refused(workplace.name)
        assert f"the ID token for {workplace.name} is not sent, as {away} may take it, too, and does not answer" in line
        assert bearers(workplace.harbor) == 0
        windows = workplace.person.windows
        configure(workplace, **{workplace.name: {"url": workplace.harbor.url}})
        assert workplace.pair(workplace.name)[0] == "alice-h", "taken out, as the line advises"
        assert workplace.person.windows == windows
        assert other.requests == []
        bearers_before = bearers(workplace.harbor)
        configure(workplace, **{workplace.name: {"url": workplace.harbor.url}, away: {"url": f"http://{away}"}})
        assert workplace.pair(workplace.name)[0] == "alice-h", "one that works goes on"
        workplace.harbor.kill_stored_token("alice-h")
        assert workplace.pair(workplace.name)[0] == "alice-h"
        assert bearers(workplace.harbor) == bearers_before

    def test_where_the_usual_token_is_for_this_harbor_alone_another_may_be_away(self, workplace: Workplace) -> None:
        """Also where the configuration names the issuer: the provider vouches for the client then."""
        away = f"127.0.0.1:{unused_port()}"
        for keys in ({}, {"issuer": workplace.realm.issuer}):
            assert workplace.helper.run(["logout", workplace.name]).returncode == 0
            registries = {workplace.name: {"url": workplace.harbor.url, **keys}, away: {"url": f"http://{away}"}}
            configure(workplace, **registries)
            assert workplace.pair(workplace.name)[0] == "alice-h"

    def test_a_token_that_this_harbor_does_not_take_is_not_sent(self, make_workplace: MakeWorkplace) -> None:
        place = make_workplace(realm={"audience_mapper": False}, top="cache_ttl = 0")
        for _ in range(2):
            assert "its aud lacks 'harbor'" in place.refused()
        assert bearers(place.harbor) == 0
        place.realm.add_audience(HELPER_CLIENT, HARBOR_CLIENT)
        windows = place.person.windows
        assert place.pair()[0] == "alice-h", "an audience that was added meanwhile needs no new sign-in"
        assert place.person.windows == windows

    def test_no_registry_keeps_a_token_from_another_by_what_it_says(self, workplace: Workplace) -> None:
        workplace.realm.add_client({"clientId": "wiki", "secret": "s"})
        workplace.realm.add_audience(HELPER_CLIENT, "wiki")
        with RelayingRegistry(workplace.harbor, own_callback=True, client_id="wiki") as hostile:
            configure(workplace, **{workplace.name: {"url": workplace.harbor.url}, hostile.name: {"url": hostile.url}})
            assert workplace.pair(workplace.name)[0] == "alice-h"
            workplace.refused(hostile.name)
            workplace.let_id_token_expire()
            workplace.harbor.set_secret("alice-h", "Another-Secret-0123456789")
            assert workplace.pair(workplace.name)[0] == "alice-h"

    def test_a_client_for_each(self, workplace: Workplace, make_harbor: MakeHarbor) -> None:
        ours = workplace.realm.client(HELPER_CLIENT)
        other = second_harbor(workplace, make_harbor, client_id="harbor-b")
        kept = {key: ours[key] for key in ("publicClient", "redirectUris", "attributes")}
        workplace.realm.add_client({"clientId": "helper-b", **kept})
        workplace.realm.add_audience("helper-b", "harbor-b")
        configure(
            workplace,
            **{
                workplace.name: {"url": workplace.harbor.url},
                other.name: {"url": other.url, "client_id": "helper-b"},
            },
        )
        for harbor, username in ((workplace.harbor, "alice-h"), (other, "alice-b")) * 2:
            harbor.set_secret(username, f"Another-Secret-{username}-1")
            assert workplace.pair(harbor.name) == (username, f"Another-Secret-{username}-1")

    def test_one_client_with_a_scope_for_each(self, make_workplace: MakeWorkplace, make_harbor: MakeHarbor) -> None:
        place = make_workplace(realm={"audience_mapper": False})
        other = second_harbor(place, make_harbor)
        for client_id in (HARBOR_CLIENT, "harbor-b"):
            place.realm.add_audience_scope(HELPER_CLIENT, f"for-{client_id}", client_id)
        scopes = ["openid", "profile", "email"]
        configure(
            place,
            **{
                place.name: {"url": place.harbor.url, "scopes": [*scopes, f"for-{HARBOR_CLIENT}"]},
                other.name: {"url": other.url, "scopes": [*scopes, "for-harbor-b"]},
            },
        )
        for harbor, username in ((place.harbor, "alice-h"), (other, "alice-b")) * 2:
            harbor.set_secret(username, f"Another-Secret-{username}-1")
            assert place.pair(harbor.name) == (username, f"Another-Secret-{username}-1")

    def test_one_client_of_two_harbors_where_the_provider_vouches(
        self, workplace: Workplace, make_harbor: MakeHarbor
    ) -> None:
        other = second_harbor(workplace, make_harbor, client_id=HARBOR_CLIENT)
        assert workplace.pair(workplace.name)[0] == "alice-h"
        assert workplace.pair(other.name)[0] == "alice-b"
        workplace.harbor.set_secret("alice-h", "Another-Secret-0123456789")
        assert workplace.pair(workplace.name) == ("alice-h", "Another-Secret-0123456789")

    @pytest.mark.parametrize("configured", ["both", "the second", "the first"])
    def test_nor_does_a_configured_issuer_stand_in_the_way_of_that(
        self, workplace: Workplace, make_harbor: MakeHarbor, configured: str
    ) -> None:
        other = second_harbor(workplace, make_harbor, client_id=HARBOR_CLIENT)
        of_the_first = {"issuer": workplace.realm.issuer} if configured in ("both", "the first") else {}
        of_the_second = {"issuer": workplace.realm.issuer} if configured in ("both", "the second") else {}
        configure(
            workplace,
            **{
                workplace.name: {"url": workplace.harbor.url, **of_the_first},
                other.name: {"url": other.url, **of_the_second},
            },
        )
        for harbor, username in ((workplace.harbor, "alice-h"), (other, "alice-b")) * 2:
            harbor.set_secret(username, f"Another-Secret-{username}-1")
            assert workplace.pair(harbor.name) == (username, f"Another-Secret-{username}-1")

    def test_nor_does_a_sign_in_of_an_older_version(self, workplace: Workplace, make_harbor: MakeHarbor) -> None:
        make_old(workplace, "alice-h")
        other = second_harbor(workplace, make_harbor, client_id=HARBOR_CLIENT)
        assert workplace.pair(other.name)[0] == "alice-b"
        workplace.harbor.set_secret("alice-h", "Another-Secret-0123456789")
        assert workplace.pair(workplace.name) == ("alice-h", "Another-Secret-0123456789")
        assert notes_on(workplace, workplace.name)["pin"]["harbor_client_id"] == HARBOR_CLIENT

    def test_not_where_its_only_word_is_the_configured_issuer(self, workplace: Workplace) -> None:
        """The provider does not vouch for it: it may pretend to be the other one."""
        for own_callback in (False, True):
            with RelayingRegistry(workplace.harbor, own_callback=own_callback) as hostile:
                issuer = {"issuer": workplace.realm.issuer}
                good = {"url": workplace.harbor.url}
                configure(workplace, **{workplace.name: good, hostile.name: {"url": hostile.url, **issuer}})
                workplace.pair(workplace.name)
                line = workplace.refused(hostile.name)
                assert f"is not sent, as {workplace.name} takes it, too ('harbor' in its aud)" in line
                assert hostile.tokens == []

    def test_the_advice_of_that_line_helps(self, workplace: Workplace, make_harbor: MakeHarbor) -> None:
        other = second_harbor(workplace, make_harbor)
        workplace.realm.add_audience(HELPER_CLIENT, "harbor-b")
        line = workplace.refused(other.name)
        assert f"set client_id = '' and run: docker-credential-harbor login {other.name}" in line
        without = {"url": other.url, "client_id": ""}
        configure(workplace, **{workplace.name: {"url": workplace.harbor.url}, other.name: without})
        helper = workplace.helper
        workplace.person.reset()
        with Terminal([helper.program, "login", other.name], helper.home.environment) as terminal:
            workplace.person.wait_for_windows()
            terminal.wait_for("Harbor user name: ")
            terminal.enter("alice-b\n")
            terminal.wait_for("CLI secret (it does not show): ")
            terminal.enter(f"{other.users['alice-b'].secret}\n")
            assert terminal.wait() == 0, terminal.text
        assert workplace.pair(other.name)[0] == "alice-b"

    def test_doctor_tells_of_a_further_audience(self, workplace: Workplace) -> None:
        workplace.realm.add_client({"clientId": "wiki", "secret": "s"})
        workplace.realm.add_audience(HELPER_CLIENT, "wiki")
        workplace.pair()
        found = json.loads(workplace.helper.run(["doctor", "--json"]).stdout)
        [check] = [check for check in found["checks"] if check["name"] == "audience"]
        assert check["ok"]
        assert "the ID token is good for 'wiki', too" in check["message"]


# --- What a legitimate Harbor costs -----------------------------------------------------------------------------------


def test_requests_of_a_first_sign_in(
    make_workplace: MakeWorkplace, make_proxy: Callable[..., FaultProxy], keycloak: Keycloak
) -> None:
    """Of the helper's; two of those to the provider are for its word."""
    ours: list[str] = []

    def note(exchange: Exchange, proxy: FaultProxy) -> None:
        if exchange.headers.get("User-Agent", "").startswith("docker-credential-harbor/"):
            ours.append(f"{exchange.method} {exchange.path.rpartition('/')[2]}")
        code, headers, body = proxy.true_answer(exchange)
        exchange.answer(code, body, headers)

    def once_walked(exchange: Exchange, proxy: FaultProxy) -> None:
        """How often it is looked whether the browser is through depends on the machine alone."""
        place.person.wait_for_windows()
        code, headers, body = proxy.true_answer(exchange)
        exchange.answer(code, body, headers)

    proxy = make_proxy(keycloak.url)
    place = make_workplace(through=proxy)
    front = make_proxy(place.harbor.url)
    place.configure(url=front.url)
    front.set("/api/v2.0/users/current", once_walked)
    proxy.set("/", note)
    place.harbor.clear_requests()
    place.pair()
    agents = [request.headers.get("User-Agent", "") for request in place.harbor.requests]
    assert sum(agent.startswith("docker-credential-harbor/") for agent in agents) == 4
    assert sorted(ours) == ["GET auth"] * 3 + ["GET certs", "GET openid-configuration", "POST token"]


@pytest.mark.parametrize("installation", [KEYCLOAK_BY_HAND, OVHCLOUD, OTOMI], ids=["by hand", "ovhcloud", "otomi"])
def test_the_provider_is_asked_at_the_first_sign_in_alone(
    installation: Installation,
    make_workplace: MakeWorkplace,
    make_proxy: Callable[..., FaultProxy],
    keycloak: Keycloak,
) -> None:
    proxy = make_proxy(keycloak.url)
    place = make_workplace(**installation.options(through=proxy, top="cache_ttl = 0"))
    place.person.onboard_as = "alice-h"

    def made_up() -> int:
        count = sum(".invalid" in target for target in proxy.seen)
        proxy.seen.clear()
        return count

    pair = place.pair()
    assert (place.person.windows, made_up()) == (1, 1)
    for _ in range(2):  # days on which everything has ended
        place.realm.end_sessions("alice")
        place.harbor.kill_stored_token(pair[0])
        place.let_id_token_expire()
        place.person.reset()
        assert place.pair() == pair
        assert (place.person.windows, made_up()) == (1, 0)
    assert place.helper.run("logout").returncode == 0
    place.person.reset()
    assert place.pair() == pair
    assert (place.person.windows, made_up()) == (1, 0)
