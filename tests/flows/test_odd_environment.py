"""Environments that no desktop has, and that containers and services have: one line that names what is missing."""

from __future__ import annotations

import codecs
import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from tests.flows.conftest import NOT_FOUND
from tests.lab import ordinary_user, other_user
from tests.lab.pace import paced
from tests.lab.said import PREFIX, failure_in
from tests.lab.sealed_home import console_script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.flows.conftest import Workplace
    from tests.lab.sealed_home import Helper

    MakeWorkplace = Callable[..., Workplace]

NAME = "harbor.example.com"
VERBS = ("get", "store", "erase")
COMMANDS = (
    ["status"],
    ["doctor"],
    ["login"],
    ["logout", NAME],
    ["rotate"],
    ["keepalive"],
    ["keepalive", "--install"],
    ["keepalive", "--status"],
    ["setup", "--no-login", NAME],
    ["setup", "--undo", NAME],
    ["setup", "--dry-run", NAME],
)


def run(
    words: Sequence[str], environment: Mapping[str, str], stdin: str = "", cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, env=environment, input=stdin, cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )


def one_line(text: str) -> str:
    assert text.count("\n") == 1, text
    assert "[unexpected]" not in text
    return failure_in(text)


def payload(verb: str, server: str = NAME) -> str:
    return json.dumps({"ServerURL": server, "Username": "u", "Secret": "s"}) if verb == "store" else server


@pytest.fixture(scope="class")
def _ordinary_user_leaves_nothing() -> Iterator[None]:
    yield
    other_user.leave_nothing(ordinary_user.UID)


@pytest.mark.usefixtures("_ordinary_user_leaves_nothing")
class TestNoHome:
    """A user whom the user database does not know, with no variable that names a folder."""

    @pytest.fixture(params=[None, "", "home"], ids=["unset", "empty", "relative"])
    def environment(self, helper: Helper, request: pytest.FixtureRequest) -> dict[str, str]:
        named = {} if request.param is None else {"HOME": request.param}
        return {"PATH": helper.home.environment["PATH"], "XDG_CONFIG_DIRS": str(helper.home.path / "site"), **named}

    @pytest.fixture
    def started(self, helper: Helper) -> list[str]:
        return [*ordinary_user.command(), helper.program]

    def test_a_server_that_nobody_configured(
        self, started: list[str], environment: dict[str, str], tmp_path: Path
    ) -> None:
        answer = run([*started, "get"], environment, "docker.io", tmp_path)
        assert (answer.returncode, answer.stdout, answer.stderr) == (1, NOT_FOUND, "")
        answer = run([*started, "erase"], environment, "docker.io", tmp_path)
        assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
        answer = run([*started, "list"], environment, "", tmp_path)
        assert (answer.returncode, answer.stdout, answer.stderr) == (0, "{}\n", "")

    def test_all_else_names_the_variables(
        self, started: list[str], environment: dict[str, str], tmp_path: Path, helper: Helper
    ) -> None:
        site = helper.home.path / "site" / "docker-credential-harbor" / "config.toml"
        site.parent.mkdir(parents=True)
        site.write_text(f'[registries."{NAME}"]\n')
        for verb in VERBS:
            answer = run([*started, verb], environment, payload(verb), tmp_path)
            assert answer.returncode == 1
            said = one_line(answer.stderr) if verb == "get" else answer.stdout
            assert "neither HOME, the user database nor XDG_" in said, verb
            assert answer.stdout == NOT_FOUND or verb != "get"
        for words in COMMANDS:
            answer = run([*started, *words], environment, "", tmp_path)
            assert answer.returncode == 1, words
            assert "neither HOME, the user database nor XDG_" in one_line(answer.stderr), words
        assert run([*started, "version"], environment).returncode == 0
        assert run([*started, "--help"], environment).returncode == 0

    def test_the_xdg_variables_are_enough(self, started: list[str], helper: Helper) -> None:
        environment = {name: value for name, value in helper.home.environment.items() if name != "HOME"}
        environment["DOCKER_CREDENTIAL_HARBOR_STORAGE"] = "file"
        ordinary_user.give(helper.home.path.parent)
        for words in (["setup", "--no-login", NAME], ["list"], ["setup", "--undo", NAME]):
            answer = run([*started, *words], environment)
            assert (answer.returncode, answer.stderr) == (0, ""), words
        assert run([*started, "store"], environment, payload("store", "quay.io")).returncode == 0
        assert json.loads(run([*started, "get"], environment, "quay.io").stdout)["Secret"] == "s"


