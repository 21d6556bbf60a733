"""The .rpm by rpm's own tools, the .tar.gz, checksums, and what all of it needs of a system."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.conftest import need
from tests.lab.sealed_home import NAME, Home
from tests.lab.workplace import NOT_FOUND

if TYPE_CHECKING:
    from pathlib import Path

    from tests.packaging.built import Built

DOCUMENTS = f"usr/share/doc/{NAME}"
EVERYWHERE = {
    f"usr/bin/{NAME}",
    f"usr/lib/{NAME}/{NAME}",
    f"usr/share/man/man1/{NAME}.1.gz",
    f"usr/share/bash-completion/completions/{NAME}",
    f"usr/share/fish/vendor_completions.d/{NAME}.fish",
    f"{DOCUMENTS}/copyright",
    f"{DOCUMENTS}/config.toml.example",
}


def output(*command: str | Path, **options: object) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


def assert_that_it_runs(program: Path, home: Home) -> None:
    """Away from everything: its own environment, no configuration."""
    environment = {**home.environment, "PATH": "/usr/bin:/bin"}
    assert output(program, "--version", env=environment).startswith(f"{NAME} ")
    got = subprocess.run([program, "get"], input="h.example.com", env=environment, capture_output=True, text=True)
    assert (got.returncode, got.stdout, got.stderr) == (1, NOT_FOUND, "")


@pytest.fixture
def rpm() -> None:
    need("rpm", "apt-get install rpm", shutil.which("rpm"))


@pytest.mark.usefixtures("rpm")
class TestRpm:
    def test_the_same_files_as_in_the_deb(self, built: Built) -> None:
        listed = {path.removeprefix("/") for path in output("rpm", "-qpl", built.rpm).split()}
        in_deb = {line.split()[5].removeprefix("./") for line in output("dpkg-deb", "-c", built.deb).splitlines()}
        assert listed >= {*EVERYWHERE, f"usr/share/zsh/site-functions/_{NAME}"}
        assert in_deb >= {*EVERYWHERE, f"usr/share/zsh/vendor-completions/_{NAME}"}
        ours = f"usr/lib/{NAME}/"
        assert {path for path in listed if path.startswith(ours)} == {
            path.rstrip("/") for path in in_deb if path.startswith(ours) and path != ours
        }
        owned = {path for path in listed if not path.startswith((ours, DOCUMENTS))} - EVERYWHERE
        assert owned == {f"usr/lib/{NAME}", f"usr/share/zsh/site-functions/_{NAME}"}, "no folder that is others'"

    def test_it_needs_no_python_and_no_other_package(self, built: Built) -> None:
        needed = {line.split("(")[0] for line in output("rpm", "-qp", "--requires", built.rpm).split()}
        assert {each for each in needed if each.startswith("lib")} == {"libc.so.6", "libgcc_s.so.1"}
        assert not [each for each in needed if "python" in each]

    def test_it_runs_where_rpm_unpacks_it(self, built: Built, tmp_path: Path, home: Home) -> None:
        need("root, for rpm --root", "run the tests as root", os.geteuid() == 0)
        root = tmp_path / "root"
        root.mkdir()
        output("rpm", f"--root={root}", "--nodeps", "-i", built.rpm)
        assert "unsatisfied" not in output("rpm", f"--root={root}", "--nodeps", "--verify", NAME)
        assert_that_it_runs(root / "usr" / "bin" / NAME, home)


def test_the_archive_runs_anywhere(built: Built, tmp_path: Path, home: Home) -> None:
    place = tmp_path / "a folder of somebody's"
    place.mkdir()
    output("tar", "--extract", "--file", built.archive, "--directory", place)
    [top] = place.iterdir()
    assert top.name == built.archive.name.removesuffix(".tar.gz")
    assert {path.name for path in top.iterdir()} == {NAME, "_internal", "share"}
    assert_that_it_runs(top / NAME, home)


def test_checksums_cover_everything_to_be_handed_out(built: Built) -> None:
    checked = output("sha256sum", "--check", "SHA256SUMS", cwd=built.dist)
    files = (built.deb, built.rpm, built.archive, built.bill)
    assert sorted(checked.splitlines()) == sorted(f"{path.name}: OK" for path in files)


class TestNeeds:
    """Measured anew by binutils, against what the packages say."""

    def test_the_highest_glibc_version(self, built: Built) -> None:
        need("objdump", "apt-get install binutils", shutil.which("objdump"))
        elf = [path for path in built.folder.rglob("*") if path.is_file() and path.read_bytes()[:4] == b"\x7fELF"]
        versions = re.findall(r"GLIBC_([0-9.]+)\b", "".join(output("objdump", "-T", path) for path in elf))
        highest = max(versions, key=lambda version: [int(part) for part in version.split(".")])
        assert f"libc6 (>= {highest})" in output("dpkg-deb", "--field", built.deb, "Depends")
        assert f"libc.so.6(GLIBC_{highest})(64bit)" in output("rpm", "-qp", "--requires", built.rpm)

    def test_every_library_is_found(self, built: Built) -> None:
        inside = built.folder / "_internal"
        for path in [built.program, *inside.rglob("*.so*")]:
            found = output("ldd", path, env={**os.environ, "LD_LIBRARY_PATH": str(inside)})
            assert "not found" not in found, path

    def test_no_library_is_looked_for_where_the_build_machine_has_its_own(self, built: Built) -> None:
        for path in [built.program, *built.folder.rglob("*.so*")]:
            assert not re.search(r"\bR(UN)?PATH\b", output("objdump", "--private-headers", path)), path

    def test_nothing_is_in_there_that_every_system_has(self, built: Built) -> None:
        assert not [*built.folder.rglob("libgcc_s*"), *built.folder.rglob("libz.*"), *built.folder.rglob("libc.so*")]
