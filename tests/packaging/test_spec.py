"""PyInstaller's instructions as they read on other systems: nothing was built there."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from tests.packaging.built import REPOSITORY

SPEC = REPOSITORY / "packaging" / "docker-credential-harbor.spec"


def read(platform: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """What each of PyInstaller's building blocks is told on that system."""
    told: dict[str, dict[str, Any]] = {}

    def block(name: str, **results: Any) -> Any:
        def call(*_: Any, **options: Any) -> SimpleNamespace:
            told[name] = options
            return SimpleNamespace(name=name, **results)

        return call

    found = {
        "binaries": [
            ("libgcc_s.so.1", "/usr/lib/libgcc_s.so.1", "BINARY"),
            ("libpython3.13.so.1.0", "/usr/lib/libpython3.13.so.1.0", "BINARY"),
            ("_rust", "_rust.so", "EXTENSION"),
        ],
        "datas": [],
        "pure": [],
        "scripts": [("entry", "entry.py", "PYSOURCE"), ("pyi_rth_x", "x.py", "PYSOURCE")],
    }
    monkeypatch.setattr(sys, "platform", platform)
    blocks = {"Analysis": block("Analysis", **found), **{name: block(name) for name in ("PYZ", "EXE", "COLLECT")}}
    scope: dict[str, Any] = {"SPECPATH": str(SPEC.parent), **blocks}
    exec(compile(SPEC.read_text(encoding="utf-8"), str(SPEC), "exec"), scope)  # noqa: S102 - it is ours
    told["kept"] = {"binaries": [name for name, *_ in scope["analysis"].binaries], "scripts": scope["own"]}
    return told


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_one_console_program_in_one_folder(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = read(platform, monkeypatch)
    assert told["EXE"]["name"] == "docker-credential-harbor", "PyInstaller adds .exe where that is due"
    assert told["EXE"]["console"] is True
    assert told["EXE"]["exclude_binaries"] is True
    assert [script[0] for script in told["kept"]["scripts"]] == ["entry"]


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_nothing_is_stripped_or_left_to_the_system_elsewhere(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stripping would take a signature away, and there PyInstaller's executable loads the interpreter."""
    told = read(platform, monkeypatch)
    assert told["EXE"]["strip"] is False
    assert told["COLLECT"]["strip"] is False
    assert told["kept"]["binaries"] == ["libgcc_s.so.1", "libpython3.13.so.1.0", "_rust"]


def test_on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    told = read("linux", monkeypatch)
    assert told["EXE"]["strip"] is True
    assert told["kept"]["binaries"] == ["_rust"]


def test_a_signature_on_macos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODESIGN_IDENTITY", "Developer ID Application: Example")
    assert read("darwin", monkeypatch)["EXE"]["codesign_identity"] == "Developer ID Application: Example"