@pytest.mark.usefixtures("_ordinary_user_leaves_nothing")
class TestProcessLimit:
    """No thread and no process can be started, as in a container whose pids are used up."""

    def run(self, place: Workplace, words: str, most_processes: int = 1, **variables: str) -> tuple[int, str, str]:
        ordinary_user.give(place.helper.home.path.parent)
        started = [*ordinary_user.command(most_processes=most_processes), place.helper.program, *words.split()]
        answer = run(started, {**place.helper.home.environment, **variables}, place.name)
        return answer.returncode, answer.stdout, answer.stderr

    @pytest.fixture
    def place(self, make_workplace: MakeWorkplace) -> Workplace:
        return make_workplace(top="cache_ttl = 0")

    def test_the_pair_is_verified_without_threads(self, place: Workplace) -> None:
        pair = place.pair()
        status, output, said = self.run(place, "get")
        assert (status, said) == (0, "")
        assert json.loads(output)["Secret"] == pair[1]
        assert self.run(place, f"status {place.name}")[0] == 0

    def test_a_registry_that_is_silent_is_waited_for_no_longer_than_else(self, helper: Helper, silent: str) -> None:
        helper.configure(f'storage = "file"\ntimeout = {paced(1)}\n[registries."{silent}"]\nurl = "http://{silent}"\n')
        assert helper.run("store", payload("store", silent)).returncode == 0
        ordinary_user.give(helper.home.path.parent)
        started = [*ordinary_user.command(most_processes=1), helper.program, "get"]
        answer = run(started, helper.home.environment, silent)
        assert json.loads(answer.stdout)["Secret"] == "s"
        assert "no answer within" in one_line(answer.stderr)

    def test_no_worker_can_be_started(self, place: Workplace) -> None:
        status, output, said = self.run(place, "get")
        assert (status, output) == (1, NOT_FOUND)
        assert "as many processes and threads run as are allowed" in one_line(said)
        assert place.person.windows == 0

    @pytest.mark.parametrize("most", [2, 3])
    def test_the_worker_can_start_little(self, place: Workplace, most: int) -> None:
        """Where not even the browser's answer can be taken, that is said; else it ends well, or the browser is lost."""
        status, output, said = self.run(place, "get", most, DOCKER_CREDENTIAL_HARBOR_LOGIN_TIMEOUT="15")
        assert "[unexpected]" not in said
        assert "[broke-off]" not in said
        if status:
            assert output == NOT_FOUND
            assert "as many processes and threads run as are allowed" in said or "nobody finished the sign-in" in said

    def test_a_browser_cannot_be_looked_for(self, place: Workplace) -> None:
        status, output, said = self.run(place, f"login {place.name}", BROWSER=" ", DISPLAY=":99", PATH="/nowhere")
        assert (status, output) == (1, "")
        assert "[unexpected]" not in said


@pytest.fixture
def silent() -> Iterator[str]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


