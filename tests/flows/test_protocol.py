"""Docker's protocol as docker-credential-helpers documents it: exact messages, exit statuses, every form of request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess

    from tests.lab.sealed_home import Helper

NOT_FOUND = "credentials not found in native keychain\n"
HUB = "https://index.docker.io/v1/"


@pytest.fixture
def configured(helper: Helper) -> Helper:
    """A Harbor that is not there: what this file asks must need no request."""
    helper.configure('storage = "file"\n[registries."harbor.example.com"]\n')
    return helper


def store(helper: Helper, server: str, username: str, secret: str) -> subprocess.CompletedProcess[str]:
    return helper.run("store", json.dumps({"ServerURL": server, "Username": username, "Secret": secret}))


def outcome(answer: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    return answer.returncode, answer.stdout, answer.stderr


class TestMessages:
    @pytest.mark.parametrize("verb", ["get", "erase"])
    @pytest.mark.parametrize("payload", ["", "\n", "  \r\n"])
    def test_no_server_url(self, configured: Helper, verb: str, payload: str) -> None:
        assert outcome(configured.run(verb, payload)) == (1, "no credentials server URL\n", "")

    def test_store_without_server_url_or_username(self, configured: Helper) -> None:
        assert outcome(configured.run("store", '{"Username":"a","Secret":"s"}')) == (
            1,
            "no credentials server URL\n",
            "",
        )
        assert outcome(store(configured, HUB, "", "s")) == (1, "no credentials username\n", "")

    @pytest.mark.parametrize("payload", ["", "nonsense", "[]", "3", '"x"', "{", "[" * 100_000, '{"ServerURL":3}'])
    def test_store_of_something_else(self, configured: Helper, payload: str) -> None:
        answer = configured.run("store", payload)
        assert (answer.returncode, answer.stderr) == (1, "")
        assert answer.stdout.count("\n") == 1
        assert "Traceback" not in answer.stdout

    @pytest.mark.parametrize("username", ["al\x1b[2Jice", "alice\n", "\x00", "alice\x7f", "alice\x9b2J"])
    @pytest.mark.parametrize("server", [HUB, "harbor.example.com"])
    def test_a_username_that_a_terminal_would_obey(self, configured: Helper, server: str, username: str) -> None:
        said = "the payload is not acceptable: Username must have no control characters\n"
        assert outcome(store(configured, server, username, "s")) == (1, said, "")
        assert configured.run("list").stdout == "{}\n"

    def test_not_found_for_a_server_that_no_configuration_names_and_nothing_more(self, configured: Helper) -> None:
        for server in (HUB, "ghcr.io", "http://harbor.example.com", "oci://elsewhere"):
            assert outcome(configured.get(server)) == (1, NOT_FOUND, "")

    @pytest.mark.parametrize("server", ["https://a:b@harbor.example.com", "h\x01", "h\ny", "h" * 4097, "h:port", "a b"])
    @pytest.mark.parametrize("verb", ["get", "erase"])
    def test_an_unacceptable_server_url_is_refused(self, configured: Helper, verb: str, server: str) -> None:
        answer = configured.run(verb, server)
        assert (answer.returncode, answer.stderr) == (1, "")
        assert answer.stdout.startswith("the server URL is not acceptable: ")
        assert "a:b" not in answer.stdout

    def test_bytes_that_are_no_text(self, configured: Helper) -> None:
        answer = configured.run("get", b"\xff\xfe\x00h")
        assert (answer.returncode, answer.stdout) == (1, "the server URL is not acceptable: it is not UTF-8 text\n")

    @pytest.mark.parametrize("verb", ["get", "erase", "store"])
    def test_a_huge_payload(self, configured: Helper, verb: str) -> None:
        answer = configured.run(verb, b"x" * (2 << 20))
        assert (answer.returncode, answer.stderr) == (1, "")
        assert answer.stdout == "the payload is not acceptable: it is longer than 1 MiB\n"

    def test_version_and_list_read_nothing(self, configured: Helper) -> None:
        version = configured.run("version")
        assert (version.returncode, version.stderr) == (0, "")
        assert version.stdout.startswith("docker-credential-harbor 0.")
        assert outcome(configured.run("list")) == (0, "{}\n", "")


class TestAsCredentialsStore:
    def test_other_servers_pairs_are_kept_under_their_url_as_given(self, configured: Helper) -> None:
        odd = 'p"\\a\u20acss\n\x00word' + "x" * 3000
        for server, username, secret in (
            (HUB, "hub", "s1"),
            ("ghcr.io", "Ünï", odd),
            (HUB + "access-token", "t", "s3"),
        ):
            assert outcome(store(configured, server, username, secret)) == (0, "", "")
        answer = configured.get("ghcr.io")
        assert json.loads(answer.stdout) == {"ServerURL": "ghcr.io", "Username": "Ünï", "Secret": odd}
        assert answer.stdout.count("\n") == 1
        listed = json.loads(configured.run("list").stdout)
        assert listed == {HUB: "hub", "ghcr.io": "Ünï", HUB + "access-token": "t"}
        assert outcome(configured.run("erase", HUB)) == (0, "", "")
        assert outcome(configured.get(HUB)) == (1, NOT_FOUND, "")
        assert json.loads(configured.get(HUB + "access-token").stdout)["Secret"] == "s3"

    def test_a_second_store_replaces_the_first(self, configured: Helper) -> None:
        store(configured, HUB, "a", "1")
        store(configured, HUB, "b", "2")
        assert json.loads(configured.get(HUB).stdout) == {"ServerURL": HUB, "Username": "b", "Secret": "2"}
        assert json.loads(configured.run("list").stdout) == {HUB: "b"}

    def test_erasing_what_is_not_there_is_no_fault(self, configured: Helper) -> None:
        for server in (
            "nowhere.example.com",
            "harbor.example.com",
            "https://harbor.example.com",
            "http://harbor.example.com",
        ):
            assert outcome(configured.run("erase", server)) == (0, "", "")


class TestHarborsPairsByEveryUrl:
    def test_all_forms_name_one_registry(self, configured: Helper) -> None:
        assert outcome(store(configured, "https://harbor.example.com", "robot$ci", "s")) == (0, "", "")
        for server in (
            "harbor.example.com",
            "harbor.example.com:443",
            "https://harbor.example.com",
            "https://harbor.example.com/v2/",
            "harbor.example.com/project/repo",
            "HARBOR.Example.COM",
        ):
            answer = configured.get(server)
            assert json.loads(answer.stdout) == {"ServerURL": server, "Username": "robot$ci", "Secret": "s"}
        assert outcome(configured.get("http://harbor.example.com")) == (1, NOT_FOUND, "")

    def test_dockers_logout_erases_by_http_too(self, configured: Helper) -> None:
        store(configured, "harbor.example.com", "robot$ci", "s")
        assert outcome(configured.run("erase", "http://harbor.example.com")) == (0, "", "")
        assert configured.get("harbor.example.com", {"CI": "1"}).stdout == NOT_FOUND


class TestConfigurationFaults:
    def test_get_is_not_found_and_names_file_and_line(self, helper: Helper) -> None:
        file = helper.configure("timeout = 1\nfoo = 2\n")
        answer = helper.get("harbor.example.com")
        assert (answer.returncode, answer.stdout) == (1, NOT_FOUND)
        assert answer.stderr == (
            f"docker-credential-harbor: [configuration-invalid] "
            f"{file}:2: unknown key 'foo': correct it and run the command again\n"
        )

    @pytest.mark.parametrize("verb", ["store", "erase", "list"])
    def test_other_verbs_say_it_where_docker_shows_it(self, helper: Helper, verb: str) -> None:
        helper.configure("foo = 2\n")
        answer = helper.run(verb, '{"ServerURL":"h","Username":"u","Secret":"s"}' if verb == "store" else "h")
        assert (answer.returncode, answer.stderr) == (1, "")
        assert "unknown key 'foo'" in answer.stdout


class TestStoreFaults:
    def test_a_corrupted_store_is_one_line_and_left_as_it_is(self, configured: Helper) -> None:
        store(configured, HUB, "a", "1")
        files = [
            path for path in configured.home.folders["XDG_DATA_HOME"].rglob("*.json") if b'"1"' in path.read_bytes()
        ]
        files = files or list(configured.home.folders["XDG_DATA_HOME"].rglob("*.json"))
        for path in files:
            path.write_bytes(b'{"torn')
        answer = configured.get(HUB)
        assert (answer.returncode, answer.stdout) == (1, NOT_FOUND)
        assert answer.stderr.count("\n") == 1
        assert "damaged" in answer.stderr
        answer = store(configured, "ghcr.io", "b", "2")
        assert answer.returncode == 1
        assert "damaged" in answer.stdout
        assert all(path.read_bytes() == b'{"torn' for path in files)

    def test_an_unwritable_store_is_one_line(self, configured: Helper) -> None:
        folder = configured.home.folders["XDG_DATA_HOME"]
        folder.rmdir()
        folder.write_text("a file where a folder should be")
        answer = store(configured, HUB, "a", "1")
        assert (answer.returncode, answer.stderr) == (1, "")
        assert answer.stdout.count("\n") == 1
        assert "cannot be" in answer.stdout


class TestUsage:
    def test_an_unknown_verb_is_wrong_usage(self, configured: Helper) -> None:
        answer = configured.run("frobnicate")
        assert (answer.returncode, answer.stdout) == (2, "")
        assert answer.stderr.startswith("docker-credential-harbor: ")
        assert answer.stderr.count("\n") == 1

    @pytest.mark.parametrize("arguments", [[], ["get", "more"], ["login", "--nonsense"], ["setup"]])
    def test_wrong_arguments(self, configured: Helper, arguments: list[str]) -> None:
        answer = configured.run(arguments)
        assert answer.returncode == 2
        assert answer.stderr.count("\n") == 1

    @pytest.mark.parametrize("command", ["", "setup", "login", "logout", "status"])
    def test_help_everywhere(self, configured: Helper, command: str) -> None:
        answer = configured.run([command, "--help"] if command else ["--help"])
        assert (answer.returncode, answer.stderr) == (0, "")
        assert "usage: docker-credential-harbor" in answer.stdout

    def test_commands_without_a_registry(self, helper: Helper) -> None:
        helper.configure("")
        for command in ("login", "logout", "status"):
            answer = helper.run(command)
            assert answer.returncode == 2
            assert "setup REGISTRY" in answer.stderr

    def test_commands_with_several_registries_name_them(self, helper: Helper) -> None:
        helper.configure("[registries.a]\n[registries.b]\n")
        answer = helper.run("login")
        assert answer.returncode == 2
        assert "name one of them: a, b" in answer.stderr
        assert helper.run(["logout", "c"]).returncode == 2
