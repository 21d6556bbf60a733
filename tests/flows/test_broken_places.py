"""What is wrong on the person's own machine: streams, environment, files, disk, browser. One line, and nothing lost."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import need
from tests.flows.conftest import NOT_FOUND
from tests.lab.said import PREFIX, failure_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.flows.conftest import Workplace
    from tests.lab.sealed_home import Helper

    MakeWorkplace = Callable[..., Workplace]

ROBOT = ("robot$ci", "Robot-Secret-1")
SERVER = "harbor.example.com"
CLOSED = "[output-not-written] the answer cannot be written to standard output (it is closed)\n"
FULL = "[output-not-written] the answer cannot be written to standard output (no space left on device)\n"


@pytest.fixture
def robot(helper: Helper) -> Helper:
    """A robot's pair for a Harbor that nobody asks, and a second registry where nobody is signed in."""
    helper.configure(f'storage = "file"\ntimeout = 1\n[registries."{SERVER}"]\n[registries."127.0.0.1:1"]\n')
    assert helper.run("store", payload(*ROBOT)).returncode == 0
    return helper


def payload(username: str, secret: str, server: str = SERVER) -> str:
    return json.dumps({"ServerURL": server, "Username": username, "Secret": secret})


def gives_the_robot(helper: Helper) -> bool:
    answer = helper.get(SERVER)
    return answer.returncode == 0 and json.loads(answer.stdout)["Secret"] == ROBOT[1]


def one_line(text: str) -> str:
    """What is said, which must be one line with our name and a code before it."""
    assert text.count("\n") == 1, text
    assert "Traceback" not in text
    assert "something unexpected happened" not in text
    assert ROBOT[1] not in text
    return failure_in(text)


class TestStreams:
    @pytest.mark.parametrize(
        ("command", "status", "output", "errors"),
        [
            ("get <&-", 1, "no credentials server URL\n", ""),
            ("erase <&-", 1, "no credentials server URL\n", ""),
            ("store <&-", 1, "the payload is not acceptable: it is not JSON\n", ""),
            ("list <&-", 0, f'{{"https://{SERVER}":"robot$ci"}}\n', ""),
            (f"get <<< {SERVER} >&-", 1, "", PREFIX + CLOSED),
            ("get <<< other.example.com >&-", 1, "", PREFIX + CLOSED),
            ("list >&-", 1, "", PREFIX + CLOSED),
            (f"get <<< {SERVER} >/dev/full", 1, "", PREFIX + FULL),
            ("list >/dev/full", 1, "", PREFIX + FULL),
            ("version >/dev/full", 1, "", PREFIX + FULL),
            ("--help >/dev/full", 1, "", PREFIX + FULL),
            ("status >/dev/full", 1, "", PREFIX + FULL),
            ("status --json >/dev/full", 1, "", PREFIX + FULL),
            ("doctor >/dev/full", 1, "", PREFIX + FULL),
            ("logout 127.0.0.1:1 >/dev/full", 1, "", PREFIX + FULL),
            ("status >&-", 0, "", ""),
            (f"get <<< {SERVER} > >(exec true)", 1, "", ""),
            ("--help > >(exec true)", 1, "", ""),
            ("get <<< 127.0.0.1:1 2>&-", 1, NOT_FOUND, ""),
            ("get <<< 127.0.0.1:1 2>/dev/full", 1, NOT_FOUND, ""),
            ("get <<< 127.0.0.1:1 <&- >&- 2>&-", 1, "", ""),
            ("erase <<< other.example.com >&-", 0, "", ""),
            ("frobnicate 2>&-", 2, "", ""),
        ],
    )
    def test_closed_or_full(self, robot: Helper, command: str, status: int, output: str, errors: str) -> None:
        script = f"{robot.program} {command}"
        if "exec true" in command:  # whoever should read is gone before anything is written
            gone = "exec 3> >(exec true); while kill -0 $! 2>&-; do :; done; "
            script = gone + script.replace("> >(exec true)", ">&3")
        answer = subprocess.run(
            ["bash", "-c", script], env=robot.home.environment, capture_output=True, text=True, timeout=30, check=False
        )
        assert (answer.returncode, answer.stdout, answer.stderr) == (status, output, errors)
        assert gives_the_robot(robot)

    def test_a_full_pipe_is_waited_for(self, robot: Helper) -> None:
        """Whoever reads late gets the whole answer."""
        secret = "x" * 300_000
        assert robot.run("store", payload("somebody", secret, "ghcr.io")).returncode == 0
        process = robot.start("get")
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"ghcr.io")
        process.stdin.close()
        process.stdin = None
        output, errors = process.communicate(timeout=30)
        assert (process.returncode, json.loads(output)["Secret"], errors) == (0, secret, b"")

    def test_a_url_that_comes_in_two_pieces_is_one(self, robot: Helper) -> None:
        """The beginning alone names another server, whose pair must not be given."""
        process = robot.start("get")
        assert process.stdin
        process.stdin.write(SERVER.encode())
        process.stdin.flush()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        process.stdin.write(b".evil.example.com")
        output, errors = process.communicate(timeout=30)
        assert (process.returncode, output.decode(), errors) == (1, NOT_FOUND, b"")