class TestBrowserVariable:
    """All values at one workplace, which takes longer to be made than most tests."""

    def test_blank_is_unset(self, workplace: Workplace) -> None:
        for value in (" ", "", ":", " : ", "\t"):
            answer = workplace.get(BROWSER=value)
            assert (answer.returncode, answer.stdout) == (1, NOT_FOUND), value
            assert "nobody can be asked here (there is no graphical session" in one_line(answer.stderr), value

    def test_one_that_cannot_be_started(self, make_workplace: MakeWorkplace) -> None:
        place = make_workplace(top="login_timeout = 1")
        path = f"{Path(place.helper.program).parent}:/usr/bin:/bin"
        for value in (" ", ":/nowhere", '"', "/dev", "/etc/passwd", " : '", "./gone", "%s", "&"):
            answer = place.get(BROWSER=value, DISPLAY=":99", PATH=path)
            assert answer.stdout == NOT_FOUND, value
            assert "[unexpected]" not in answer.stderr, value
            assert "[broke-off]" not in answer.stderr, value
            assert "[sign-in-paused]" not in answer.stderr, value
            assert all(line.startswith(PREFIX) for line in answer.stderr.splitlines()), value
            place.end_pause()

    def test_blank_entries_beside_one_that_works(self, workplace: Workplace) -> None:
        command = workplace.person.browser_command
        for windows, form in enumerate((":{}", " :{}", "{}:", "':{}"), 1):
            assert workplace.get(BROWSER=form.format(command)).returncode == 0, form
            assert workplace.person.windows == windows, form
            workplace.harbor.kill_stored_token("alice-h")
            workplace.end_trust_window()


class TestOwnFile:
    @pytest.fixture
    def ours(self, helper: Helper) -> Path:
        file = helper.home.folders["XDG_CONFIG_HOME"] / "docker-credential-harbor" / "config.toml"
        file.parent.mkdir()
        return file

    def test_a_byte_order_mark_says_nothing(self, helper: Helper, ours: Path) -> None:
        text = b'# mine\r\ntimeout = 5\r\n\r\n[registries."a"]\r\nclient_id = "x"\r\n'
        ours.write_bytes(codecs.BOM_UTF8 + text)
        assert json.loads(helper.run(["status", "--json"]).stdout)["registries"][0]["registry"] == "a"
        answer = helper.run(["setup", "--no-login", NAME])
        assert (answer.returncode, answer.stderr) == (0, "")
        assert ours.read_bytes().startswith(codecs.BOM_UTF8 + text[:20])
        assert len(json.loads(helper.run(["status", "--json"]).stdout)["registries"]) == 2
        assert helper.run(["setup", "--undo", NAME]).returncode == 0
        assert ours.read_bytes().rstrip() == codecs.BOM_UTF8 + text.rstrip()

    def test_a_fault_is_found_in_its_line(self, helper: Helper, ours: Path) -> None:
        ours.write_bytes(codecs.BOM_UTF8 + b"timeuot = 5\n")
        assert "config.toml:1: unknown key 'timeuot'" in one_line(helper.run(["status"]).stderr)

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
    def test_utf_16_is_named(self, helper: Helper, ours: Path, encoding: str) -> None:
        ours.write_bytes("timeout = 5\n".encode(encoding))
        for words in (["status"], ["setup", "--no-login", NAME]):
            assert "it is not UTF-8 text (UTF-16?), save it as UTF-8" in one_line(helper.run(words).stderr)


