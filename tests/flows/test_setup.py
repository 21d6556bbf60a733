"""`setup` for a person: what it asks, and how it ends."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.flows.unconfigured import ours, unconfigured
from tests.lab import faults
from tests.lab.certificates import Authority
from tests.lab.realm import HELPER_CLIENT
from tests.lab.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lab.faults import FaultProxy
    from tests.lab.workplace import Workplace

    MakeWorkplace = Callable[..., Workplace]


@pytest.fixture
def place(workplace: Workplace) -> Workplace:
    """Nothing configured; alice is known to Harbor, and her browser can be opened."""
    return unconfigured(workplace)


class TestSigningIn:
    def test_one_command_and_one_sign_in(self, place: Workplace) -> None:
        answer = place.helper.run(["setup", place.harbor.url])
        assert answer.returncode == 0, answer.stderr
        first, *written, signed_in, last = answer.stdout.splitlines()
        assert first == f"{place.name}: Harbor, where people sign in at {place.realm.issuer}"
        config = place.helper.home.folders["XDG_CONFIG_HOME"]
        helms = config / "helm" / "registry" / "config.json"  # only where Helm would ask another store first
        dockers = place.helper.home.docker_config / "config.json"
        files = [config / "docker-credential-harbor" / "config.toml", dockers, *([helms] if helms.exists() else [])]
        if "does not work here" in written[-1]:  # this machine's own credential store, told once
            written.pop()
        assert len(written) == len(files)
        assert all(f"into {file}" in line for line, file in zip(written, files, strict=True))
        assert signed_in == f"Signed in at {place.name} as alice-h."
        assert last == f"Try it: docker pull {place.name}/PROJECT/IMAGE"
        assert "client_id" not in ours(place)
        assert (place.person.windows, place.person.forms) == (1, 1)
        place.asked()
        assert place.pair()[0] == "alice-h"
        assert place.asked() == [], "the pair was verified a moment ago"

    def test_again_changes_nothing_and_opens_nothing(self, place: Workplace) -> None:
        place.helper.run(["setup", place.harbor.url])
        before = ours(place)
        answer = place.helper.run(["setup", place.harbor.url])
        assert (answer.returncode, answer.stderr) == (0, "")
        assert f"Signed in at {place.name} as alice-h already: Harbor accepts the pair now." in answer.stdout
        assert ours(place) == before
        assert place.person.windows == 1

    def test_again_where_harbors_side_has_died(self, place: Workplace) -> None:
        place.helper.run(["setup", place.harbor.url])
        place.harbor.kill_stored_token("alice-h")
        answer = place.helper.run(["setup", place.harbor.url])
        assert f"Signed in at {place.name} as alice-h again: Harbor's own sign-in had ended." in answer.stdout
        assert (place.person.windows, place.person.forms) == (2, 1)

    @pytest.mark.parametrize("variable", [{"CI": "true"}, {"DOCKER_CREDENTIAL_HARBOR_LOGIN": "never"}, {"BROWSER": ""}])
    def test_where_nobody_can_be_asked(self, place: Workplace, variable: dict[str, str]) -> None:
        answer = place.helper.run(["setup", place.harbor.url], env=variable)
        assert (answer.returncode, answer.stderr) == (0, "")
        assert answer.stdout.endswith(f"Next: docker-credential-harbor login {place.name}\n")
        assert place.person.windows == 0

    def test_declined_leaves_it_entered(self, place: Workplace) -> None:
        place.person.decline = True
        answer = place.helper.run(
            ["setup", place.harbor.url], env={"DOCKER_CREDENTIAL_HARBOR_LOGIN_TIMEOUT": "3"}, timeout=90
        )
        assert answer.returncode == 1
        assert f"run: docker-credential-harbor login {place.name}" in answer.stderr
        assert place.name in ours(place)


class TestCompanysOwnAuthority:
    """Harbor's certificate is signed by an authority that this machine does not know."""

    @pytest.fixture
    def authority(self, tmp_path: Path) -> Authority:
        return Authority(tmp_path)

    @pytest.fixture
    def place(self, make_workplace: MakeWorkplace, authority: Authority) -> Workplace:
        workplace = make_workplace(harbor={"tls": authority.server()})
        workplace.person.trust(authority.ca_file)  # type: ignore[attr-defined]
        return unconfigured(workplace)

    def test_the_line_says_how_to_trust_it_and_that_works(self, place: Workplace, authority: Authority) -> None:
        refused = place.helper.run(["setup", place.name])
        assert (refused.returncode, refused.stdout, ours(place)) == (1, "", "")
        [line] = refused.stderr.splitlines()
        assert "is not trusted (unknown authority)" in line
        assert "docker-credential-harbor setup --ca-file FILE REGISTRY" in line
        answer = place.helper.run(["setup", "--ca-file", os.path.relpath(authority.ca_file), place.name])
        assert answer.returncode == 0, answer.stderr
        assert f"Signed in at {place.name} as alice-h." in answer.stdout
        assert ours(place) == f'[registries."{place.name}"]\nca_file = "{authority.ca_file}"\n'
        assert place.pair()[0] == "alice-h"

    def test_one_that_is_entered_gets_it_and_keeps_the_rest(self, place: Workplace, authority: Authority) -> None:
        place.helper.run(["setup", "--no-login", place.name])
        file = place.helper.home.folders["XDG_CONFIG_HOME"] / "docker-credential-harbor" / "config.toml"
        file.write_text(f'{ours(place)}client_id = "of-another-name"  # mine\n')
        answer = place.helper.run(["setup", "--ca-file", str(authority.ca_file), place.name], env={"CI": "true"})
        assert answer.returncode == 0, answer.stderr
        assert "does not take the client 'of-another-name'" in answer.stdout
        assert 'client_id = "of-another-name"  # mine\n' in ours(place)
        assert f'ca_file = "{authority.ca_file}"\n' in ours(place)
        again = place.helper.run(["setup", "--no-login", place.name])
        assert f"{place.name} is configured already" in again.stdout

    @pytest.mark.parametrize("content", [None, "no certificate"])
    def test_a_file_that_is_none(self, place: Workplace, tmp_path: Path, content: str | None) -> None:
        file = tmp_path / "none.pem"
        if content:
            file.write_text(content)
        answer = place.helper.run(["setup", "--ca-file", str(file), place.name])
        assert (answer.returncode, answer.stdout, ours(place)) == (1, "", "")
        [line] = answer.stderr.splitlines()
        assert (
            f"{file}: there is no PEM certificate" in line if content else f"[no-such-file] there is no {file}:" in line
        )