class TestPayloads:
    @pytest.mark.parametrize("username", ["\ud800", "a\udfff"])
    def test_half_characters_are_refused(self, robot: Helper, username: str) -> None:
        answer = robot.run("store", payload(username, "s"))
        assert (answer.returncode, answer.stderr) == (1, "")
        assert answer.stdout == "the payload is not acceptable: it has text that is not Unicode\n"
        assert gives_the_robot(robot)

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            ("[" * 60_000, "it is nested too deeply"),
            ('{"a":' * 60_000 + "1" + "}" * 60_000, "it is nested too deeply"),
            ("9" * 5000, "it has a number that is too long"),
            ("1e999", "it has a number that is too large"),
            ("NaN", "it is not JSON"),
        ],
        ids=["lists", "objects", "digits", "large", "NaN"],
    )
    def test_what_no_reader_stands_is_refused_by_name(self, robot: Helper, value: str, reason: str) -> None:
        stored = f'{{"ServerURL": "{SERVER}", "Username": "x", "Secret": "s", "More": {value}}}'
        answer = robot.run("store", stored)
        assert (answer.returncode, answer.stderr) == (1, "")
        assert answer.stdout == f"the payload is not acceptable: {reason}\n"
        assert gives_the_robot(robot)


class TestConfiguration:
    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (None, "it cannot be read: it is a folder"),
            (b"\xff\xfe[registries]", "it is not UTF-8 text"),
            (b"[registries", "it is not TOML"),
            (b"timeout = " + b"9" * 5000, "it is not TOML"),
            (b"a = " + b"[" * 100_000, "it is nested too deeply"),
            (b'registries = "h"', ":1: registries must be tables"),
            (
                b'[registries."h"]\nca_file = "~nobody-of-that-name/ca.pem"',
                ":2: '~nobody-of-that-name/ca.pem' is no path",
            ),
            (b'[registries."h"]\nca_file = "a\\u0000b"', ":2: 'a\\x00b' is no path"),
            (b'[registries."h"]\nurl = "http://h"', ":2: url: http:// is for loopback addresses only"),
            (b"timeout = nan", ":1: timeout must be a number of seconds above 0"),
        ],
    )
    def test_a_file_that_cannot_be_used(self, robot: Helper, content: bytes | None, says: str) -> None:
        file = robot.home.path / "other.toml"
        file.mkdir() if content is None else file.write_bytes(content)
        answer = robot.get(SERVER, {"DOCKER_CREDENTIAL_HARBOR_CONFIG": str(file)})
        assert (answer.returncode, answer.stdout) == (1, NOT_FOUND)
        line = one_line(answer.stderr)
        assert line.startswith(str(file))
        assert says in line
        assert gives_the_robot(robot)

    @pytest.mark.parametrize(
        ("variable", "value"),
        [
            *(("TIMEOUT", value) for value in ("soon", "nan", "inf", "-1", "0", "1e400")),
            *(("CACHE_TTL", value) for value in ("soon", "-1")),
            ("LOGIN", "sometimes"),
            ("STORAGE", "cloud\nnine"),
            ("CONFIG", "~nobody-of-that-name/config.toml"),
            ("CONFIG", "/" + "x" * 5000),
            ("CONFIG", "/dev"),
        ],
    )
    def test_a_variable_that_cannot_be_used(self, robot: Helper, variable: str, value: str) -> None:
        name = f"DOCKER_CREDENTIAL_HARBOR_{variable}"
        answer = robot.get(SERVER, {name: value})
        assert (answer.returncode, answer.stdout) == (1, NOT_FOUND)
        assert (f"${name}" in one_line(answer.stderr)) or value[:100] in answer.stderr
        assert gives_the_robot(robot)

    @pytest.mark.parametrize(
        "env",
        [
            {"LANG": "xx", "LC_ALL": "yy", "PYTHONIOENCODING": "ascii"},
            {"DOCKER_CREDENTIAL_HARBOR_TIMEOUT": "", "DOCKER_CREDENTIAL_HARBOR_STORAGE": ""},
            {"BROWSER": '"', "PATH": ""},
            {"HTTPS_PROXY": "nonsense://", "NO_PROXY": "\x7f,["},
            {"TMPDIR": "/nowhere", "XDG_RUNTIME_DIR": "/nowhere", "XDG_CACHE_HOME": "/nowhere"},
            {"REQUESTS_CA_BUNDLE": "/nowhere", "SSL_CERT_FILE": "/nowhere", "CURL_CA_BUNDLE": "/nowhere"},
        ],
        ids=lambda env: next(iter(env)),
    )
    def test_a_variable_that_does_not_matter(self, robot: Helper, env: dict[str, str]) -> None:
        for server in (SERVER, "127.0.0.1:1"):
            answer = robot.get(server, env)
            assert answer.returncode == (server != SERVER), answer.stderr
            assert answer.stderr == "" if server == SERVER else one_line(answer.stderr)

    def test_without_home(self, robot: Helper) -> None:
        """The XDG folders are enough; and without them the user database knows the home."""
        environment = {name: value for name, value in robot.home.environment.items() if name != "HOME"}
        command = [robot.program, "get"]
        answer = subprocess.run(
            command, env=environment, input=SERVER, capture_output=True, text=True, timeout=30, check=False
        )
        assert (answer.returncode, answer.stderr) == (0, "")

    def test_relative_places_mean_the_same_to_the_worker(self, make_workplace: MakeWorkplace) -> None:
        workplace = make_workplace()
        home = workplace.helper.home
        shutil.copy(home.environment["DOCKER_CREDENTIAL_HARBOR_CONFIG"], home.path / "mine.toml")
        environment = {
            **home.environment,
            "DOCKER_CREDENTIAL_HARBOR_CONFIG": "mine.toml",
            "XDG_STATE_HOME": "state",
            "XDG_DATA_HOME": "./data",
        }
        for _ in range(2):
            answer = subprocess.run(
                [workplace.helper.program, "get"],
                env=environment,
                cwd=home.path,
                input=workplace.name,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert answer.returncode == 0, answer.stderr
        assert workplace.person.windows == 1


DAMAGED = [b"", b"\x00\xff\xfe", b'{"version": 1', b"[]", b"null", b"7", b'"x"', b"[" * 100_000, b'{"version": 99}']


class TestDamagedFiles:
    def test_notes_and_the_windows_note_count_as_empty(self, make_workplace: MakeWorkplace) -> None:
        workplace = make_workplace(top="cache_ttl = 0")
        pair = workplace.pair()
        state = workplace.helper.home.folders["XDG_STATE_HOME"] / "docker-credential-harbor"
        [notes] = (state / "registries").glob("*.json")
        good = json.loads(notes.read_text())
        odd = [
            {**good, "declines": -7, "declined_at": 1},
            {**good, "declines": 10**400},
            {**good, "declines": 3, "declined_at": float("nan")},
            {**good, "trusted_until": float("inf"), "generation": float("inf")},
            {**good, "provider": {"issuer": 3}},
            {**good, "redirect": "elsewhere"},
        ]
        for content in (*DAMAGED, *(json.dumps(each).encode() for each in odd)):
            for file in (notes, state / "window.json"):
                file.write_bytes(content)
            answer = workplace.get()
            assert (answer.returncode, answer.stderr) == (0, ""), content[:80]
        workplace.harbor.kill_stored_token("alice-h")
        (state / "window.json").write_bytes(b'{"pid": -1}')
        assert workplace.pair() == pair
        assert workplace.person.forms == 1

    @pytest.mark.parametrize("name", ["index.json", "secrets.json"])
    def test_what_is_kept_is_left_as_it_is(self, robot: Helper, name: str) -> None:
        [file] = robot.home.folders["XDG_DATA_HOME"].rglob(name)
        good = file.read_bytes()
        for content in DAMAGED:
            file.write_bytes(content)
            answer = robot.get(SERVER)
            assert (answer.returncode, answer.stdout) == (1, NOT_FOUND), content[:80]
            assert "is damaged" in one_line(answer.stderr), content[:80]
            assert robot.run("store", payload("robot$new", "s")).returncode == 1
            assert file.read_bytes() == content
        file.write_bytes(good)
        assert gives_the_robot(robot)

    def test_no_window_opens_over_a_damaged_store(self, make_workplace: MakeWorkplace) -> None:
        workplace = make_workplace(top="cache_ttl = 0")
        pair = workplace.pair()
        for name in ("index.json", "secrets.json"):
            [file] = workplace.helper.home.folders["XDG_DATA_HOME"].rglob(name)
            good = file.read_bytes()
            file.write_bytes(b"torn")
            assert "is damaged" in workplace.refused()
            assert workplace.person.windows == 1
            file.write_bytes(good)
        assert workplace.pair() == pair


class TestPlacesThatCannotBeWritten:
    """As root no permission stops anybody: a file stands where a folder should be, or no file may grow."""

    @pytest.mark.parametrize("variable", ["XDG_STATE_HOME", "XDG_DATA_HOME"])
    def test_a_file_in_the_place_of_a_folder(self, workplace: Workplace, variable: str) -> None:
        place = workplace.helper.home.folders[variable]
        place.rmdir()
        place.write_text("a file")
        line = one_line(workplace.refused() + "\n")
        assert str(place) in line
        assert workplace.person.windows == 0
        assert place.read_text() == "a file"
        place.unlink()
        assert workplace.pair()[0] == "alice-h"

    def test_the_windows_lock_stands_in_nobodys_way_who_needs_no_window(self, workplace: Workplace) -> None:
        """As root leaves it behind, after a login with the person's home."""
        workplace.store("robot$ci", "s")
        place = workplace.helper.home.folders["XDG_STATE_HOME"] / "docker-credential-harbor" / "window.lock"
        place.mkdir(parents=True)
        assert workplace.pair() == ("robot$ci", "s")
        assert workplace.helper.run("erase", workplace.name).returncode == 0
        assert str(place) in one_line(workplace.refused() + "\n")
        place.rmdir()
        workplace.end_pause()
        assert workplace.pair()[0] == "alice-h"

    def test_a_full_disk(self, make_workplace: MakeWorkplace) -> None:
        """The pair that works is given all the same; without one no window opens, since nothing of it could be kept."""
        need("prlimit", "apt-get install util-linux", shutil.which("prlimit"))
        workplace = make_workplace(top="cache_ttl = 0")

        def get_on_a_full_disk() -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                ["prlimit", "--fsize=0", workplace.helper.program, "get"],
                env=workplace.helper.home.environment,
                input=workplace.name,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )

        first = get_on_a_full_disk()
        assert (first.returncode, first.stdout) == (1, NOT_FOUND)
        assert "cannot be written" in one_line(first.stderr)
        assert workplace.person.windows == 0
        pair = workplace.pair()
        for _ in range(2):
            later = get_on_a_full_disk()
            assert (later.returncode, json.loads(later.stdout)["Secret"]) == (0, pair[1])
            assert "cannot be written" in one_line(later.stderr)
        workplace.harbor.set_secret("alice-h", "Another-Secret-0123456789")
        changed = get_on_a_full_disk()
        assert json.loads(changed.stdout)["Secret"] == "Another-Secret-0123456789"
        assert workplace.pair() == ("alice-h", "Another-Secret-0123456789")
        assert workplace.person.windows == 1
        assert not list(workplace.helper.home.path.rglob("*.tmp"))

    def test_symbolic_links_in_the_place_of_files_are_not_followed_by_writes(
        self, make_workplace: MakeWorkplace, tmp_path: Path
    ) -> None:
        workplace = make_workplace(top="cache_ttl = 0")
        workplace.pair()
        target = tmp_path / "target"
        [secrets] = workplace.helper.home.folders["XDG_DATA_HOME"].rglob("secrets.json")
        shutil.copy(secrets, target)
        before = target.read_bytes()
        secrets.unlink()
        secrets.symlink_to(target)
        workplace.harbor.set_secret("alice-h", "Another-Secret-0123456789")
        assert workplace.pair() == ("alice-h", "Another-Secret-0123456789")
        assert target.read_bytes() == before
        assert not secrets.is_symlink()
        assert secrets.stat().st_mode & 0o777 == 0o600


class TestBrowser:
    @pytest.mark.parametrize("command", ["/nowhere/browser", "false", "sleep 600", '"', "/dev"])
    def test_one_that_fails_or_hangs(self, make_workplace: MakeWorkplace, command: str) -> None:
        """The link is there to be opened by hand; nobody waits for the browser, and its end says nothing."""
        workplace = make_workplace(top="login_timeout = 1")
        path = f"{Path(workplace.helper.program).parent}:/usr/bin:/bin"
        answer = workplace.get(BROWSER=command, PATH=path)  # which gives up after a minute
        assert (answer.returncode, answer.stdout) == (1, NOT_FOUND)
        opening, *lines = answer.stderr.splitlines()
        assert "if none appears, open: http://127.0.0.1:" in opening
        assert "nobody finished the sign-in" in answer.stderr
        assert all(line.startswith(PREFIX) for line in lines)
        workplace.helper.run("erase", workplace.name)
        workplace.configure()
        assert workplace.pair()[0] == "alice-h"