class TestLibraries:
    """By pip: Python looks where PYTHONPATH says before it looks where the helper was installed."""

    BROKEN: ClassVar = {
        "empty": "",
        "old": "raise AttributeError('of a Python long ago')",
        "no Python": "print 'hello'",
        "without what it needs": "import a_library_that_is_not_there",
    }

    @pytest.fixture(autouse=True)
    def _by_pip(self, helper: Helper) -> None:
        """A packaged program has its libraries with it."""
        helper.program = str(console_script())

    @pytest.mark.parametrize("broken", BROKEN)
    def test_each_is_named_with_the_variable(self, helper: Helper, tmp_path: Path, broken: str) -> None:
        helper.configure('storage = "file"\ntimeout = 45\n[registries."127.0.0.1:1"]\n')
        assert helper.run("store", payload("store", "127.0.0.1:1")).returncode == 0
        for library in ("platformdirs", "requests"):
            folder = tmp_path / f"of {library}"
            (folder / library).mkdir(parents=True)
            (folder / library / "__init__.py").write_text(self.BROKEN[broken])
            answer = helper.get("127.0.0.1:1", {"PYTHONPATH": str(folder)})
            assert (answer.stdout == NOT_FOUND) is (library == "platformdirs"), "the known pair goes out"
            line = one_line(answer.stderr)
            assert "[library-unusable]" in answer.stderr, line
            assert "PYTHONPATH" in line
            assert str(folder) in line
            answer = helper.run(["status"], env={"PYTHONPATH": str(folder)})
            assert "[unexpected]" not in answer.stderr
            assert "Traceback" not in answer.stderr

    def test_one_that_takes_other_arguments(self, helper: Helper, tmp_path: Path) -> None:
        for taken in ("", "*, appname"):
            functions = [f"def user_{kind}_path({taken}): pass\n" for kind in ("config", "data", "state")]
            (tmp_path / "platformdirs.py").write_text("".join(functions) + "class PlatformDirs: pass\n")
            answer = helper.run(["status"], env={"PYTHONPATH": str(tmp_path)})
            assert f"library platformdirs at {tmp_path}" in one_line(answer.stderr)
            assert "found by PYTHONPATH: unset that" in answer.stderr
            assert "appname" not in answer.stderr, "its own words may be secret"

    @pytest.mark.parametrize("of", ["the module", "a class", "an instance"])
    def test_one_that_lacks_what_is_asked(self, helper: Helper, tmp_path: Path, of: str) -> None:
        given = {"the module": "__import__(__name__).gone", "a class": "Dirs.gone", "an instance": "Dirs()"}[of]
        functions = "".join(f"def user_{kind}_path(*_, **__): return {given}\n" for kind in ("config", "data", "state"))
        (tmp_path / "platformdirs.py").write_text(f"class Dirs: pass\nclass PlatformDirs: pass\n{functions}")
        line = one_line(helper.run(["status"], env={"PYTHONPATH": str(tmp_path)}).stderr)
        assert f"library platformdirs at {tmp_path}" in line
        assert line.startswith("the Python library")

    def test_one_of_the_users_own(self, helper: Helper) -> None:
        """Only outside a virtual environment: Python looks there first."""
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        own = helper.home.folders["HOME"] / ".local" / "lib" / version / "site-packages"
        own.mkdir(parents=True)
        (own / "platformdirs.py").write_text("")
        installed = next(Path(entry) for entry in sys.path if entry.endswith("site-packages"))
        (own / "installed.pth").write_text(f"{installed}\n{Path(__file__).parents[2]}\n")
        python = Path(sys.base_prefix) / "bin" / "python3"
        answer = run(
            [str(python), "-m", "docker_credential_harbor", "status"], helper.home.environment, cwd=helper.home.path
        )
        assert "PYTHONNOUSERSITE=1" in one_line(answer.stderr)


