"""Who can be reached and how, sign by sign; and a browser that is started without our streams."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import webbrowser
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from docker_credential_harbor.errors import NotStarted
from docker_credential_harbor.person import reaching
from docker_credential_harbor.person.reaching import has_terminal, open_browser, reach
from docker_credential_harbor.system import detached

if TYPE_CHECKING:
    from pathlib import Path

DESKTOP = {"DISPLAY": ":0"}
SSH = {"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}
HELPER = "/vscode/vscode-server/bin/linux-x64/1/bin/helpers/browser.sh"
URL = "https://sso.example.com/auth?a=1"


@pytest.fixture
def xdg_open(tmp_path: Path) -> dict[str, str]:
    """A PATH with a program that opens addresses, and nothing else."""
    program = tmp_path / "xdg-open"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return {"PATH": str(tmp_path)}


@pytest.mark.parametrize(
    ("login", "environ", "asked", "terminal", "platform", "way", "reason"),
    [
        ("auto", DESKTOP, False, False, "linux", "browser", "graphical session"),
        ("auto", {"WAYLAND_DISPLAY": "wayland-0"}, False, True, "linux", "browser", "graphical session"),
        ("auto", {"BROWSER": "firefox"}, False, False, "linux", "browser", "BROWSER"),
        ("auto", {"DISPLAY": "", "BROWSER": ""}, False, True, "linux", "link", "no graphical session"),
        ("auto", {}, False, True, "linux", "link", "no graphical session"),
        ("auto", {}, False, False, "linux", "nobody", "no terminal"),
        ("auto", {}, True, False, "linux", "link", "no graphical session"),
        ("auto", {}, False, False, "darwin", "browser", "desktop"),
        ("auto", {}, False, False, "win32", "browser", "desktop"),
        ("auto", {"WSL_DISTRO_NAME": "Debian"}, False, False, "linux", "browser", "Windows"),
        ("auto", {**SSH, **DESKTOP}, False, True, "linux", "link", "SSH"),
        ("auto", {**SSH, "DISPLAY": "localhost:10.0"}, False, True, "linux", "browser", "forwarded"),
        ("auto", {**SSH, "BROWSER": HELPER}, False, True, "linux", "browser", "BROWSER"),
        ("auto", SSH, False, True, "darwin", "link", "SSH"),
        ("auto", SSH, False, False, "darwin", "nobody", "SSH"),
        ("auto", SSH, True, False, "linux", "link", "SSH"),
        ("auto", {**DESKTOP, "CI": "true"}, False, True, "linux", "nobody", "CI"),
        ("auto", {**DESKTOP, "CI": "1"}, True, True, "linux", "browser", "graphical"),
        ("auto", {**DESKTOP, "CI": "false"}, False, True, "linux", "browser", "graphical"),
        ("auto", {"BROWSER": "x", "CI": "1"}, False, True, "linux", "nobody", "CI"),
        ("browser", {}, False, False, "linux", "browser", "login is set"),
        ("browser", {"CI": "1"}, False, False, "linux", "nobody", "CI"),
        ("device", DESKTOP, False, True, "linux", "link", "login is set"),
        ("device", DESKTOP, False, False, "linux", "nobody", "no terminal"),
        ("device", DESKTOP, True, False, "linux", "link", "login is set"),
        ("never", DESKTOP, False, True, "linux", "nobody", "never"),
        ("never", DESKTOP, True, True, "linux", "browser", "graphical"),
        ("never", {}, True, True, "linux", "link", "no graphical session"),
        ("auto", {"REMOTE_CONTAINERS": "true", **DESKTOP}, False, True, "linux", "link", "dev container"),
        ("auto", {"REMOTE_CONTAINERS": "true", **DESKTOP}, False, False, "linux", "nobody", "dev container"),
        ("auto", {"CODESPACES": "true"}, False, True, "linux", "link", "dev container"),
        ("auto", {"CODESPACES": "true", "BROWSER": HELPER}, False, True, "linux", "browser", "BROWSER"),
        ("auto", {"REMOTE_CONTAINERS": "true", "BROWSER": HELPER}, False, False, "linux", "browser", "BROWSER"),
        ("auto", {**SSH, "WSL_DISTRO_NAME": "Debian"}, False, True, "linux", "link", "SSH"),
        ("auto", {"SSH_TTY": "/dev/pts/0", "WAYLAND_DISPLAY": "wayland-0"}, False, True, "linux", "link", "SSH"),
        ("device", {"BROWSER": HELPER}, False, True, "linux", "link", "login is set"),
        ("device", {"CI": "1"}, False, True, "linux", "nobody", "CI"),
        ("browser", {**SSH, "CODESPACES": "true"}, True, True, "linux", "browser", "login is set"),
    ],
)
def test_reach(
    login: Any,
    environ: dict[str, str],
    asked: bool,
    terminal: bool,
    platform: str,
    way: str,
    reason: str,
    xdg_open: dict[str, str],
) -> None:
    found = reach(login, {**xdg_open, **environ}, asked=asked, has_terminal=terminal, platform=platform)
    assert found.way == way
    assert reason in found.reason


def test_somebody_who_asked_is_always_reached() -> None:
    for login in ("auto", "browser", "device", "never"):
        for environ in ({}, {"CI": "1"}, SSH, DESKTOP):
            for terminal in (True, False):
                found = reach(login, environ, asked=True, has_terminal=terminal, platform="linux")
                assert found.way != "nobody"


@pytest.mark.parametrize("environ", [DESKTOP, {"WAYLAND_DISPLAY": "wayland-0"}, {**SSH, "DISPLAY": "localhost:10.0"}])
def test_a_display_without_a_browser(environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "get", no_browser)
    found = reach("auto", {**environ, "PATH": str(tmp_path)}, has_terminal=True, platform="linux")
    assert found.way == "link"


def test_wsl_by_its_files_where_sudo_took_the_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert reach("auto", {}, has_terminal=True, platform="linux").way == "link"
    handler = tmp_path / "WSLInterop-Late"
    handler.touch()
    monkeypatch.setattr(reaching, "WSL_INTEROP_PLACES", (str(handler),))
    assert "Windows" in reach("auto", {}, has_terminal=True, platform="linux").reason


# --- The terminal -----------------------------------------------------------------------------------------------------

ASK = "from docker_credential_harbor.person.reaching import has_terminal; print(has_terminal())"


def test_no_terminal_without_a_session() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASK], capture_output=True, text=True, check=True, start_new_session=True
    )
    assert done.stdout.strip() == "False"


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are Unix's")
def test_a_terminal_though_standard_error_is_a_pipe() -> None:
    import pty

    child, master = pty.fork()
    if child == 0:
        os.dup2(os.pipe()[1], 2)
        os.execv(sys.executable, [sys.executable, "-c", ASK])  # noqa: S606 - after the fork
    written = b""
    while b"\n" not in written:
        written += os.read(master, 100)
    os.waitpid(child, 0)
    os.close(master)
    assert written.strip() == b"True"


def test_a_closed_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = open(os.devnull, "w")  # noqa: PTH123, SIM115
    closed.close()
    for stream in (None, closed):
        monkeypatch.setattr(sys, "stderr", stream)
        assert has_terminal() in (True, False)


# --- The browser ------------------------------------------------------------------------------------------------------


@pytest.fixture
def browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A browser that writes to its streams, and what it was called with to a file."""
    program = tmp_path / "my browser"
    program.write_text(
        f'#!/bin/sh\necho noise\necho noise >&2\necho "$@" > "{tmp_path}/new"\nmv "{tmp_path}/new" "{tmp_path}/seen"\n'
    )
    program.chmod(0o755)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "WSL_INTEROP"):
        monkeypatch.delenv(name, raising=False)
    return program