class TestWithoutClient:
    @pytest.fixture
    def place(self, make_workplace: MakeWorkplace) -> Workplace:
        workplace = unconfigured(make_workplace())
        workplace.realm.remove_client(HELPER_CLIENT)
        return workplace

    def test_it_is_found_out_and_the_secret_asked_for(self, place: Workplace) -> None:
        secret = place.harbor.users["alice-h"].secret
        environment = place.helper.home.environment
        with Terminal([place.helper.program, "setup", place.harbor.url], environment) as terminal:
            place.person.wait_for_windows()
            terminal.wait_for("Harbor user name: ")
            terminal.enter("alice-h\n")
            terminal.wait_for("does not show): ")
            terminal.enter(f"{secret}\n")
            assert terminal.wait() == 0, terminal.text
        assert "does not take the client 'docker-credential-harbor'" in terminal.text
        assert f"docker-credential-harbor setup --admin {place.name}" in terminal.text
        assert 'client_id = ""' in ours(place)
        assert place.pair() == ("alice-h", secret)

    def test_a_name_that_harbor_does_not_go_by_does_not_matter_then(self, place: Workplace) -> None:
        """Only our own sign-in would end elsewhere, and there is none."""
        place.harbor.external_url = "http://127.0.0.2:8080"
        answer = place.helper.run(["setup", place.harbor.url])
        assert (answer.returncode, answer.stderr) == (0, "")
        assert "does not take the client 'docker-credential-harbor'" in answer.stdout
        assert 'client_id = ""' in ours(place)

    def test_once_an_administrator_has_added_it_setup_takes_it(self, place: Workplace) -> None:
        place.helper.run(["setup", place.harbor.url])
        before = ours(place)
        again = place.helper.run(["setup", place.harbor.url])
        assert again.returncode == 0
        assert "does not take the client" in again.stdout
        assert ours(place) == before
        guide = place.helper.run(["setup", "--admin", "--json", place.name])
        place.realm.add_client(json.loads(guide.stdout))
        answer = place.helper.run(["setup", place.harbor.url])
        assert answer.returncode == 0, answer.stderr
        assert f"{place.name} changed in " in answer.stdout
        assert f"Signed in at {place.name} as alice-h." in answer.stdout
        assert "client_id" not in ours(place)

    def test_a_client_id_of_the_persons_own_stays(self, place: Workplace) -> None:
        file = place.helper.home.folders["XDG_CONFIG_HOME"] / "docker-credential-harbor" / "config.toml"
        file.parent.mkdir(parents=True)
        file.write_text(f'[registries."{place.name}"]\nurl = "{place.harbor.url}"\nclient_id = ""  # mine\n')
        answer = place.helper.run(["setup", place.harbor.url])
        assert answer.returncode == 0
        assert f"{place.name} is configured already" in answer.stdout

    def test_without_a_terminal_it_says_what_comes_next(self, place: Workplace) -> None:
        answer = place.helper.run(["setup", place.harbor.url])
        assert (answer.returncode, answer.stderr) == (0, "")
        assert answer.stdout.endswith(f"Next: docker-credential-harbor login {place.name}\n")
        assert 'client_id = ""' in ours(place)
        assert place.person.windows == 0