ODD = {
    "relative XDG": dict.fromkeys(("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"), "rel"),
    "XDG that is empty": dict.fromkeys(("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"), ""),
    "XDG with a tilde": dict.fromkeys(("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CONFIG_DIRS"), "~/x"),
    "XDG_CONFIG_DIRS": {"XDG_CONFIG_DIRS": "::rel:"},
    "TERM and COLUMNS": {"TERM": "", "COLUMNS": "0", "LINES": "x"},
    "no number of columns": {"COLUMNS": "wide", "TERM": "unknown"},
    "LANG": {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "POSIX": {"LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii:strict"},
    "TMPDIR": {"TMPDIR": "/nowhere", "TEMP": "", "TMP": "rel"},
    "PATH": {"PATH": ""},
    "DISPLAY": {"DISPLAY": "nonsense", "WAYLAND_DISPLAY": "/nowhere"},
    "DBUS": {"DBUS_SESSION_BUS_ADDRESS": "nonsense"},
    "KRB5": {"KRB5CCNAME": "NONSENSE:x", "KRB5_CONFIG": "/nowhere"},
    "NO_COLOR": {"NO_COLOR": "", "DOCKER_CREDENTIAL_HARBOR_TRACE": "0"},
    "DOCKER_CONFIG": {"DOCKER_CONFIG": "/dev/null"},
    "DOCKER_AUTH_CONFIG": {"DOCKER_AUTH_CONFIG": "\ufeff{"},
    "HELM": {"HELM_REGISTRY_CONFIG": "/dev/null/x", "REGISTRY_AUTH_FILE": "rel"},
    "PYTHON": {"PYTHONWARNINGS": "error", "PYTHONDEVMODE": "1"},
    "SSH": {"SSH_CONNECTION": "x", "SSH_TTY": "/nowhere"},
}


@pytest.mark.parametrize("odd", ODD)
def test_variables_with_odd_values(helper: Helper, odd: str) -> None:
    helper.configure('storage = "file"\ntimeout = 45\n[registries."127.0.0.1:1"]\n')
    for server in ("docker.io", "127.0.0.1:1"):
        answer = helper.get(server, ODD[odd])
        assert (answer.returncode, answer.stdout) == (1, NOT_FOUND)
        assert answer.stderr == "" if server == "docker.io" else one_line(answer.stderr)
    for words in (["status"], ["doctor"], ["list"], ["--help"], ["setup", "--no-login", "127.0.0.1:1"], ["keepalive"]):
        answer = helper.run(words, env=ODD[odd])
        assert "[unexpected]" not in answer.stderr, words
        assert "Traceback" not in answer.stderr, words
        assert all(line.startswith(PREFIX) for line in answer.stderr.splitlines()), answer.stderr


def test_without_path(helper: Helper) -> None:
    helper.configure('storage = "file"\n[registries."127.0.0.1:1"]\n')
    environment = {name: value for name, value in helper.home.environment.items() if name != "PATH"}
    for words in (["status"], ["doctor"], ["setup", "--no-login", "127.0.0.1:1"]):
        answer = run([sys.executable, helper.program, *words], environment)
        assert "[unexpected]" not in answer.stderr
        assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("words", [["get"], ["status"], ["doctor"], ["setup", "--ca-file", "x.pem", NAME], ["login"]])
def test_a_folder_that_is_gone(helper: Helper, tmp_path: Path, words: list[str]) -> None:
    helper.configure('storage = "file"\ntimeout = 45\n[registries."127.0.0.1:1"]\n')
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f'cd "{gone}" && rmdir "{gone}" && exec "$0" "$@"'
    environment = {**helper.home.environment, "BROWSER": "./browser", "DOCKER_CONFIG": "rel", "REGISTRY_AUTH_FILE": "r"}
    answer = run(["sh", "-c", script, helper.program, *words], environment, "127.0.0.1:1")
    assert "[unexpected]" not in answer.stderr
    assert "Traceback" not in answer.stderr
    assert all(line.startswith(PREFIX) for line in answer.stderr.splitlines()), answer.stderr


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8"])
def test_paths_and_names_that_are_not_ascii(helper: Helper, tmp_path: Path, locale: str) -> None:
    folder = tmp_path / "Zoës Ordner"
    shutil.copytree(helper.home.path, folder)
    environment = {**helper.home.environment, "LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "DOCKER_CONFIG"):
        environment[name] = str(folder / name)
    environment["DOCKER_CREDENTIAL_HARBOR_STORAGE"] = "file"
    for words in (["setup", "--no-login", NAME], ["setup", "--dry-run", "h"], ["doctor", NAME], ["list"]):
        answer = run([helper.program, *words], environment)
        assert "[unexpected]" not in answer.stderr, words
        assert "Traceback" not in answer.stderr, words
    pair = json.dumps({"ServerURL": "quay.io", "Username": "Zoë", "Secret": "gehëim"})
    assert run([helper.program, "store"], environment, pair).returncode == 0
    answer = run([helper.program, "get"], environment, "quay.io")
    assert json.loads(answer.stdout)["Secret"] == "gehëim"
    assert run([helper.program, "setup", "--undo", NAME], environment).returncode == 0