def seen(browser: Path) -> str:
    file = browser.parent / "seen"
    deadline = time.monotonic() + 10
    while not file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return file.read_text().strip()


@pytest.mark.parametrize("form", ["'{}'", "'{}' %s", "'{}' %s &", "/nonexistent/browser:'{}'", "'not closed:'{}'"])
def test_browser_variable(
    browser: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], form: str
) -> None:
    monkeypatch.setenv("BROWSER", form.format(browser))
    assert open_browser(URL)
    assert seen(browser) == URL
    assert capfd.readouterr() == ("", "")


def test_browser_with_options(browser: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", f"'{browser}' --new-window=%s")
    assert open_browser(URL)
    assert seen(browser) == f"--new-window={URL}"


def test_a_browser_that_stays_does_not_hold_us_up(browser: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noted = browser.parent / "seen"
    browser.write_text(f"#!/bin/sh\necho $$ > {noted}.new\nmv {noted}.new {noted}\nexec sleep 600\n")
    monkeypatch.setenv("BROWSER", f"'{browser}'")
    assert open_browser(URL)
    os.kill(int(seen(browser)), signal.SIGTERM)  # OSError where it does not stay


def test_the_desktops_own_choice(browser: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser.rename(browser.parent / "xdg-open")
    monkeypatch.delenv("BROWSER", raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("PATH", f"{browser.parent}:{os.environ['PATH']}")
    assert open_browser(URL)
    assert seen(browser) == URL


def no_browser() -> webbrowser.BaseBrowser:
    raise webbrowser.Error("could not locate runnable browser")


def refuse_to_start(_: list[str]) -> int:
    raise NotStarted(program="x", reason="no such file")


def test_browsers_that_the_standard_library_knows(browser: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BROWSER", raising=False)
    monkeypatch.setattr(webbrowser, "get", lambda: webbrowser.BackgroundBrowser([str(browser), "--url", "%s"]))
    assert open_browser(URL)
    assert seen(browser) == f"--url {URL}"


def test_no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", "/nonexistent/browser")
    monkeypatch.setattr(webbrowser, "get", no_browser)
    assert not open_browser(URL)
    monkeypatch.setattr(detached, "start", refuse_to_start)
    assert not open_browser(URL)


@pytest.mark.parametrize("url", ["--help", "file:///etc/passwd", "javascript:alert(1)", ""])
def test_only_addresses_of_the_web(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(detached, "start", started.append)
    assert not open_browser(url)
    assert not started


HOSTILE = "https://h.example.com/a b$(id)`id`;id|id>x<y'z\"&{q,r}*!(p)\\^%PATH%,@\u202e\n?a=b#$HOME&c"


@pytest.mark.parametrize("form", ["sh -c 'exec {} %s'", "'{}' %s", "sh -c 'eval exec {} %s'"])
def test_nothing_in_an_address_means_anything_to_a_shell(
    browser: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    program = browser.rename(browser.parent / "browser")
    monkeypatch.setenv("BROWSER", form.format(program))
    monkeypatch.chdir(browser.parent)
    assert open_browser(HOSTILE)
    assert re.fullmatch(r"[A-Za-z0-9:/._~?=%\[\]-]+", seen(program))
    assert not re.search("%(?![0-9A-F]{2})", seen(program)), "nor does a percent sign begin a variable's name"
    assert unquote(seen(program)) == HOSTILE
    assert sorted(path.name for path in browser.parent.iterdir()) == ["browser", "seen"]


def test_what_is_encoded_already_stays() -> None:
    url = "http://[::1]:1/c/oidc/login?redirect_url=%2Fharbor%2Fprojects"
    assert reaching.beyond_any_shell(url) == url


def test_other_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert list(reaching._commands(URL, {})) == [["/usr/bin/open", URL]]  # noqa: SLF001
    monkeypatch.setattr(sys, "platform", "linux")
    commands = list(reaching._commands(URL, {"WSL_DISTRO_NAME": "Debian"}))  # noqa: SLF001
    assert commands[:2] == [["wslview", URL], ["rundll32.exe", "url.dll,FileProtocolHandler", URL]]
