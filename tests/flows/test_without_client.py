"""Without a client at the provider: the CLI secret is pasted once, verified before it is kept, and renewed by walks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab import faults
from tests.lab.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.faults import FaultProxy
    from tests.lab.workplace import Workplace

    MakeWorkplace = Callable[..., Workplace]

NAME = "Harbor user name: "
SECRET = "CLI secret (it does not show): "
PROBE, CURRENT = "/service/token", "/api/v2.0/users/current"


def login(workplace: Workplace, *arguments: str, **env: str) -> Terminal:
    command = [workplace.helper.program, "login", *(arguments or (workplace.name,))]
    return Terminal(command, {**workplace.helper.home.environment, **env})


def paste(terminal: Terminal, username: str, secret: str, times: int = 1) -> None:
    terminal.wait_for(NAME, times)
    terminal.enter(f"{username}\n")
    terminal.wait_for(SECRET, times)
    terminal.enter(f"{secret}\n")


@pytest.fixture
def workplace(make_workplace: MakeWorkplace) -> Workplace:
    return make_workplace(client_id="", top="cache_ttl = 0")


@pytest.fixture
def secret(workplace: Workplace) -> str:
    return workplace.harbor.users["alice-h"].secret


def test_login_opens_harbors_page_and_keeps_what_harbor_accepts(workplace: Workplace, secret: str) -> None:
    with login(workplace) as terminal:
        workplace.person.wait_for_windows()  # by which Harbor's stored token is fresh
        paste(terminal, "alice-h", f" {secret} ")
        assert terminal.wait() == 0
        shown = terminal.text
    [url] = workplace.person.urls
    assert url == f"{workplace.harbor.url}/c/oidc/login?redirect_url=%2Fharbor%2Fprojects"
    assert url in shown
    assert workplace.person.pages[-1].url == f"{workplace.harbor.url}/harbor/projects"
    assert shown.endswith(f"Signed in at {workplace.name} as alice-h: Harbor accepts the CLI secret.\n")
    assert "User Profile" in shown
    assert secret not in shown
    workplace.asked()
    assert workplace.pair() == ("alice-h", secret)
    assert workplace.asked() == [PROBE], "whose pair it is has been found out already"
    assert workplace.person.windows == 1


def test_what_was_pasted_is_kept_alive_by_the_probe_and_renewed_by_a_walk(workplace: Workplace, secret: str) -> None:
    with login(workplace) as terminal:
        workplace.person.wait_for_windows()
        paste(terminal, "alice-h", secret)
        assert terminal.wait() == 0
    workplace.harbor.expire_stored_access_token("alice-h")
    refreshes = workplace.harbor.refreshes
    assert workplace.pair() == ("alice-h", secret)
    assert workplace.harbor.refreshes == refreshes + 1
    assert workplace.person.windows == 1
    workplace.harbor.kill_stored_token("alice-h")
    assert workplace.pair() == ("alice-h", secret)
    assert (workplace.person.windows, workplace.person.forms) == (2, 1)


def test_a_typing_error_is_asked_again_and_never_kept(workplace: Workplace, secret: str) -> None:
    with login(workplace) as terminal:
        workplace.person.wait_for_windows()
        paste(terminal, "alice-h", "Not-The-Secret-1")
        terminal.wait_for("Harbor refuses that user name and CLI secret; copy both once more")
        assert workplace.helper.run("list").stdout.strip() == "{}"
        paste(terminal, "alice-h", secret, times=2)
        assert terminal.wait() == 0
    assert workplace.pair() == ("alice-h", secret)


def test_three_wrong_ones_keep_what_was_kept_before(workplace: Workplace) -> None:
    workplace.store("robot$ci", "s")
    with login(workplace) as terminal:
        workplace.person.wait_for_windows()
        for times in (1, 2, 3):
            paste(terminal, "alice-h", "Not-The-Secret-1", times)
        assert terminal.wait() == 1
        last = terminal.text.splitlines()[-1]
    assert last.startswith("docker-credential-harbor: [pasted-pair-refused] Harbor at ")
    assert "so nothing was kept: copy both from the user profile at" in last
    assert workplace.pair() == ("robot$ci", "s")


@pytest.mark.parametrize("keys", [["\n"], ["\x04"], ["alice-h\n", "\n"], ["alice-h\n", "\x04"]])
def test_giving_up_keeps_nothing(workplace: Workplace, keys: list[str]) -> None:
    with login(workplace) as terminal:
        for question, typed in zip((NAME, SECRET), keys, strict=False):
            terminal.wait_for(question)
            terminal.enter(typed)
        assert terminal.wait() == 1
        assert "nothing was entered" in terminal.text.splitlines()[-1]
    assert workplace.helper.run("list").stdout.strip() == "{}"


def test_ctrl_c_ends_it_without_a_word(workplace: Workplace) -> None:
    with login(workplace) as terminal:
        terminal.wait_for(NAME)
        terminal.enter("\x03")
        assert terminal.wait() == 130
        assert "Traceback" not in terminal.text


def test_an_unknown_client_is_found_out_beforehand_and_login_goes_on_without(make_workplace: MakeWorkplace) -> None:
    """The most common case: nobody configured anything, and nobody added the client."""
    workplace = make_workplace(client_id="not-there")
    line = workplace.refused()
    assert f": run docker-credential-harbor login {workplace.name} to go on with your CLI secret" in line
    assert workplace.person.windows == 0
    secret = workplace.harbor.users["alice-h"].secret
    with login(workplace) as terminal:
        workplace.person.wait_for_windows()
        paste(terminal, "alice-h", secret)
        assert terminal.wait() == 0
        assert "does not take the client 'not-there' with redirect URI" in terminal.text
        assert "your CLI secret is asked for" in terminal.text
        assert f"login {workplace.name}" not in terminal.text, "it is what has just been run"
    assert workplace.pair() == ("alice-h", secret)
    assert workplace.person.windows == 1


def test_so_without_a_terminal_where_login_names_what_it_needs(make_workplace: MakeWorkplace) -> None:
    workplace = make_workplace(client_id="not-there")
    answer = workplace.helper.run("login")
    assert (answer.returncode, answer.stdout) == (1, "")
    [line] = answer.stderr.splitlines()
    assert "[client-unknown]" in line
    assert line.endswith(": run this at a terminal, which goes on with your CLI secret")


def test_a_client_that_harbor_does_not_accept_leads_there_too(make_workplace: MakeWorkplace) -> None:
    workplace = make_workplace({"audience_mapper": False})
    with login(workplace) as terminal:
        terminal.wait_for("its aud lacks 'harbor'")
        workplace.person.wait_for_windows(2)
        paste(terminal, "alice-h", workplace.harbor.users["alice-h"].secret)
        assert terminal.wait() == 0
    assert workplace.pair() == ("alice-h", workplace.harbor.users["alice-h"].secret)


def test_a_person_whom_harbor_does_not_know_is_onboarded_on_the_way(make_workplace: MakeWorkplace) -> None:
    workplace = make_workplace(client_id="", onboarded=False)
    workplace.person.onboard_as = "alice-new"
    with login(workplace) as terminal:
        workplace.person.wait_for_windows()
        secret = workplace.harbor.users["alice-new"].secret
        paste(terminal, "alice-new", secret)
        assert terminal.wait() == 0
    assert workplace.pair() == ("alice-new", secret)


def test_over_ssh_the_page_is_for_any_device(workplace: Workplace, secret: str) -> None:
    del workplace.helper.home.environment["BROWSER"]
    with login(workplace, SSH_CONNECTION="192.0.2.1 1 192.0.2.2 22") as terminal:
        terminal.wait_for("in a browser on any device: ")
        shown = terminal.wait_for(NAME)
        assert "█" in shown, "a QR code as well"
        workplace.person.open(shown.partition("any device: ")[2].split()[0])
        paste(terminal, "alice-h", secret)
        assert terminal.wait() == 0
    assert workplace.pair() == ("alice-h", secret)


def test_without_a_terminal_it_says_so(workplace: Workplace) -> None:
    answer = workplace.helper.run("login")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert (
        f"the CLI secret for {workplace.name} can only be asked for at a terminal: run this in one\n" in answer.stderr
    )
    assert workplace.person.windows == 0


def test_a_replaced_secret_says_where_to_copy_the_new_one_and_login_takes_it(make_workplace: MakeWorkplace) -> None:
    workplace = make_workplace(client_id="", top="cache_ttl = 0\nlogin_timeout = 3")
    with login(workplace) as terminal:
        workplace.person.wait_for_windows()
        paste(terminal, "alice-h", workplace.harbor.users["alice-h"].secret)
        assert terminal.wait() == 0
    workplace.harbor.set_secret("alice-h", "Another-Secret-0123456789")
    line = workplace.refused()
    where = f"copy the new one from {workplace.harbor.url} (user profile)"
    assert f"{where} and run: docker-credential-harbor login {workplace.name}; doctor says more" in line
    with login(workplace) as terminal:
        paste(terminal, "alice-h", "Another-Secret-0123456789")
        assert terminal.wait() == 0
    assert workplace.pair() == ("alice-h", "Another-Secret-0123456789")


def test_nothing_is_opened_or_asked_where_harbor_cannot_reach_its_provider(
    workplace: Workplace, make_proxy: Callable[..., FaultProxy]
) -> None:
    proxy = make_proxy(workplace.harbor.url)
    proxy.set("/c/oidc/login", faults.status(500))
    workplace.configure(url=proxy.url, client_id="")
    with login(workplace) as terminal:
        assert terminal.wait() == 1
        [line] = terminal.text.splitlines()
    assert "cannot reach its identity provider" in line
    assert workplace.person.windows == 0


def test_nothing_is_kept_that_could_not_be_verified(
    workplace: Workplace, make_proxy: Callable[..., FaultProxy], secret: str
) -> None:
    proxy = make_proxy(workplace.harbor.url)
    proxy.set("/service/token", faults.status(503))
    workplace.configure(url=proxy.url, client_id="")
    with login(workplace) as terminal:
        paste(terminal, "alice-h", secret)
        assert terminal.wait() == 1
        assert "answered with status 503" in terminal.text.splitlines()[-1]
    assert workplace.helper.run("list").stdout.strip() == "{}"