class TestNotEntered:
    def refused(self, place: Workplace, registry: str) -> str:
        answer = place.helper.run(["setup", registry])
        assert (answer.returncode, answer.stdout) == (1, "")
        [line] = answer.stderr.splitlines()
        assert ours(place) == ""
        assert not (place.helper.home.docker_config / "config.json").exists()
        return line

    def test_harbor_is_away(self, place: Workplace, free_port: int) -> None:
        line = self.refused(place, f"http://127.0.0.1:{free_port}")
        assert f"127.0.0.1:{free_port} was not entered: 127.0.0.1:{free_port} cannot be reached" in line
        assert line.endswith("): try again once it can")

    def test_it_is_no_harbor(self, place: Workplace, make_proxy: Callable[..., FaultProxy]) -> None:
        proxy = make_proxy(place.harbor.url)
        proxy.set("/", faults.garbage)
        line = self.refused(place, proxy.url)
        assert "gave an answer that cannot be used" in line

    def test_harbor_has_no_oidc(self, place: Workplace) -> None:
        place.harbor.auth_mode = "db_auth"
        line = self.refused(place, place.harbor.url)
        assert "does not sign people in through OIDC" in line

    def test_harbor_goes_by_another_name(self, place: Workplace) -> None:
        place.harbor.external_url = "http://127.0.0.2:8080"
        line = self.refused(place, place.harbor.url)
        assert (
            f"{place.name} calls itself http://127.0.0.2:8080 (its external_url): if you know that name, run " in line
        )
        assert line.endswith("setup http://127.0.0.2:8080; doctor says more")

    def test_harbor_cannot_reach_the_provider(self, place: Workplace, make_proxy: Callable[..., FaultProxy]) -> None:
        proxy = make_proxy(place.harbor.url)
        proxy.set("/c/oidc/login", faults.status(500))
        assert "cannot reach its identity provider" in self.refused(place, proxy.url)
